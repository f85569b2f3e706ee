"""Memory for arrays: aligned so that JAX need not copy it, and scratch memory for each thread."""

from __future__ import annotations

import threading
from typing import Final, final

import numpy as np

from kullback._core.arrays import Vector

# Alignment of an array, in bytes, at which JAX uses it on a CPU without a copy.
ALIGNMENT: Final = 64


def aligned(count: int) -> Vector:
    """Return an uninitialised float64 array, aligned so that JAX need not copy it."""
    raw = np.empty(count * 8 + ALIGNMENT, dtype=np.uint8)
    offset = -raw.ctypes.data % ALIGNMENT
    return raw[offset : offset + count * 8].view(np.float64)


@final
class Scratch(threading.local):
    """Reused memory, one block a thread: fresh memory would cost more than the arithmetic in it.

    The next call in the same thread overwrites its content.
    """

    def __init__(self) -> None:
        self._rows = np.empty((0, 0))

    def rows(self, count: int, length: int) -> Vector:
        """Return ``count`` rows of a length, each of them contiguous."""
        if self._rows.shape[0] < count or self._rows.shape[1] < length:
            most = max(self._rows.shape[1], length)
            self._rows = aligned(count * most).reshape(count, most)
        return self._rows[:count, :length]
