"""The inputs of ``evaluate``: checked probabilities, labels and weights, and the columns of X."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.checks import HERE, check_column, column_label, count_of, shown_rows
from kullback.data.labels import Labels, distinct_labels
from kullback.data.open import open_table
from kullback.data.paths import as_paths, describe_paths
from kullback.data.series_names import label_of, name_of
from kullback.data.streams import read_once
from kullback.data.tables import Table, column_values, read_table
from kullback.evaluation.class_columns import listed, read_matrix, text_of
from kullback.evaluation.labels import RowLabels, read_labels, sum_tolerance
from kullback.evaluation.numbers import column_of_numbers, matrix_of_numbers

Floats: TypeAlias = NDArray[np.float64]


@runtime_checkable
class Classifier(Protocol):
    """Any model with class probabilities and the names of its classes."""

    classes_: Any

    def predict_proba(self, X: Any, /) -> Any:  # noqa: N803  # its name in scikit-learn
        """Return probabilities, shape (n, K)."""


@final
@dataclass(frozen=True, eq=False)
class EvaluationInputs:
    """The checked inputs of a loss report.

    Attributes:
        probabilities: shape (n, K), as given, in float64.
        labels: of the rows.
        weight: weights of the rows, shape (n,).
        label: name of the outcome.
        source: where the probabilities come from.
        table: columns of X; None without X.
        features: names of those columns that are neither outcome, weight nor cluster.
        clusters: the number of each row's cluster; None where every row is one.
    """

    probabilities: Floats
    labels: RowLabels
    weight: Vector
    label: str
    source: str
    table: Table | None
    features: tuple[str, ...]
    clusters: NDArray[np.intp] | None = None


def read_inputs(
    model: Any,
    X: Any,  # noqa: N803
    y: Any,
    weights: Any,
    classes: Any,
    clusters: Any = None,
) -> EvaluationInputs:
    """Read and check the arguments of ``evaluate``.

    Raises:
        DataError: an input that cannot be used; the message lists its rows.
    """
    if isinstance(y, str) and X is None:
        raise DataError(f'y="{y}" names a column, but X was not given')
    if y is None:
        raise DataError("y is required: the labels, the name of their column of X, or votes")
    X = read_once(X)  # noqa: N806
    paths = None if X is None else as_paths(X)
    if paths is not None:
        _, columns = open_table(paths)
        if isinstance(columns, list):
            raise DataError(
                f"{describe_paths(paths)}: too large to be read into memory; give fewer rows"
            )
        table: Table | None = read_table(columns)
    else:
        table = None if X is None else read_table(X)
    used = [name for name in (y, weights, clusters) if isinstance(name, str)]
    for name, role in ((y, "y"), (weights, "weights"), (clusters, "clusters")):
        if isinstance(name, str) and table is not None:
            check_column(name, table.names, role, table.description)
    features = () if table is None else tuple(n for n in table.names if n not in used)
    if isinstance(model, Classifier):
        if X is None:
            raise DataError(f"X is required: the rows for {type(model).__name__}.predict_proba")
        # a Kullback fit finds its columns by name; scikit-learn's models take the features only
        module = type(model).__module__
        own = module.startswith("kullback.") and not module.startswith("kullback.sklearn")
        rows = X if own or (paths is None and not used) else _without(X, table, used, paths)
        probabilities = model.predict_proba(rows)
        classes = model.classes_ if classes is None else classes
        source = f"{type(model).__name__}.predict_proba"
    elif hasattr(model, "predict_proba"):
        raise DataError(f"{type(model).__name__} lacks classes_: it has not been fitted")
    else:
        probabilities, source = model, "given probabilities"
    given, names = read_matrix(probabilities, "the probabilities")
    matrix = check_probabilities(given)
    values = table.column(y) if isinstance(y, str) and table is not None else y
    label = y if isinstance(y, str) else name_of(y) or "y"
    labels = read_labels(values, classes, matrix.shape[1], label, names)
    if labels.order is not None:
        matrix = matrix[:, labels.order]
    _check_name(name_of(given), labels.classes)
    if len(labels.share) != len(matrix):
        raise DataError(
            f"there are probabilities for {count_of(len(matrix), 'row')} and labels for "
            f"{len(labels.share):,}; every row needs both"
        )
    if table is not None and table.names and len(table.column(table.names[0])) != len(matrix):
        raise DataError(
            f"X has {count_of(len(table.column(table.names[0])), 'row')}, and there are "
            f"probabilities for {len(matrix):,}"
        )
    weight = _read_weight(weights, table, len(matrix))
    units = _read_clusters(clusters, table, len(matrix))
    return EvaluationInputs(matrix, labels, weight, label, source, table, features, units)


def _check_name(name: str | None, classes: tuple[Any, ...]) -> None:
    """Refuse a Series of the second class's probabilities that has the name of the first."""
    if name is not None and name == text_of(classes[0]) and len(classes) == 2:
        raise DataError(
            f'the probabilities are a Series with the name "{name}", the first of the classes '
            f"{listed(classes)}, and a single column holds the probabilities of the second: give a "
            "table of both columns, or the Series under another name"
        )


