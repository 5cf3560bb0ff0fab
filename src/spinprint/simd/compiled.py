"""Kernels whose compiled code is cached for later processes, separately per state of the source.

Numba's own cache checks only the file of a kernel: after a change in a module that this file
imports, it would run outdated code. It also raises if no folder is writable, and can mix up the
code of two signatures that two processes write at once.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from numba import config, njit
from numba.core.caching import NullCache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from ..cache import cache_folder, files_by_use, made, mark_used, trim, writable
from ..errors import OutputError
from ..files import replacing
from ..source import source_digest
from .vectors import LANES

LIMIT = 200_000_000
"""Maximum number of bytes of compiled code kept; code of earlier sources is removed first."""

_NAME = re.compile(r"(\.part-[0-9a-f]{8}-)?[\w.]+-[0-9a-f]{32}\.nbc")
_CHECKSUM = hashlib.sha256().digest_size


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function, to run without the interpreter lock, and cache its code."""
    compiled: Any = njit(nogil=True, error_model="numpy")(function)
    compiled._cache = _Kept(function)  # as njit(cache=True) sets numba's own cache
    return compiled


def compiled_folder() -> Path | None:
    """The folder of compiled code, created if missing; None if no folder is writable.

    It lies below numba's `$NUMBA_CACHE_DIR` if that is set and writable, otherwise in the folder
    of all caches.
    """
    chosen: str = config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba is imported
    numbas = made(Path(chosen)) if chosen else None
    if numbas and writable(numbas):
        return made(numbas / "spinprint")
    ours = cache_folder()
    return made(ours / "compiled") if ours else None


class _Kept(NullCache):
    """The compiled code of a kernel: one file per signature, machine and state of the source.

    Code that cannot be read is compiled again, and code that cannot be written is not kept.
    """

    def __init__(self, function: Callable[..., Any]):
        self._name = f"{function.__module__}.{function.__qualname__}"
        # Read while the module is imported: later, the source on disk may differ from what runs.
        self._source = source_digest(function.__module__)

    @property
    def cache_path(self):
        """The folder; None if nothing is kept."""
        folder = compiled_folder() if self._source else None
        return str(folder) if folder else None

    def load_overload(self, sig, target_context):
        """Load the code for a signature; None if it is missing or damaged."""
        target_context.refresh()
        path = self._path(sig, target_context.codegen())
        try:
            content = path.read_bytes() if path else b""
        except OSError:
            return None
        checksum, payload = content[:_CHECKSUM], content[_CHECKSUM:]
        if path is None or hashlib.sha256(payload).digest() != checksum:
            return None
        mark_used(path)
        return CompileResult._rebuild(target_context, *pickle.loads(payload))

    def save_overload(self, sig, data):
        """Save the code for a signature."""
        path = self._path(sig, data.codegen)
        if path is None or data.lifted or data.library.has_dynamic_globals:
            return
        payload = dumps(data._reduce())
        with suppress(OutputError):
            with replacing(path) as temporary:
                temporary.write_bytes(hashlib.sha256(payload).digest() + payload)
            trim(files_by_use(path.parent, _NAME.fullmatch), LIMIT)

    def flush(self):
        """Stop caching: whoever recompiles has changed more than the source shows."""
        self._source = None

    def _path(self, signature, codegen) -> Path | None:
        folder = self.cache_path
        if folder is None:
            return None
        key = (
            self._source,
            signature,
            codegen.magic_tuple(),  # processor and its features, which numba's settings may change
            LANES,  # of this processor
            sys.implementation.cache_tag,
        )
        digest = hashlib.sha256(repr(key).encode()).hexdigest()
        return Path(folder) / f"{self._name}-{digest[:32]}.nbc"
