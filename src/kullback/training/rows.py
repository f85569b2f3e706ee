"""The rows of a training: in memory or streamed, and those that are held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.arrays import shown
from kullback.data.checks import and_more, count_of
from kullback.data.observation import Exact
from kullback.data.open import open_sample
from kullback.data.paths import as_paths
from kullback.data.roles import Roles, are_names
from kullback.data.sample import ArraySample
from kullback.data.sample_head import row_fractions
from kullback.data.stream import FileSample
from kullback.data.streams import read_once
from kullback.models.model import Model
from kullback.models.network import NetworkSource
from kullback.solvers.minibatch import Minibatch

# Numbers with more different values than this are classes only where they are whole numbers that
# have so many rows each: ages and grades pass, and measured or counted quantities do not.
_MOST_NUMBERS, _ROWS_A_CLASS = 20, 5

# At most this many rows of a stream are held out: they are kept in memory, and the standard error
# of their mean loss is 0.4 % of the loss's standard deviation.
_MOST_HELD_OUT = 2**16


@final
@dataclass(frozen=True, eq=False)
class TrainingRows:
    """The rows of a training.

    Attributes:
        sample: all rows; of a stream those that are kept in memory.
        stream: the stream, or None.
        separate: another sample to hold out, or None.
        held_out_fraction: of a stream, the fraction below which a row is held out.
    """

    sample: ArraySample
    stream: FileSample | None
    separate: ArraySample | None
    held_out_fraction: float

    @property
    def own_count(self) -> int:
        """The number of rows without a separate sample."""
        head = None if self.stream is None else self.stream.head
        return self.sample.count if head is None else head.of

    @property
    def count(self) -> int:
        """The number of rows, held-out ones included."""
        return self.own_count + (0 if self.separate is None else self.separate.count)

    def explained_by_window(self, window: int) -> float:
        """The share of a label's entropy that a row's window in a stream explains.

        Rows are shuffled within windows only: near 0 that is as good as shuffling all of them, near
        1 the file is sorted by its label. The plug-in estimate of the mutual information less its
        bias, (K − 1)(W − 1)/2n for n rows (Miller 1955), from the rows that are kept in memory.
        """
        sample = self.sample
        if self.stream is None or sample.levels is None or not isinstance(sample.kind, Exact):
            return 0.0
        assert sample.rows is not None
        label, index = sample.fields["y"].astype(np.intp), sample.rows // window
        table = np.zeros((int(index.max()) + 1, len(sample.levels)))
        np.add.at(table, (index, label), 1.0)
        count = table.sum()

        def entropy(part: Any) -> float:
            share = part[part > 0.0] / count
            return float(-np.sum(share * np.log(share)))

        of_label, of_window = entropy(table.sum(axis=0)), entropy(table.sum(axis=1))
        information = of_label + of_window - entropy(table)
        bias = (table.shape[1] - 1) * (int(np.sum(table.sum(axis=1) > 0.0)) - 1) / (2.0 * count)
        return max(information - bias, 0.0) / of_label if of_label > 0.0 else 0.0

    @property
    def held_out(self) -> ArraySample | None:
        """The rows held out from all members; None if each member holds out other rows."""
        if self.separate is not None or self.stream is None:
            return self.separate
        assert self.sample.rows is not None
        chosen = np.flatnonzero(row_fractions(self.sample.rows) < self.held_out_fraction)
        return _subset(self.sample, chosen)


def open_rows(
    model: Model,
    networks: Mapping[str, NetworkSource],
    data: Any,
    y: Any,
    weights: Any,
    missing: str,
    solver: Minibatch,
    streamed: bool | None,
) -> TrainingRows:
    """Read a user's data as the rows of a training.

    Args:
        model: the model.
        networks: its networks, by parameter.
        data: as for ``kl.fit``.
        y: the outcome.
        weights: of the rows.
        missing: "error" or "drop".
        solver: the options of the training.
        streamed: whether files are read in every epoch; None: if they are large.

    Raises:
        DataError: the data cannot be used.
    """
    inputs = [source.inputs for source in networks.values()]
    columns = None
    if all(names is not None for names in inputs):
        columns = tuple(dict.fromkeys(name for names in inputs for name in names or ()))
    roles = Roles(
        y=y,
        weights=weights,
        columns=columns,
        categorical=tuple(
            dict.fromkeys(c for source in networks.values() for c in source.categorical)
        ),
        missing=missing,
        outcome=model.outcome,
        classes=model.levels,
        inferred=True,
    )
    data = read_once(data, *roles.named)
    if streamed and as_paths(data) is None:
        raise DataError("kl.StreamingEngine reads files, but the data are in memory.")
    in_memory = None if streamed is None else not streamed
    opened = open_sample(data, roles, in_memory=in_memory, head=True)
    stream = opened if isinstance(opened, FileSample) else None
    sample = opened if stream is None or stream.head is None else stream.head.sample
    if not isinstance(sample, ArraySample):
        raise DataError(f"networks need rows with covariates, got {opened.describe_source()}")
    _check_support(model, sample)
    share, separate = 0.0, None
    if solver.held_out_share is None:
        separate = _open_held_out(model, sample, roles, solver.held_out)
    elif stream is not None and stream.head is not None:
        # held-out rows have to be among the rows that are in memory
        most = min(_MOST_HELD_OUT / stream.head.of, 0.5 * stream.head.share)
        share = min(solver.held_out_share, most)
    _check_count(sample, separate)
    rows = TrainingRows(sample, stream, separate, share)
    _check_classes(sample, rows.own_count)
    if stream is not None and separate is None:
        return replace(rows, held_out_fraction=_splitting(share, sample))
    return rows


def _splitting(share: float, head: ArraySample) -> float:
    """The fraction nearest to a share that holds out at least one row, and not all of them."""
    assert head.rows is not None
    used = slice(None) if head.weight is None else head.weight > 0.0
    fractions = row_fractions(head.rows[used])
    return float(min(max(share, np.nextafter(fractions.min(), 1.0)), fractions.max()))


def _open_held_out(model: Model, sample: ArraySample, roles: Roles, held_out: Any) -> ArraySample:
    """A user's own held-out rows, encoded like the others."""
    y, weights, data = roles.y, roles.weights, held_out
    if not (isinstance(y, str) or are_names(y)):
        if not isinstance(held_out, (tuple, list)) or len(held_out) not in (2, 3):
            raise DataError(
                "held_out must be a share of the rows, or other rows: with arrays a pair (X, y) or "
                f"a triple (X, y, weights), got {type(held_out).__name__}"
            )
        data, y, *rest = held_out
        weights = rest[0] if rest else None
    known = replace(roles, y=y, weights=weights, columns=tuple(sample.schema.columns))
    try:
        opened = open_sample(data, known, sample.schema)
    except DataError as error:
        raise DataError(f"held_out: {error}") from None
    if not isinstance(opened, ArraySample):
        raise DataError("held_out: too large to be read into memory; give fewer columns or rows")
    if opened.kind != sample.kind:
        raise DataError("held_out: outcomes must be labels or shares, as in the training rows")
    _check_support(model, opened)
    return opened


