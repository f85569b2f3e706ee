"""Confidence intervals by parameter, with cautions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from kullback._core.arrays import Vector


@final
class Intervals(dict[str, Vector]):
    """Intervals by parameter: the lower and the upper end, shape (2,), or (size, 2) of vectors.

    Attributes:
        cautions: about ends that are a bound of the parameter, infinite or unknown, a sentence
            each.
    """

    def __init__(self, ends: Mapping[str, Any] | None = None, cautions: tuple[str, ...] = ()):
        super().__init__(ends or {})
        self.cautions = cautions

    def __repr__(self) -> str:
        """The intervals, and each caution in a line."""
        return "\n  ".join([super().__repr__(), *self.cautions])