def check_probabilities(values: Any) -> Floats:
    """Check probabilities of shape (n, K), or (n,) for the second of two classes.

    A row's sum may differ from 1 by the rounding of float32, 2⁻²⁰ + K·2⁻²⁴ (about 10⁻⁶); rows are
    not renormalised.

    Raises:
        DataError: another shape, values that are not numbers in [0, 1], or rows that do not sum to
            one.
    """
    matrix = matrix_of_numbers(values, "the probabilities")
    if matrix.ndim in (1, 2) and len(matrix) == 0:
        raise DataError("there are no rows to evaluate: the probabilities are those of 0 rows")
    if matrix.dtype.kind not in "fiub" or matrix.ndim not in (1, 2) or matrix.size == 0:
        raise DataError(
            "probabilities must be numbers of the shape (rows, classes), or (rows,) for the second "
            f"of two classes; got {matrix.dtype} of the shape {matrix.shape}"
        )
    matrix = matrix.astype(np.float64)
    rows = matrix if matrix.ndim == 2 else matrix[:, None]
    for wrong, what in ((np.isnan(rows), "NaN"), (rows < 0.0, "a probability below 0")):
        if wrong.any():
            bad = np.asarray(wrong.any(axis=1))
            raise DataError(
                f"{count_of(int(bad.sum()), 'row')} with {what}: {shown_rows(bad, HERE)}"
            )
    if matrix.ndim == 1:
        above = rows[:, 0] > 1.0
        if above.any():
            raise DataError(f"a probability above 1: {shown_rows(above, HERE, matrix)}")
        return np.column_stack([1.0 - matrix, matrix])
    sums: Floats = rows.sum(axis=1)
    tolerance = sum_tolerance(rows.shape[1])
    off = ~(np.abs(sums - 1.0) <= tolerance)
    if off.any():
        raise DataError(
            f"the probabilities of {count_of(int(off.sum()), 'row')} do not sum to 1 within "
            f"{tolerance:.1g}: {shown_rows(off, HERE, sums)}. Give softmax(logits) rather than "
            "logits, and divide rounded rows by their sum: nothing is corrected silently"
        )
    return rows


def _read_clusters(clusters: Any, table: Table | None, n: int) -> NDArray[np.intp] | None:
    """The number of each row's cluster.

    Raises:
        DataError: for a missing value, another number of rows, or a single cluster.
    """
    if clusters is None:
        return None
    label, values = _given(clusters, "clusters", table)
    if len(values) != n:
        raise DataError(
            f"{label} has {count_of(len(values), 'value')}, and there are {count_of(n, 'row')}"
        )
    labels = Labels.of(distinct_labels(values, label), label)
    codes = labels.codes(values, label)
    missing = np.flatnonzero(np.isnan(codes))
    if missing.size:
        raise DataError(
            f"{label} has {count_of(missing.size, 'missing value')}, the first in row "
            f"{int(missing[0])}: every row needs one"
        )
    if len(labels.levels) < 2:
        raise DataError(f"{label} has one value in all rows: errors need two clusters or more")
    return codes.astype(np.intp)


def _given(given: Any, role: str, table: Table | None) -> tuple[str, Any]:
    """Return the name and the values of a column of X, or of an array."""
    if not isinstance(given, str):
        label = label_of(given, role)
        return label, column_values(given, label)
    if table is None:
        raise DataError(f'{role}="{given}" names a column, but X was not given')
    return column_label(given), table.column(given)


def _read_weight(weights: Any, table: Table | None, n: int) -> Vector:
    if weights is None:
        return np.ones(n)
    label, values = _given(weights, "weights", table)
    if len(values) != n:
        raise DataError(
            f"{label} must hold a number for each of {count_of(n, 'row')}, got "
            f"{count_of(len(values), 'number')}"
        )
    weight = column_of_numbers(values, label)
    bad = ~np.isfinite(weight) | (weight < 0.0)
    if bad.any():
        raise DataError(f"{label} must be finite and at least 0: {shown_rows(bad, HERE, weight)}")
    if not weight.any():
        raise DataError(f"all values in {label} are zero; at least one must be positive")
    return weight


def _without(X: Any, table: Table | None, names: list[str], paths: Any) -> Any:  # noqa: N803
    """The features for another library's model: X in its own type, without some columns."""
    drop: Callable[..., Any] | None = getattr(X, "drop", None)
    if paths is None and drop is not None and not isinstance(X, Mapping):
        # pandas drops rows by default; polars and Arrow drop columns
        return X.drop(columns=names) if hasattr(X, "iloc") else drop(names)
    assert table is not None  # X was given
    return np.column_stack([table.column(name) for name in table.names if name not in names])
