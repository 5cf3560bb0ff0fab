# make demo   the whole pipeline on a synthetic knee; prints the path of its report
# make studies   the experiments of the two papers (an hour), and their tables in docs/studies
# make test   everything that continuous integration checks (the same as make check)
# make clean  removes the virtual environment and all caches
#
# Needs Python 3.11 to 3.13 and make; the rest is installed into .venv on first use.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; (3, 11) <= sys.version_info < (3, 14) and print("$(name)")' 2>/dev/null)))

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev

.PHONY: studies demo test check install install-dev clean

demo: install
	$(BIN)/spinprint demo

studies: install
	mkdir -p docs/studies
	for name in finkelstein2022 zhang2025; do \
		$(BIN)/spinprint study $$name --scale quick --out studies/$$name && \
		cp studies/$$name/tables.md docs/studies/$$name.md || exit; \
	done

test: check

check: install-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest

install: $(INSTALLED)

install-dev: $(INSTALLED_DEV)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { \
		echo "no Python 3.11 to 3.13 found: install one, or say make PYTHON=/path/to/python"; exit 2; }
	@echo "installing into $(VENV) (once; a minute or so)"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED)
	@echo "installing what the checks need (once; a few minutes)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
