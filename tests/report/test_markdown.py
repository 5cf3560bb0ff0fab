"""Pages as Markdown."""

from pathlib import Path

from matplotlib.figure import Figure

from spinprint.report import (
    Bullets,
    Cell,
    Column,
    Details,
    Gallery,
    Outcome,
    Page,
    Picture,
    Section,
    Table,
    Text,
    Verdict,
    Verdicts,
    write_markdown,
)

PAGE = Page(
    title="A\npage",
    subtitle="With <script>",
    sections=[
        Section(
            "First",
            [
                Text(["One.", "Two\nlines."]),
                Bullets(["a", "b"]),
                Verdicts([Verdict("It is", "3 %", "", Outcome.UNTESTED, "None was at hand.")]),
                Section("Inner", [Gallery([Picture(Figure(), alt="a curve", caption="Drawn")])]),
                Details(
                    "More",
                    [
                        Table(
                            caption="Numbers",
                            columns=[
                                Column("name", is_text=True),
                                Column("bias", "%", "T1"),
                                Column("n"),
                            ],
                            rows=[["x|y", Cell(0.123, "†", "biased"), 3], ["z", None, 1234.5]],
                            notes="† biased",
                        )
                    ],
                ),
            ],
        )
    ],
    provenance={"seed": 3, "sizes": {"n_voxels": [1, 2]}},
)

EXPECTED = """# A page

With &lt;script>

## First

One.

Two lines.

- a
- b

Claims beside what was measured.

| claim | measured | interval | verdict |
| :--- | :--- | :--- | :--- |
| It is | 3 % |  | – **not tested** None was at hand. |

### Inner

*Figure: Drawn*

### More

Numbers

| name | T1 bias [%] | n |
| :--- | ---: | ---: |
| x\\|y | 0.12 † | 3 |
| z | – | 1234 |

† biased

## How this was made

| what | value |
| :--- | :--- |
"""


def test_everything_on_a_page_has_its_form(tmp_path: Path) -> None:
    text = write_markdown(PAGE, tmp_path / "page.md").read_text()
    assert text.startswith(EXPECTED)
    software, *rest = text.removeprefix(EXPECTED).splitlines()
    assert software.startswith("| software | spinprint ")
    assert rest == ["| seed | 3 |", "| sizes, n voxels | 1, 2 |"]
