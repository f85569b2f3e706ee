"""Outcomes that are shares of the classes: probabilities, or counts of votes."""

from __future__ import annotations

import numpy as np

from kullback._core.errors import DataError
from kullback.data.checks import Place, count_of, shown_rows
from kullback.data.sample import Floats

# The sum of a row's shares may differ from one by this much, as in single precision.
_SUM = 1e-5


def shares_of(values: Floats, place: Place) -> list[Floats]:
    """The shares of each class, from shares or votes of shape (rows, classes).

    Raises:
        DataError: there are negative shares, or rows that neither sum to one nor hold votes.
    """
    negative = np.asarray(np.any(values < 0.0, axis=1))
    if negative.any():
        raise DataError(
            f"y has negative shares of classes{place.where}: {shown_rows(negative, place)}"
        )
    sums = values.sum(axis=1)
    votes = bool(np.all(values == np.floor(values))) and bool(np.any(sums > 1.0))
    wrong = np.asarray(sums <= 0.0 if votes else np.abs(sums - 1.0) > _SUM)
    if wrong.any():
        rule = "have at least one vote" if votes else "sum to one, or be counts of votes"
        raise DataError(
            f"every row of y must {rule}; {count_of(int(wrong.sum()), 'row')}{place.where} cannot "
            f"be used: {shown_rows(wrong, place, sums)}"
        )
    shares = values / sums[:, None] if votes else values
    return [np.ascontiguousarray(shares[:, k]) for k in range(shares.shape[1])]