def _subset(sample: ArraySample, rows: Any) -> ArraySample:
    """Some rows of a sample."""
    return replace(
        sample,
        fields={name: values[rows] for name, values in sample.fields.items()},
        weight=None if sample.weight is None else sample.weight[rows],
        rows=None if sample.rows is None else sample.rows[rows],
    )


def _check_count(sample: ArraySample, separate: ArraySample | None) -> None:
    weight = sample.weight
    used = sample.count if weight is None else int(np.sum(weight > 0.0))
    if used < (2 if separate is None else 1):
        raise DataError(
            f"{sample.label} has {used} row of positive weight; training needs at least one row to "
            "train on and one to hold out"
        )
    if sample.levels is not None and len(sample.levels) < 2:
        raise DataError(
            f"{sample.label} has a single class, {sample.levels[0]!r}; a classifier needs at least "
            "two"
        )


def _check_classes(sample: ArraySample, rows: int) -> None:
    """Refuse a quantity as a label: each of its values would become a class."""
    levels = sample.levels or ()
    if not isinstance(sample.kind, Exact) or len(levels) <= _MOST_NUMBERS:
        return
    if any(isinstance(level, (str, bytes, bool)) for level in levels):
        return
    if not all(isinstance(level, (int, float)) for level in levels):
        return
    whole = all(float(level).is_integer() for level in levels)
    if whole and rows >= _ROWS_A_CLASS * len(levels):
        return
    raise DataError(
        f"{sample.label} holds {len(levels):,} different numbers in {count_of(rows, 'row')}, such "
        f"as {and_more([shown(level) for level in levels[:3]], 3)}: a quantity to predict, not "
        "classes. Train a regression: kl.Normal(loc=kl.MLP(), scale=kl.MLP()), or NetworkRegressor "
        'in scikit-learn. If they are names of classes, write them as text, such as "class 17".'
    )


def _check_support(model: Model, sample: ArraySample) -> None:
    if not isinstance(sample.kind, Exact) or sample.levels is not None:
        return
    inside = model.support.contains(sample.fields["y"])
    if not np.all(inside):
        row = at = int(np.flatnonzero(~inside)[0])
        if sample.rows is not None:
            row = int(sample.rows[at])
        raise DataError(
            f"{model.name} needs {model.support.phrase('y')}; {int(np.sum(~inside)):,} rows of "
            f"{sample.label} are not, the first is {sample.locate(row)} "
            f"({float(sample.fields['y'][at])!r})."
        )
