"""Kernels whose compiled code is kept for later processes, apart for each state of the source.

Numba's own cache looks at the file of a kernel alone: after a change in a module that the file
imports it would run code compiled for what is gone. It also raises where no folder can be written,
and can mix up the code of two signatures that two processes write at once.
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
"""Bytes of compiled code that are kept: code of earlier sources goes, as nothing uses it."""

_NAME = re.compile(r"(\.part-[0-9a-f]{8}-)?[\w.]+-[0-9a-f]{32}\.nbc")
_CHECKSUM = hashlib.sha256().digest_size


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that runs without the interpreter lock, and keep its code."""
    compiled: Any = njit(nogil=True, error_model="numpy")(function)
    compiled._cache = _Kept(function)  # as njit(cache=True) does with numba's own cache
    return compiled


def compiled_folder() -> Path | None:
    """Where compiled code is kept, made if it was missing; None where there is no folder for it.

    It lies below numba's own `$NUMBA_CACHE_DIR` where that is set and can be written, else in the
    folder of all caches.
    """
    chosen: str = config.CACHE_DIR  # type: ignore[attr-defined]  # set when numba is imported
    numbas = made(Path(chosen)) if chosen else None
    if numbas and writable(numbas):
        return made(numbas / "spinprint")
    ours = cache_folder()
    return made(ours / "compiled") if ours else None


class _Kept(NullCache):
    """The compiled code of a kernel: a file for each signature, machine and state of the source.

    What cannot be read is compiled anew, and what cannot be written is not kept.
    """

    def __init__(self, function: Callable[..., Any]):
        self._name = f"{function.__module__}.{function.__qualname__}"
        # Now, while its module is imported: an hour later the source may not be what runs.
        self._source = source_digest(function.__module__)

    @property
    def cache_path(self):
        """The folder; None where nothing is kept."""
        folder = compiled_folder() if self._source else None
        return str(folder) if folder else None

    def load_overload(self, sig, target_context):
        """The code for a signature; None where there is none, or none that is whole."""
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
        """Keep the code for a signature."""
        path = self._path(sig, data.codegen)
        if path is None or data.lifted or data.library.has_dynamic_globals:
            return
        payload = dumps(data._reduce())
        with suppress(OutputError):
            with replacing(path) as temporary:
                temporary.write_bytes(hashlib.sha256(payload).digest() + payload)
            trim(files_by_use(path.parent, _NAME.fullmatch), LIMIT)

    def flush(self):
        """Keep nothing from now on: who compiles anew has changed more than the source says."""
        self._source = None

    def _path(self, signature, codegen) -> Path | None:
        folder = self.cache_path
        if folder is None:
            return None
        key = (
            self._source,
            signature,
            codegen.magic_tuple(),  # processor and its features, as numba may be told
            LANES,  # as this processor has them
            sys.implementation.cache_tag,
        )
        digest = hashlib.sha256(repr(key).encode()).hexdigest()
        return Path(folder) / f"{self._name}-{digest[:32]}.nbc"
