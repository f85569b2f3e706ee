"""A column of texts as the codes of its categories, as tables of categorical types hold it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray


@final
@dataclass(frozen=True, eq=False)
class Coded:
    """A column of texts by codes: its values are converted once a category, not once a row.

    Attributes:
        codes: the place of each row's category, −1 where the value is missing.
        categories: the texts, which need not all occur, as Python objects.
    """

    codes: NDArray[np.integer[Any]]
    categories: NDArray[Any]

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def _count(self) -> NDArray[np.intp]:
        """The number of rows of each category."""
        return np.bincount(self.codes + 1, minlength=len(self.categories) + 1)[1:]

    @property
    def present(self) -> NDArray[Any]:
        """The categories that occur."""
        present: NDArray[Any] = self.categories[self._count > 0]
        return present

    def counts(self) -> Counter[Any]:
        """The number of rows of each category that occurs."""
        rows = self._count[self._count > 0]
        return Counter(dict(zip(self.present.tolist(), rows.tolist(), strict=True)))

    def spread(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the number of each row's category, NaN where it is missing.

        Args:
            numbers: one for each category that occurs.
        """
        table = np.full(len(self.categories) + 1, np.nan)
        table[:-1][self._count > 0] = numbers
        of_rows: NDArray[np.float64] = table[self.codes]
        return of_rows

    def values(self) -> NDArray[Any]:
        """Return the value of every row, None where it is missing."""
        values = np.empty(len(self.categories) + 1, dtype=object)
        values[:-1] = self.categories
        of_rows: NDArray[Any] = values[self.codes]
        return of_rows
