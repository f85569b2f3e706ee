"""Memory for arrays: where JAX need not copy it, and a thread's own to work in."""

from __future__ import annotations

import threading
from typing import Final, final

import numpy as np

from kullback._core.arrays import Vector

# Where an array has to start for JAX to take it on a CPU without copying it, in bytes.
ALIGNMENT: Final = 64


def aligned(count: int) -> Vector:
    """An uninitialised float64 array that starts where JAX need not copy it."""
    raw = np.empty(count * 8 + ALIGNMENT, dtype=np.uint8)
    offset = -raw.ctypes.data % ALIGNMENT
    return raw[offset : offset + count * 8].view(np.float64)


@final
class Scratch(threading.local):
    """Memory of a thread's own, kept: fresh memory would cost more than the arithmetic in it.

    What is in it is lost at the next call for the same thread.
    """

    def __init__(self) -> None:
        self._rows = np.empty((0, 0))

    def rows(self, count: int, length: int) -> Vector:
        """Give ``count`` rows of a length, each of them contiguous."""
        if self._rows.shape[0] < count or self._rows.shape[1] < length:
            most = max(self._rows.shape[1], length)
            self._rows = aligned(count * most).reshape(count, most)
        return self._rows[:count, :length]
