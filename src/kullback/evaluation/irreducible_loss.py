"""The irreducible loss H(Y | X): the lowest log loss of any classifier of these features.

The first of four methods that applies: the entropy of soft labels; the entropy of the label
distributions behind several annotators' votes; the entropy of labels within groups of rows with the
same features; and, for few numeric features, H(Y) − I(X; Y) by nearest neighbours.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback.evaluation.annotator_votes import vote_entropies
from kullback.evaluation.inputs import EvaluationInputs
from kullback.information.neighbours.mutual_information import mutual_information_with_label

Floats: TypeAlias = NDArray[np.float64]

# Groups of equal rows are used if they hold all but this share of the weight ...
_UNGROUPED = 0.01
# ... and have this many rows, whose labels (the votes of a group) determine an entropy.
_GROUP_ROWS = 5
# With more columns nearest neighbours are far away: with 6 standard normal columns and 2,000 rows,
# the nearest is half a standard deviation away in each of them.
_COLUMNS = 5
# The largest number of rows to search: it then takes some seconds.
_ROWS = 20_000
_LEAST_ROWS = 50


@final
@dataclass(frozen=True, eq=False)
class IrreducibleLoss:
    """An estimate of H(Y | X) in nats, or the reason why it is not estimated.

    Attributes:
        entropies: an estimate for each row, shape (n,); None for a single number or no estimate.
        value: a single number for all rows; NaN otherwise.
        stderr: its standard error.
        method: of the estimate.
        assumptions: of the method, a sentence each.
        reason: why H(Y | X) is not estimated; empty where it is.
    """

    entropies: Vector | None = None
    value: float = math.nan
    stderr: float = math.nan
    method: str = ""
    assumptions: tuple[str, ...] = ()
    reason: str = ""


def estimate_irreducible_loss(inputs: EvaluationInputs) -> IrreducibleLoss:
    """Estimate H(Y | X) by the best method that the data allow."""
    from scipy.special import xlogy

    labels, weight = inputs.labels, inputs.weight
    if labels.soft:
        exact: Vector = -xlogy(labels.share, labels.share).sum(axis=1) + 0.0
        return IrreducibleLoss(exact, method="mean entropy of the soft labels, exact if these are")
    if labels.votes is not None:
        return _of_votes(labels.votes, weight)
    if inputs.table is None or not inputs.features:
        return IrreducibleLoss(
            reason="each row has one label, and features by which to compare rows are missing: "
            "give X, or the votes of several annotators"
        )
    columns = [inputs.table.column(name) for name in inputs.features]
    group, size = _groups(columns)
    small = float(weight[size[group] < _GROUP_ROWS].sum()) / float(weight.sum())
    if small <= _UNGROUPED:
        return _of_groups(labels.share, weight, group)
    return _of_neighbours(inputs, columns, 1.0 - small)


def _of_votes(votes: Floats, weight: Vector) -> IrreducibleLoss:
    count = votes.sum(axis=1)
    several = float(weight[count > 1.0].sum()) / float(weight.sum())
    typical = float(np.median(count[weight > 0.0]))
    if several < 0.5:
        return IrreducibleLoss(
            reason=f"only {100.0 * several:.3g}% of the rows have more than one vote, too few to "
            "estimate how often annotators disagree"
        )
    assumptions = ["annotators vote independently of each other, given the row"]
    if typical <= 10.0:
        assumptions.append(
            f"with {typical:.3g} votes a row the spread of the rows' label distributions is known "
            "roughly: in simulations over 2 to 10 labels the estimate was off by up to 0.41 nats "
            "at 2 votes, 0.26 at 3, 0.25 at 5, 0.15 at 10; the interval does not include this"
        )
    return IrreducibleLoss(
        vote_entropies(votes, weight),
        method="empirical Bayes from the votes: Dirichlet mixture over all rows",
        assumptions=tuple(assumptions),
    )


def _of_groups(share: Floats, weight: Vector, group: NDArray[np.int64]) -> IrreducibleLoss:
    """The irreducible loss with the labels of a group of equal rows as votes."""
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


def _of_neighbours(
    inputs: EvaluationInputs, columns: list[NDArray[Any]], grouped: float
) -> IrreducibleLoss:
    """H(Y) − I(X; Y) for a few numeric columns X."""
    from scipy.special import xlogy

    few = (
        f"only {100.0 * grouped:.3g}% of the rows share their features with {_GROUP_ROWS - 1} "
        "others, and nearest neighbours"
    )
    if len(columns) > _COLUMNS:
        return IrreducibleLoss(
            reason=f"{few} are too far away in {len(columns)} columns (more than {_COLUMNS})"
        )
    if any(c.dtype.kind not in "fiub" or not np.isfinite(c.astype(float)).all() for c in columns):
        return IrreducibleLoss(reason=f"{few} require numeric columns without missing values")
    used = inputs.weight[inputs.weight > 0.0]
    if used.min() != used.max():
        return IrreducibleLoss(reason=f"{few} do not support weights")
    rows = np.flatnonzero(inputs.weight > 0.0)
    if len(rows) < _LEAST_ROWS:
        return IrreducibleLoss(reason=f"{few} require at least {_LEAST_ROWS} rows")
    assumptions = ["the label's probabilities change little between nearest neighbours"]
    if len(rows) > _ROWS:
        rows = rows[:: -(-len(rows) // _ROWS)]
        assumptions.append(f"from {len(rows):,} of the rows, evenly spaced")
    label = inputs.labels.share[rows].argmax(axis=1)
    features = np.column_stack([column[rows].astype(np.float64) for column in columns])
    information = mutual_information_with_label(features, label)
    share = np.bincount(label) / len(rows)
    classes = int((share > 0.0).sum())
    # corrects the bias of the plug-in entropy, (K − 1)/(2n), which the estimate of I does not share
    entropy = float(-xlogy(share, share).sum()) + (classes - 1) / (2.0 * len(rows))
    value = entropy - information.value
    if value < 0.0:
        assumptions.append(f"the estimate was {value:.3g} nats and was set to 0, the least entropy")
        value = 0.0
    return IrreducibleLoss(
        None,
        value,
        information.stderr,
        f"H(Y) − I(X; Y), estimate by {information.method}",
        (*assumptions, *information.assumptions),
    )


def _groups(columns: list[NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The group of rows with the same features that each row is in, and the sizes of the groups.

    Rows are compared by 64 bits of a multiplicative hash: the probability that two of 10⁶ different
    rows share one is 3e-8.
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
