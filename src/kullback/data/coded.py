"""A column of texts, or of a categorical type: the code of each row, and what the codes mean.

Whatever is done value by value, in Python, is done once for each category rather than each row.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray


@final
class Coded(np.ndarray[Any, np.dtype[np.intp]]):
    """Codes of categories as an array of integers, −1 where a value is missing.

    Attributes:
        categories: the category of each code.
    """

    categories: tuple[Any, ...]

    @classmethod
    def of(cls, codes: NDArray[Any], categories: tuple[Any, ...]) -> Coded:
        """Make a column of its codes and categories."""
        out = codes.astype(np.intp).view(cls)
        out.categories = categories
        return out

    def __array_finalize__(self, of: Any) -> None:
        """Keep the categories of a part."""
        self.categories = getattr(of, "categories", ())

    @classmethod
    def joined(cls, parts: Sequence[Coded]) -> Coded:
        """Join the parts of one column, each with categories of its own."""
        places: dict[Any, int] = {}
        codes = []
        for part in parts:
            own = [places.setdefault(category, len(places)) for category in part.categories]
            codes.append(np.array([*own, -1], dtype=np.intp)[np.asarray(part)])
        return cls.of(np.concatenate(codes), tuple(places))

    @property
    def counts(self) -> dict[Any, int]:
        """The number of rows of each category that occurs."""
        codes = np.asarray(self)
        rows = np.bincount(codes[codes >= 0] if self.any_missing else codes)
        out: dict[Any, int] = {}
        for code in np.flatnonzero(rows).tolist():  # two codes may be of one category
            category = self.categories[code]
            out[category] = out.get(category, 0) + int(rows[code])
        return out

    @property
    def any_missing(self) -> bool:
        """Whether a value is missing."""
        return bool(self.size) and int(self.min()) < 0

    @property
    def values(self) -> NDArray[Any]:
        """The category of each row, None where it is missing."""
        known = np.empty(len(self.categories) + 1, dtype=object)
        known[:-1] = self.categories  # and None at the end, where −1 points
        out: NDArray[Any] = known[np.asarray(self)]
        return out
