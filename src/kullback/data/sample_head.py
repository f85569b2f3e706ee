"""Rows evenly drawn from a stream, which are kept in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback.data.row_hashes import mixed
from kullback.data.sample import ArraySample, Floats, Integers
from kullback.data.tables import concatenated

# Rows kept in memory, to learn encodings from and to hold out: evenly drawn, up to so many bytes.
# The median of 131,072 rows is accurate to 0.14 % of the rows.
_HEAD_BYTES = 128 * 2**20
_MOST_HEAD, _FEWEST_HEAD = 2**17, 2**12


@final
@dataclass(frozen=True, eq=False)
class Head:
    """Rows evenly drawn from a stream: those with the smallest ``row_fractions``.

    Attributes:
        sample: the rows; ``sample.rows`` has their numbers.
        share: the fraction below which a row is among them.
        of: the number of rows of the stream, before any is dropped.
    """

    sample: ArraySample
    share: float
    of: int


def row_fractions(rows: Integers) -> Floats:
    """A reproducible pseudo-random number in [0, 1) for each row number."""
    out: Floats = (mixed(rows) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return out


@final
class RowDraw:
    """Keeps rows with the smallest fractions while a stream is read.

    Args:
        width: the number of columns.

    Attributes:
        count: the number of rows read.
        share: the fraction below which a row is kept.
    """

    def __init__(self, width: int) -> None:
        self._most = min(max(_HEAD_BYTES // (8 * width), _FEWEST_HEAD), _MOST_HEAD)
        self._kept: list[tuple[Integers, dict[str, NDArray[Any]]]] = []
        self._rows = 0
        self.count = 0
        self.share = 1.0

    def add(self, columns: dict[str, NDArray[Any]]) -> None:
        """Add rows."""
        count = len(next(iter(columns.values())))
        self._keep(np.arange(self.count, self.count + count), columns)
        self.count += count
        if self._rows > 2 * self._most:
            self._thin()

    def drawn(self) -> tuple[dict[str, NDArray[Any]], Integers]:
        """The drawn rows as columns, and their numbers."""
        if self._rows > self._most:
            self._thin()
        numbers = np.concatenate([numbers for numbers, _ in self._kept])
        names = self._kept[0][1]
        return {n: concatenated([part[n] for _, part in self._kept]) for n in names}, numbers

    def _keep(self, numbers: Integers, columns: dict[str, NDArray[Any]]) -> None:
        chosen = np.flatnonzero(row_fractions(numbers) < self.share)
        if len(chosen):
            kept = {name: values[chosen] for name, values in columns.items()}
            self._kept.append((numbers[chosen], kept))
            self._rows += len(chosen)

    def _thin(self) -> None:
        """Keep the rows with the smallest fractions, as many as fit."""
        fractions = np.concatenate([row_fractions(numbers) for numbers, _ in self._kept])
        self.share = float(np.partition(fractions, self._most)[self._most])
        kept, self._kept, self._rows = self._kept, [], 0
        for numbers, columns in kept:
            self._keep(numbers, columns)
