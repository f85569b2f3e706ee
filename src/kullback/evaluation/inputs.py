"""What ``evaluate`` was given: checked probabilities, labels and weights, and the columns of X."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, final, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kullback._core.arrays import Vector
from kullback._core.errors import DataError
from kullback.data.checks import HERE, check_column, column_label, count_of, shown_rows
from kullback.data.open import Table, column_values, open_table, read_table
from kullback.data.paths import as_paths
from kullback.data.series_names import label_of, name_of
from kullback.evaluation.labels import Outcomes, read_outcomes, sum_tolerance

Floats: TypeAlias = NDArray[np.float64]


@runtime_checkable
class Classifier(Protocol):
    """Anything with probabilities for rows and the classes that they are of."""

    classes_: Any

    def predict_proba(self, X: Any, /) -> Any:  # noqa: N803  # its name in scikit-learn
        """Give probabilities, shape (n, K)."""


@final
@dataclass(frozen=True, eq=False)
class Given:
    """Everything a loss report rests on.

    Attributes:
        probabilities: shape (n, K), as given, in float64.
        outcomes: labels of the rows.
        weight: weights of the rows, shape (n,).
        label: name of the outcome.
        source: where the probabilities come from.
        table: columns of X; None where there is no X.
        features: names of those columns that are neither outcome nor weight.
    """

    probabilities: Floats
    outcomes: Outcomes
    weight: Vector
    label: str
    source: str
    table: Table | None
    features: tuple[str, ...]


def read_given(
    model: Any,
    X: Any,  # noqa: N803
    y: Any,
    weights: Any,
    classes: Any,
) -> Given:
    """Read and check everything.

    Raises:
        DataError: anything that cannot be used, with its rows.
    """
    if isinstance(y, str) and X is None:
        raise DataError(f'y="{y}" names a column, and there is no X to take it from')
    if y is None:
        raise DataError("y is needed: the labels, the name of their column of X, or votes")
    paths = None if X is None else as_paths(X)
    if paths is not None:
        table: Table | None = read_table(open_table(paths)[1])
    else:
        table = None if X is None else read_table(X)
    used = [name for name in (y, weights) if isinstance(name, str)]
    for name, role in ((y, "y"), (weights, "weights")):
        if isinstance(name, str) and table is not None:
            check_column(name, table.names, role, table.description)
    features = () if table is None else tuple(n for n in table.names if n not in used)
    if isinstance(model, Classifier):
        if X is None:
            raise DataError(f"X is needed: the rows for {type(model).__name__}.predict_proba")
        # a fit of Kullback's finds its columns by name; scikit-learn's way is features only
        module = type(model).__module__
        own = module.startswith("kullback.") and not module.startswith("kullback.sklearn")
        rows = X if own or (paths is None and not used) else _without(X, table, used, paths)
        probabilities = model.predict_proba(rows)
        classes = model.classes_ if classes is None else classes
        source = f"{type(model).__name__}.predict_proba"
    elif hasattr(model, "predict_proba"):
        raise DataError(f"{type(model).__name__} has no classes_: it has not been fitted")
    else:
        probabilities, source = model, "probabilities that were given"
    matrix = check_probabilities(probabilities)
    values = table.column(y) if isinstance(y, str) and table is not None else y
    label = y if isinstance(y, str) else name_of(y) or "y"
    outcomes = read_outcomes(values, classes, matrix.shape[1], label)
    if len(outcomes.share) != len(matrix):
        raise DataError(
            f"there are probabilities for {count_of(len(matrix), 'row')} and labels for "
            f"{len(outcomes.share):,}; every row needs both"
        )
    if table is not None and table.names and len(table.column(table.names[0])) != len(matrix):
        raise DataError(
            f"X has {count_of(len(table.column(table.names[0])), 'row')}, and there are "
            f"probabilities for {len(matrix):,}"
        )
    weight = _read_weight(weights, table, len(matrix))
    return Given(matrix, outcomes, weight, label, source, table, features)


def check_probabilities(values: Any) -> Floats:
    """Take probabilities of shape (n, K), or (n,) for the second of two classes.

    A row's sum may be off 1 by what rounding in float32 leaves, 2⁻²⁰ + K·2⁻²⁴ (about 10⁻⁶);
    nothing is divided by it.

    Raises:
        DataError: another shape, no numbers, a number outside of [0, 1] or rows that do not sum to
            one.
    """
    matrix = np.asarray(values)
    if matrix.dtype.kind not in "fiub" or matrix.ndim not in (1, 2) or matrix.size == 0:
        raise DataError(
            "probabilities must be numbers of the shape (rows, classes), or (rows,) for the second "
            f"of two classes; given was {matrix.dtype} of the shape {matrix.shape}"
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
            "logits, and divide rounded rows by their sum: nothing is put right silently"
        )
    return rows


def _read_weight(weights: Any, table: Table | None, n: int) -> Vector:
    if weights is None:
        return np.ones(n)
    if isinstance(weights, str):
        if table is None:
            raise DataError(f'weights="{weights}" names a column, and there is no X')
        label, values = column_label(weights), table.column(weights)
    else:
        label = label_of(weights, "weights")
        values = column_values(weights, label)
    if values.dtype.kind not in "fiub" or values.shape != (n,):
        raise DataError(f"{label} must hold a number for each of {count_of(n, 'row')}")
    weight = values.astype(np.float64)
    bad = ~np.isfinite(weight) | (weight < 0.0)
    if bad.any():
        raise DataError(f"{label} must be finite and not negative: {shown_rows(bad, HERE, weight)}")
    if not weight.any():
        raise DataError(f"all values in {label} are zero; at least one row must count")
    return weight


def _without(X: Any, table: Table | None, names: list[str], paths: Any) -> Any:  # noqa: N803
    """The features for another library's model: X as it came, without some columns."""
    drop: Callable[..., Any] | None = getattr(X, "drop", None)
    if paths is None and drop is not None and not isinstance(X, Mapping):
        # pandas drops rows unless told; polars and Arrow know columns only
        return X.drop(columns=names) if hasattr(X, "iloc") else drop(names)
    assert table is not None  # X was given
    return np.column_stack([table.column(name) for name in table.names if name not in names])
