"""Samples that users make of arrays of ends, or of bins and counts: ``kl.Sample``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.arrays import to_numbers, vector
from kullback.data.checks import count_of
from kullback.data.derived_sample import DerivedSample
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.data.sample import Chunk


@final
class Sample(DerivedSample):
    """Rows of which each says lower ≤ X ≤ upper: it goes wherever data go, as in ``kl.fit``.

    Equal ends are an outcome that was seen; an infinite or missing end is none: (t, inf) is
    right-censored at t, (−inf, t) left-censored. Ends belong to the interval, which makes a
    difference for counts only.

    Args:
        lower: the lower ends, an array; None for none.
        upper: the upper ends; None for none.
        truncation: the ends of the window in which the outcome had to lie for the row to be in the
            sample, two of an array, a number or None; None for no window.
        weights: of the rows; None for one each.
        rounding: the distance of the values that outcomes were rounded to: one of equal ends x
            then lies between x − rounding/2 and x + rounding/2.

    Raises:
        DataError: for rows that cannot be, with their numbers: ends in the wrong order, an outcome
            outside its window, no end at all, a missing weight.

    Example:
        >>> import kullback as kl
        >>> sample = kl.Sample(lower=[1.0, 0.4, 2.0], upper=[1.0, 0.4, float("inf")])
        >>> sample
        Sample(3 rows: 2 exact, 1 right-censored)
        >>> fit = kl.fit(kl.Exponential(), sample)  # the rate is that of events in time
        >>> round(fit.params["rate"], 6) == round(2 / 3.4, 6)
        True
    """

    of_user: ClassVar[bool] = True

    def __init__(
        self,
        lower: Any = None,
        upper: Any = None,
        *,
        truncation: Any = None,
        weights: Any = None,
        rounding: float | None = None,
    ) -> None:
        if lower is None and upper is None:
            raise DataError("give lower or upper ends, or both, equal where outcomes were seen")
        if rounding is not None and (lower is None or upper is None):
            raise DataError(
                "rounding= is that of outcomes that were seen, which have equal ends, and with "
                f"{'lower' if upper is None else 'upper'} ends alone there are none: for rounded "
                "outcomes y give lower=y, upper=y"
            )
        given = {"lower": lower, "upper": upper}
        columns = {n: vector(v, f"{n}=") for n, v in given.items() if v is not None}
        for name, infinite in (("lower", -np.inf), ("upper", np.inf)):
            if name not in columns:
                (other,) = columns.values()
                columns[name] = np.full(len(other), infinite)
        roles = Roles(("lower", "upper"), weights=weights, truncation=truncation, rounding=rounding)
        object.__setattr__(self, "rows", open_sample(columns, roles))
        self.__post_init__()
        object.__setattr__(self, "label", "y")

    def chunks(self) -> Iterator[Chunk]:
        """Yield the rows."""
        return self.rows.chunks()

    @classmethod
    def binned(cls, edges: Any, counts: Any, *, truncation: Any = None) -> Sample:
        """Make a sample of numbers of outcomes in bins.

        As in ``numpy.histogram`` a bin holds its lower edge and not its upper one, but for the
        last, which holds both.

        Args:
            edges: ascending, one more than there are bins; the first and the last may be infinite.
            counts: the number of outcomes, or their weight, in each bin.
            truncation: as in ``Sample``: for bins outside which nothing was counted, the first and
                the last edge.

        Raises:
            DataError: for edges that do not ascend, or another number of counts.

        Example:
            >>> import kullback as kl
            >>> kl.Sample.binned([0.0, 1.0, 2.0, float("inf")], [30, 12, 5])
            Sample(3 rows, total weight 47: 1 right-censored, 2 interval-censored)
        """
        ends = to_numbers(vector(edges, "edges"), "edges")
        weights = vector(counts, "counts")
        if len(ends) != len(weights) + 1:
            raise DataError(
                f"{count_of(len(weights), 'bin')} need one edge more, got "
                f"{count_of(len(ends), 'edge')}"
            )
        wrong = np.flatnonzero(~(np.diff(ends) > 0.0))
        if wrong.size:
            i = int(wrong[0])
            raise DataError(
                f"edges must ascend, but edge {i + 1} ({ends[i + 1]:g}) is not above edge {i} "
                f"({ends[i]:g})"
            )
        upper = ends[1:].copy()
        # only a whole number can be the outcome on an edge with a probability: a count
        open_end = (upper == np.floor(upper)) & np.isfinite(upper)
        open_end[-1] = False
        upper[open_end] = np.nextafter(upper[open_end], -np.inf)
        return cls(ends[:-1], upper, truncation=truncation, weights=weights)

    def __repr__(self) -> str:
        """The numbers of rows by kind."""
        kinds: dict[str, int] = {}
        weight = 0.0
        for chunk in self.chunks():
            name = chunk.kind.description
            kinds[name] = kinds.get(name, 0) + chunk.count
            weight += chunk.count if chunk.weight is None else float(chunk.weight.sum())
        rows = sum(kinds.values())
        total = "" if weight == rows else f", total weight {weight:,.12g}"
        parts = ", ".join(f"{count:,} {name}" for name, count in kinds.items())
        return f"Sample({count_of(rows, 'row')}{total}: {parts})"
