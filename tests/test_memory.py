"""Arrays aligned with cache lines, and memory that is reused."""

import gc
import threading

import numpy as np
import pytest

from spinprint import memory
from spinprint.memory import LARGE, LINE, aligned, forget


def address(array: np.ndarray) -> int:
    return int(array.ctypes.data)


@pytest.mark.parametrize("shape", [(0, 4), (1,), (3, 5), (7, 11, 13), (LARGE // 4,), (LARGE, 3)])
@pytest.mark.parametrize("dtype", [np.float32, np.complex64])
def test_arrays_are_ordinary_and_aligned(shape: tuple[int, ...], dtype: type) -> None:
    array = aligned(shape, dtype)
    assert (array.shape, array.dtype) == (shape, np.dtype(dtype))
    assert array.flags.c_contiguous
    assert array.flags.writeable
    assert address(array) % LINE == 0 or array.size == 0
    array[...] = 3
    assert (array == 3).all()


def test_a_released_block_is_reused() -> None:
    first = aligned((LARGE,), np.float32)
    place = address(first)
    del first
    assert address(aligned((LARGE - 8,), np.float32)) == place


def test_a_block_is_not_reused_while_a_view_exists() -> None:
    first = aligned((2, LARGE), np.float32)
    first[:] = 1
    view = first[1, ::2].reshape(-1, 4)
    del first
    gc.collect()
    other = aligned((2, LARGE), np.float32)
    other[:] = 2
    assert (view == 1).all()


def test_at_most_one_block_is_kept_and_none_is_reused_if_much_too_large() -> None:
    blocks = [aligned((LARGE + i,), np.float32) for i in range(3)]
    places = {address(block) for block in blocks}
    blocks.clear()
    small, again, more = (aligned((n,), np.float32) for n in (LARGE // 3, LARGE, LARGE))
    assert address(again) in places
    assert address(small) != address(again)
    assert len({address(one) for one in (small, again, more)}) == 3


def test_forget_returns_memory_to_the_system() -> None:
    del_me = aligned((LARGE,), np.float32)
    del_me[:] = 1
    del del_me
    forget()
    assert memory._kept.take(LARGE) is None
    assert not aligned((LARGE,), np.float32).any(), "fresh memory is zeroed"


def test_threads_never_share_a_block() -> None:
    def work(number: int) -> None:
        for _ in range(30):
            array = aligned((LARGE,), np.uint8)
            array[:] = number
            wrong.append(bool((array != number).any()))

    wrong: list[bool] = []
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 120
    assert not any(wrong)


def test_too_large_an_array_is_a_memory_error() -> None:
    with pytest.raises(MemoryError, match="no 36028797018963968 bytes of memory for an array"):
        aligned((1 << 53,), np.float32)


def test_memory_is_reused_without_support_for_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MADV_FREE", "MADV_HUGEPAGE"):
        monkeypatch.delattr(memory.mmap, name, raising=False)
    monkeypatch.setattr(memory, "_kept", memory._Kept())
    first = aligned((LARGE,), np.float32)
    first[:] = 1
    place = address(first)
    del first
    assert address(aligned((LARGE,), np.float32)) == place
