"""The rows of a training: in memory or streamed, and those that are held out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.errors import DataError
from kullback.data.covariate_stream import CovariateStream, open_covariate_stream, row_fractions
from kullback.data.covariates import open_with_covariates
from kullback.data.labels import Labels
from kullback.data.observation import Exact
from kullback.data.open import open_table
from kullback.data.paths import as_paths, describe_paths
from kullback.data.sample import ArraySample
from kullback.models.model import Model
from kullback.models.network import NetworkSource
from kullback.solvers.minibatch import Minibatch

# Of a stream at most so many rows are held out: they are kept in memory, and the standard error of
# their cross-entropy is 0.4 % of its spread.
_MOST_HELD = 2**16


@final
@dataclass(frozen=True, eq=False)
class Rows:
    """What a training has been given.

    Attributes:
        sample: all rows; of a stream the ones that are held in memory.
        stream: the stream, or None.
        given: rows given to be held out, or None.
        held_share: of a stream, the fraction below which a row is held out.
    """

    sample: ArraySample
    stream: CovariateStream | None
    given: ArraySample | None
    held_share: float

    @property
    def count(self) -> int:
        """How many rows there are, held-out ones included."""
        own = self.sample.count if self.stream is None else self.stream.count
        return own + (0 if self.given is None else self.given.count)

    def told_by_place(self, window: int) -> float:
        """The share of a label's entropy that the window tells in which a row of a stream stands.

        Rows are shuffled within windows only: near 0 that is as good as shuffling all of them, near
        1 the file is sorted by its label. The plug-in estimate of the information less its bias,
        (K − 1)(W − 1)/2n of n rows (Miller 1955), from the rows that are held in memory.
        """
        sample = self.sample
        if self.stream is None or sample.levels is None or not isinstance(sample.kind, Exact):
            return 0.0
        assert sample.rows is not None
        label, place = sample.fields["y"].astype(np.intp), sample.rows // window
        table = np.zeros((int(place.max()) + 1, len(sample.levels)))
        np.add.at(table, (place, label), 1.0)
        count = table.sum()

        def entropy(part: Any) -> float:
            seen = part[part > 0.0] / count
            return float(-np.sum(seen * np.log(seen)))

        of_label, of_place = entropy(table.sum(axis=0)), entropy(table.sum(axis=1))
        known = of_label + of_place - entropy(table)
        bias = (table.shape[1] - 1) * (int(np.sum(table.sum(axis=1) > 0.0)) - 1) / (2.0 * count)
        return max(known - bias, 0.0) / of_label if of_label > 0.0 else 0.0

    @property
    def held(self) -> ArraySample | None:
        """The held-out rows that no member sees; None where members hold out from each other."""
        if self.given is not None or self.stream is None:
            return self.given
        assert self.sample.rows is not None
        chosen = np.flatnonzero(row_fractions(self.sample.rows) < self.held_share)
        return _chosen(self.sample, chosen)


def open_rows(
    model: Model,
    networks: Mapping[str, NetworkSource],
    data: Any,
    y: Any,
    weights: Any,
    missing: str,
    how: Minibatch,
    streamed: bool | None,
) -> Rows:
    """Take a user's data as the rows of a training.

    Args:
        model: the model.
        networks: its networks, by parameter.
        data: as for ``kl.fit``.
        y: the outcome.
        weights: of the rows.
        missing: "error" or "drop".
        how: the options of the training.
        streamed: whether files are read anew in every epoch; None where they are large.

    Raises:
        DataError: the data cannot be used.
    """
    wanted = [source.inputs for source in networks.values()]
    names = None
    if all(inputs is not None for inputs in wanted):
        names = tuple(dict.fromkeys(name for inputs in wanted for name in inputs or ()))
    categorical = tuple(
        dict.fromkeys(c for source in networks.values() for c in source.categorical)
    )
    roles: dict[str, Any] = {
        "weights": weights,
        "names": names,
        "categorical": categorical,
        "missing": missing,
        "outcome": model.outcome,
    }
    paths = as_paths(data)
    stream = None
    if paths is None and streamed:
        raise DataError("kl.StreamingEngine reads files, and the data are in memory.")
    if paths is not None:
        _, data = open_table(paths)
        if streamed or (streamed is None and not isinstance(data, Mapping)):
            stream = open_covariate_stream(paths, y, **roles)
    classes = getattr(model, "levels", None)
    sample = (
        open_with_covariates(data, y, **roles, classes=classes) if stream is None else stream.head
    )
    if paths is not None and stream is None:
        sample = replace(sample, source=describe_paths(paths))
    _refuse_impossible(model, sample)
    share, given = 0.0, None
    if how.held_out_share is None:
        given = _open_given(model, sample, y, roles, how.held_out)
    elif stream is not None:
        # what is held out has to be among the rows that are in memory
        share = min(how.held_out_share, _MOST_HELD / stream.count, 0.5 * stream.head_share)
    _refuse_too_few(sample, given)
    return Rows(sample, stream, given, share)


def _open_given(
    model: Model, sample: ArraySample, y: Any, roles: dict[str, Any], held_out: Any
) -> ArraySample:
    """The rows that were given to be held out, coded as the others are."""
    named = isinstance(y, str) or (isinstance(y, (list, tuple)) and isinstance(y[0], str))
    data, weights = held_out, roles["weights"]
    if not named:
        if not isinstance(held_out, (tuple, list)) or len(held_out) not in (2, 3):
            raise DataError(
                "held_out must be a share of the rows, or other rows: beside arrays a pair (X, y) "
                f"or a triple (X, y, weights), not {type(held_out).__name__}"
            )
        data, y, *rest = held_out
        weights = rest[0] if rest else None
    labels = None
    if sample.levels is not None and isinstance(sample.kind, Exact):
        labels = Labels.of(sample.levels, sample.label)
    covariates = [name for name in sample.fields if name not in sample.kind.fields]
    try:
        found = open_with_covariates(
            data,
            y,
            weights=weights,
            names=covariates,
            missing=roles["missing"],
            outcome=model.outcome,
            classes=sample.levels,
            levels=dict(sample.categories),
            labels=labels,
        )
    except DataError as error:
        raise DataError(f"held_out: {error}") from None
    if found.kind != sample.kind:
        raise DataError("held_out: its outcomes must be labels or shares, as those trained on are")
    _refuse_impossible(model, found)
    return found


def _chosen(sample: ArraySample, rows: Any) -> ArraySample:
    """Some rows of a sample."""
    return replace(
        sample,
        fields={name: values[rows] for name, values in sample.fields.items()},
        weight=None if sample.weight is None else sample.weight[rows],
        rows=None if sample.rows is None else sample.rows[rows],
    )


def _refuse_too_few(sample: ArraySample, given: ArraySample | None) -> None:
    weight = sample.weight
    seen = sample.count if weight is None else int(np.sum(weight > 0.0))
    if seen < (2 if given is None else 1):
        raise DataError(
            f"{sample.label} has {seen} row of positive weight: one must be trained on and another "
            "held out"
        )
    if sample.levels is not None and len(sample.levels) < 2:
        raise DataError(
            f"{sample.label} has one class only, {sample.levels[0]!r}: its entropy is 0, and there "
            "is nothing to tell apart"
        )


def _refuse_impossible(model: Model, sample: ArraySample) -> None:
    if not isinstance(sample.kind, Exact) or sample.levels is not None:
        return
    inside = model.support.contains(sample.fields["y"])
    if not np.all(inside):
        row = int(np.flatnonzero(~inside)[0])
        raise DataError(
            f"{model.name} needs {model.support.phrase('y')}; {int(np.sum(~inside)):,} rows of "
            f"{sample.label} are not, the first is {sample.locate(row)} "
            f"({float(sample.fields['y'][row])!r})."
        )
