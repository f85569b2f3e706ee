"""Confidence intervals by parameter, with cautions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np

from kullback.models.source import Source


@final
class Intervals(dict[str, Any]):
    """Intervals by parameter: the lower and the upper end, shape (2,), or (size, 2) of vectors.

    Of a formula or a ``kl.Function`` they are the intervals of its coefficients by name.

    Attributes:
        cautions: about ends that are a bound of the parameter, infinite or unknown, a sentence
            each.
    """

    def __init__(self, ends: Mapping[str, Any] | None = None, cautions: tuple[str, ...] = ()):
        super().__init__(ends or {})
        self.cautions = cautions

    def by_coefficient(self, sources: Mapping[str, Source]) -> Intervals:
        """Return those of formulas and functions by coefficient; those of others unchanged."""
        changed = {
            name: source.by_coefficient(np.reshape(self[name], (-1, 2)))
            for name, source in sources.items()
            if source.named and name in self
        }
        return Intervals({**self, **changed}, self.cautions) if changed else self

    def __repr__(self) -> str:
        """The intervals, and each caution in a line."""
        return "\n  ".join([super().__repr__(), *self.cautions])
