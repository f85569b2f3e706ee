"""The families whose support holds all rows of a sample."""

from __future__ import annotations

import math

import numpy as np

from kullback._core.errors import ModelError
from kullback.data.observation import Exact
from kullback.data.sample import RowSource
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.models.registry import own_models


def families_for(sample: RowSource, *, continuous: bool) -> tuple[str, dict[str, Model]]:
    """Return what the outcomes are, and every family whose support holds all of them, by name.

    Args:
        sample: the rows.
        continuous: whether whole numbers are measurements, and not counts.

    Raises:
        ModelError: for rows that are not exact.
    """
    low, high, whole = math.inf, -math.inf, True
    families = [
        kind for kind in own_models().values() if issubclass(kind, Family) and not kind.required
    ]
    inside = dict.fromkeys(families, True)
    for chunk in sample.chunks():
        if chunk.kind != Exact():
            raise ModelError('"all" and "continuous" need exact rows: name the models.')
        values = chunk.fields["y"]
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        whole = whole and bool(np.all(values == np.floor(values)))
        for kind in families:
            inside[kind] = inside[kind] and bool(np.all(kind.support.contains(values)))
    counts = whole and low >= 0.0 and not continuous
    what = (
        "counts"
        if counts
        else "numbers in (0, 1)"
        if low > 0.0 and high < 1.0
        else "positive numbers"
        if low > 0.0
        else "numbers"
    )
    chosen: dict[str, Model] = {
        k.__name__: k()
        for k in families
        if inside[k] and k.support.whole == counts and not high - low >= k.period
    }
    return what, chosen
