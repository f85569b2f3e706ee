"""The families whose support holds all rows of a sample, or meets the ends of censored ones."""

from __future__ import annotations

import math

import numpy as np

from kullback._core.domains import POSITIVE
from kullback.data.observation import Exact
from kullback.data.sample import RowSource
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.models.registry import own_models
from kullback.models.shifted import Shifted
from kullback.models.source import Param

# A shifted Fréchet distribution is a generalised extreme value distribution. A shifted Gompertz one
# has its largest likelihood where it begins at the smallest row and its shape diverges. The four
# numbers of a shifted Burr one are seldom determined: its likelihood is flat.
_NOT_SHIFTED = ("Frechet", "Gompertz", "Burr")


def families_for(
    sample: RowSource, *, continuous: bool, shifted: bool = False
) -> tuple[str, dict[str, Model]]:
    """Return what the outcomes are, and every family that gives all of them probability, by name.

    Outcomes are counts where all that were seen are whole numbers from 0 on, and so are all ends;
    where none was seen, ends are those of cells of measurements.

    Args:
        sample: the rows.
        continuous: whether whole numbers are measurements, and not counts.
        shifted: whether to add the families of positive numbers that begin elsewhere.
    """
    low, high, whole, positive, seen, exact = math.inf, -math.inf, True, True, False, True
    families = [
        kind for kind in own_models().values() if issubclass(kind, Family) and not kind.required
    ]
    inside = dict.fromkeys(families, True)
    for chunk in sample.chunks():
        lower, upper = chunk.kind.ends(chunk.fields)
        ends = np.concatenate([lower, upper]) if lower is not upper else lower
        ends = ends[np.isfinite(ends)] if lower is not upper else ends
        low, high = min(low, float(ends.min())), max(high, float(ends.max()))
        whole = whole and bool(np.all(ends == np.floor(ends)))
        positive = positive and bool(np.all(POSITIVE.meets(lower, upper)))
        seen, exact = seen or lower is upper, exact and chunk.kind == Exact()
        for kind in families:
            inside[kind] = inside[kind] and bool(np.all(kind.support.meets(lower, upper)))
    counts = whole and low >= 0.0 and seen and not continuous
    what = (
        "counts"
        if counts
        else "numbers in (0, 1)"
        if low > 0.0 and high < 1.0
        else "positive numbers"
        if positive
        else "numbers"
    )
    chosen: dict[str, Model] = {
        k.__name__: k()
        for k in families
        if inside[k]
        and k.support.whole == counts
        # angles; an open end may lie beyond a period
        and (k.period == math.inf or (exact and high - low < k.period))
    }
    if shifted and not counts:
        chosen |= {model.name: model for kind in families for model in _shifted(kind)}
    return what, chosen


def _shifted(kind: type[Family]) -> list[Model]:
    """Return a family of positive numbers with a shift, if that is a family of its own."""
    if kind.support.whole or (kind.support.lower, kind.support.upper) != (0.0, math.inf):
        return []
    if kind.__name__ in _NOT_SHIFTED or kind.order_statistics:
        return []
    ways = [kind.default_parameters, *(way.parameters for way in kind.alternatives)]
    without_loc = [next(iter(names)) for names in ways if "loc" not in names]
    # naming a parameter chooses its parametrisation: the median in place of a log-normal loc
    return [Shifted(kind(**{without_loc[0]: Param()}))] if without_loc else []
