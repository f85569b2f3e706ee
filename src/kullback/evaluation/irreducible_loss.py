"""The irreducible loss: how much of the labels no classifier of these features can know.

Four ways, the first that can be gone: the entropy of soft labels; that of the label distributions
behind several annotators' votes; that of labels within groups of rows whose features are the same;
and, for few numeric features, H(Y) − I(X; Y) by nearest neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.evaluation.annotator_votes import vote_entropies
from kullback.evaluation.inputs import Given
from kullback.information.neighbours.mutual_information import mutual_information_with_label

Floats: TypeAlias = NDArray[np.float64]

# Groups of equal rows serve where they hold all but this share of the weight ...
_UNGROUPED = 0.01
# ... and have this many rows, from which votes (the labels of a group) tell an entropy.
_GROUP = 5
# More columns leave nearest neighbours far away: with 6 standard normal columns, and 2,000 rows,
# the nearest is as far as half a standard deviation in each of them.
_COLUMNS = 5
# Rows that are looked at: the search takes some seconds then.
_ROWS = 20_000
_LEAST_ROWS = 50


@final
@dataclass(frozen=True, eq=False)
class IrreducibleLoss:
    """An estimate of H(Y | X), or why there is none; in nats.

    Attributes:
        entropies: an estimate for each row, shape (n,); None where it is one number or none.
        value: where it is one number; NaN otherwise.
        stderr: its standard error.
        method: how it was got.
        assumptions: what has to hold, a sentence each.
        reason: why there is none.
    """

    entropies: Vector | None = None
    value: float = math.nan
    stderr: float = math.nan
    method: str = ""
    assumptions: tuple[str, ...] = ()
    reason: str = ""


def estimate_irreducible_loss(given: Given) -> IrreducibleLoss:
    """Estimate H(Y | X) by the best way that the data allow."""
    from scipy.special import xlogy

    outcomes, weight = given.outcomes, given.weight
    if outcomes.soft:
        exact: Vector = -xlogy(outcomes.share, outcomes.share).sum(axis=1) + 0.0
        return IrreducibleLoss(
            exact, method="mean entropy of the soft labels, exact where these are"
        )
    if outcomes.votes is not None:
        return _of_votes(outcomes.votes, weight)
    if given.table is None or not given.features:
        return IrreducibleLoss(
            reason="each row has one label and no features were given to compare rows by: give X, "
            "or the votes of several annotators"
        )
    columns = [given.table.column(name) for name in given.features]
    group, size = _groups(columns)
    small = float(weight[size[group] < _GROUP].sum()) / float(weight.sum())
    if small <= _UNGROUPED:
        return _of_groups(outcomes.share, weight, group)
    return _of_neighbours(given, columns, 1.0 - small)


def _of_votes(votes: Floats, weight: Vector) -> IrreducibleLoss:
    count = votes.sum(axis=1)
    several = float(weight[count > 1.0].sum()) / float(weight.sum())
    typical = float(np.median(count[weight > 0.0]))
    if several < 0.5:
        return IrreducibleLoss(
            reason=f"only {100.0 * several:.3g}% of the rows have more than one vote, which tells "
            "too little of how annotators disagree"
        )
    words = ["annotators vote independently of each other, given the row"]
    if typical <= 10.0:
        words.append(
            f"with {typical:.3g} votes a row the spread of the rows' label distributions is partly "
            "a guess: in simulations over 2 to 10 labels the estimate was off by up to 0.41 nats "
            "at 2 votes, 0.26 at 3, 0.25 at 5, 0.15 at 10; the interval does not allow for it"
        )
    return IrreducibleLoss(
        vote_entropies(votes, weight),
        method="empirical Bayes from the votes: Dirichlet mixture over all rows",
        assumptions=tuple(words),
    )


def _of_groups(share: Floats, weight: Vector, group: NDArray[np.int64]) -> IrreducibleLoss:
    """Rows of one group are votes on one row."""
    count = int(group.max()) + 1
    votes = np.zeros((count, share.shape[1]))
    np.add.at(votes, group, share * (weight > 0.0)[:, None])
    total = np.bincount(group, weights=weight, minlength=count).astype(np.float64)
    used = total > 0.0
    entropy = np.zeros(count)
    entropy[used] = vote_entropies(votes[used], total[used])
    return IrreducibleLoss(
        entropy[group],
        method=f"leaf replicates: {count:,} groups of rows with the same features, empirical Bayes",
        assumptions=("rows with the same features are independent draws of the label",),
    )


def _of_neighbours(given: Given, columns: list[NDArray[Any]], grouped: float) -> IrreducibleLoss:
    """H(Y) − I(X; Y), where X is a few columns of numbers."""
    from scipy.special import xlogy

    few = (
        f"only {100.0 * grouped:.3g}% of the rows share their features with {_GROUP - 1} others, "
        "and nearest neighbours"
    )
    if len(columns) > _COLUMNS:
        return IrreducibleLoss(
            reason=f"{few} say little in {len(columns)} columns (up to {_COLUMNS})"
        )
    if any(c.dtype.kind not in "fiub" or not np.isfinite(c.astype(float)).all() for c in columns):
        return IrreducibleLoss(reason=f"{few} need columns of numbers without a missing value")
    used = given.weight[given.weight > 0.0]
    if used.min() != used.max():
        return IrreducibleLoss(reason=f"{few} know no weights")
    rows = np.flatnonzero(given.weight > 0.0)
    if len(rows) < _LEAST_ROWS:
        return IrreducibleLoss(reason=f"{few} need {_LEAST_ROWS} rows at least")
    words = ["an estimate from nearest neighbours: the label's probabilities change little there"]
    if len(rows) > _ROWS:
        rows = rows[:: -(-len(rows) // _ROWS)]
        words.append(f"from {len(rows):,} of the rows, evenly chosen")
    label = given.outcomes.share[rows].argmax(axis=1)
    features = np.column_stack([column[rows].astype(np.float64) for column in columns])
    known = mutual_information_with_label(features, label)
    share = np.bincount(label) / len(rows)
    classes = int((share > 0.0).sum())
    # the plug-in entropy's own bias, (K − 1)/(2n), which the estimate of I does not share
    entropy = float(-xlogy(share, share).sum()) + (classes - 1) / (2.0 * len(rows))
    value = entropy - known.value
    if value < 0.0:
        words.append(f"the estimate was {value:.3g} nats and an entropy is not below 0: it is 0")
        value = 0.0
    return IrreducibleLoss(
        None,
        value,
        known.stderr,
        f"H(Y) − I(X; Y), estimate by {known.method}",
        (*words, *known.assumptions),
    )


def _groups(columns: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of rows with the same features that each row is in, and the groups' sizes.

    Rows are told apart by 64 bits of a multiplicative hash: for two of 10⁶ different rows to share
    one has a probability of 3e-8.
    """
    rng = np.random.default_rng(0)
    key = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        if column.dtype.kind in "fiub":
            # one pattern of bits for 0 and for NaN; integers beyond 2⁵³ would be rounded together
            whole = column.dtype.kind in "iu"
            bits = column.astype(np.int64 if whole else np.float64) + (0 if whole else 0.0)
            if not whole:
                bits[np.isnan(bits)] = np.nan
            codes = bits.view(np.uint64)
        else:
            index: dict[Any, int] = {}
            codes = np.fromiter(
                (index.setdefault(v, len(index)) for v in column.tolist()), np.uint64, len(column)
            )
        odd = rng.integers(0, 2**64, 2, dtype=np.uint64) | np.uint64(1)
        mixed = codes * odd[0]
        mixed ^= mixed >> np.uint64(29)
        key = (key ^ mixed) * odd[1]
        key ^= key >> np.uint64(32)
    _, group, size = np.unique(key, return_inverse=True, return_counts=True)
    return group.astype(np.int64), size.astype(np.int64)
