"""Covariates: the columns that a parameter depends on, numbers and categories, missing or not.

Every covariate becomes float64, NaN where a value is missing: numbers stay as they are, a category
becomes the code of its level. Each model decides how it uses codes and missing values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_missing, shown, to_numbers
from kullback.data.checks import (
    Place,
    and_more,
    check_column,
    check_columns,
    check_lengths,
    column_label,
    column_list,
    count_of,
    find_missing,
    shown_rows,
)
from kullback.data.columns import OUTCOME
from kullback.data.labels import Labels, distinct_labels
from kullback.data.observation import Soft
from kullback.data.open import (
    Table,
    column_values,
    open_sample,
    open_table,
    read_table,
)
from kullback.data.paths import as_paths
from kullback.data.sample import ArraySample, Floats
from kullback.data.series_names import name_of
from kullback.data.streams import read_once
from kullback.data.text_among_numbers import refuse_text_among_numbers

# The sum of a row's shares may differ from one by this much, as in single precision.
_SUM = 1e-5


@final
@dataclass(frozen=True, eq=False)
class Covariates:
    """Columns of covariates in memory.

    Attributes:
        columns: by name, float64; codes for categories; NaN where a value is missing or, for
            categories, not among the levels.
        levels: the levels of those that hold categories.
        rows: the number of rows.
    """

    columns: dict[str, Floats]
    levels: dict[str, tuple[Any, ...]]
    rows: int


def open_covariates(
    data: Any,
    names: Sequence[str] | None = None,
    *,
    levels: Mapping[str, tuple[Any, ...]] | None = None,
    categorical: Sequence[str] = (),
    without: Sequence[str] = (),
) -> Covariates:
    """Read covariates from a user's data.

    Args:
        data: a table (pandas, polars, Arrow, a mapping of names to arrays), a two-dimensional
            array, whose columns are called x0, x1, ..., or CSV or Parquet files.
        names: the columns; None for all.
        levels: the levels of the categorical ones if they are known from the rows that a model was
            fitted to; another level counts as missing.
        categorical: columns of numbers that are read as categories.
        without: columns that are not covariates, left out if ``names`` is None.

    Raises:
        DataError: a column does not exist, or holds infinite values.
    """
    return _covariates(_table(data), names, levels, categorical, without)


def _covariates(
    table: Table,
    names: Sequence[str] | None,
    levels: Mapping[str, tuple[Any, ...]] | None,
    categorical: Sequence[str],
    without: Sequence[str] = (),
) -> Covariates:
    """The covariates of an opened table."""
    if names is None:
        others = set(without)
        names = [name for name in table.names if name not in others]
    if not names:
        raise DataError(
            f"{table.description} must have a column besides the outcome for a model with "
            "covariates"
        )
    names = check_columns(names, table.names, "columns", table.description)
    raw = {name: table.column(name) for name in names}
    rows = check_lengths({column_label(name): len(values) for name, values in raw.items()})
    columns: dict[str, Floats] = {}
    levels_by_name: dict[str, tuple[Any, ...]] = {}
    for name in [name for name in categorical if name not in raw]:
        raise DataError(
            f'there is no covariate "{name}" to read as categories; '
            f"the covariates are {column_list(raw)}"
        )
    typed = {*categorical, *getattr(table, "categorical", ())}
    for name, values in raw.items():
        label = column_label(name)
        _refuse_dates(values, label)
        if (levels is not None and name in levels) or (
            levels is None and (name in typed or holds_categories(values))
        ):
            known = None if levels is None else levels[name]
            if levels is None and name not in typed:
                refuse_text_among_numbers(values, label)
            if known is not None:
                _refuse_other_kind(values, label, known)
            columns[name], levels_by_name[name] = _codes(values, label, known)
        else:
            columns[name] = to_numbers(values, label, Place())
    _refuse_infinite(columns)
    return Covariates(columns, levels_by_name, rows)


def open_with_covariates(
    data: Any,
    y: Any,
    *,
    weights: Any = None,
    names: Sequence[str] | None = None,
    categorical: Sequence[str] = (),
    missing: str = "error",
    outcome: str = "number",
    classes: Sequence[Any] | None = None,
    levels: Mapping[str, tuple[Any, ...]] | None = None,
    labels: Labels | None = None,
) -> ArraySample:
    """Open a user's data as a sample with covariates, in memory.

    Args:
        data: as for ``open_covariates``.
        y: the outcome: the name of a column, or an array of one value per row; for labels also
            several columns, or an array of several columns, with the shares of the classes:
            probabilities, or counts of votes.
        weights: the name of a column, or an array.
        names: the columns of the covariates; None for all others.
        categorical: columns of numbers that are read as categories.
        missing: "error" or "drop", for outcomes and weights; a covariate may be missing.
        outcome: "number" or "label".
        classes: names of the classes in the order of their codes, for shares given as an array,
            and for labels among which some do not occur.
        levels: the levels of the categorical covariates, if they are known from other rows.
        labels: the classes of the outcome, if they are known from other rows.

    Raises:
        DataError: the data cannot be used.
    """
    table = _table(data)
    used = {y} if isinstance(y, str) else set(y) if _is_names(y) else set()
    used |= {weights} if isinstance(weights, str) else set()
    if y is None:
        raise DataError(
            f"name the column of {table.description} that holds the outcome, for example "
            f'y="{table.names[0]}", or give an array of outcomes'
        )
    if isinstance(y, str):  # before the covariates, which depend on y
        check_column(y, table.names, "y", table.description)
    if isinstance(weights, str):
        check_column(weights, table.names, "weights", table.description)
    covariates = _covariates(table, names, levels, categorical, tuple(used))
    if OUTCOME in covariates.columns:
        raise DataError(
            f'a covariate cannot be called "{OUTCOME}", the name of the outcome; rename the column'
        )
    weight = table.column(weights) if isinstance(weights, str) else weights
    shares = _shares(table, y, outcome, classes)
    if shares is not None:
        sample = _soft(*shares, weight, missing)
        label = sample.label
    else:
        y_name = y if isinstance(y, str) else name_of(y)
        label = "y" if y_name is None else column_label(y_name)
        values = table.column(y) if isinstance(y, str) else column_values(y, label)
        known = labels is not None
        column = values if labels is None else _known_codes(values, labels, label)
        columns = {} if y_name is None else {y_name: column}  # for the names in messages
        if isinstance(weights, str) and columns and weights != y_name and weight is not weights:
            columns[weights], weight = weight, weights
        opened = open_sample(
            columns or column,
            y=y_name,
            weights=weight,
            missing=missing,
            outcome="number" if known else outcome,
            levels=classes,
        )
        assert isinstance(opened, ArraySample)
        levels_of_y = opened.levels if labels is None else labels.levels
        sample = replace(opened, label=label, levels=levels_of_y)
    read = sample.count + sample.dropped
    if read != covariates.rows:
        raise DataError(
            f"{label} has {count_of(read, 'row')} and the covariates have {covariates.rows:,}; "
            "every row needs a value of each"
        )
    fields = covariates.columns
    if sample.rows is not None:
        fields = {name: values[sample.rows] for name, values in fields.items()}
    return replace(
        sample,
        fields={**sample.fields, **fields},
        categories=covariates.levels,
        source=table.description,
    )


def holds_categories(values: NDArray[Any]) -> bool:
    """Whether a column holds values other than numbers."""
    if values.dtype.kind in "UST":
        return True
    if values.dtype.kind != "O":
        return False
    return any(
        not isinstance(value, (bool, int, float, np.number)) and not hasattr(value, "as_tuple")
        for value in values.tolist()
        if not is_missing(value)
    )


# ---- parts -------------------------------------------------------------------------------------


def _table(data: Any) -> Table:
    """The columns of a user's data."""
    data = read_once(data)
    paths = as_paths(data)
    if paths is not None:
        _, data = open_table(paths)
        if not isinstance(data, Mapping):
            raise DataError(
                "the files are too large to be read into memory, as a model with covariates "
                "requires; give fewer columns or rows"
            )
    return read_table(data)


def _is_names(y: Any) -> bool:
    return isinstance(y, (list, tuple)) and len(y) > 1 and all(isinstance(v, str) for v in y)


def _first(values: NDArray[Any]) -> Any:
    """The first value that is not missing, or None."""
    return next((value for value in values.tolist() if not is_missing(value)), None)


def _refuse_dates(values: NDArray[Any], label: str) -> None:
    """Refuse dates and times, which would make a category of each day."""
    if values.dtype.kind not in "mMO":
        return
    first = _first(values)
    if values.dtype.kind in "mM" or isinstance(first, (date, time, timedelta)):
        raise DataError(
            f"{label} holds dates or times, such as {first!s}; give numbers, such as days since a "
            "date, or text for categories, or name the covariates without it (inputs)"
        )


def _refuse_other_kind(values: NDArray[Any], label: str, known: tuple[Any, ...]) -> None:
    """Refuse numbers in place of text categories, and the reverse: all would count as missing."""
    first = _first(values)
    if first is None or not known:
        return
    if isinstance(first, str) != isinstance(known[0], str):
        raise DataError(
            f"{label} held categories such as {shown(known[0])} in the rows of the fit, and holds "
            f"{shown(first)} here; give it the same type"
        )


def _codes(
    values: NDArray[Any], label: str, known: tuple[Any, ...] | None
) -> tuple[Floats, tuple[Any, ...]]:
    """The codes of categories, and their levels."""
    distinct = distinct_labels(values, label)
    levels = Labels.of(distinct, label).levels if known is None else known
    index = {level: float(code) for code, level in enumerate(levels)}
    codes = [
        index.get(value, np.nan) if not is_missing(value) else np.nan for value in values.tolist()
    ]
    return np.array(codes, dtype=np.float64), levels


def _known_codes(values: NDArray[Any], labels: Labels, label: str) -> Floats:
    """The codes of labels whose classes are known from other rows."""
    unknown = [value for value in distinct_labels(values, label) if value not in labels.index]
    if unknown:
        raise DataError(
            f"{label} holds {shown(unknown[0])}, which is not one of the classes: "
            f"{and_more([shown(level) for level in labels.levels[:5]], len(labels.levels))}"
        )
    return labels.codes(values)


def _refuse_infinite(columns: Mapping[str, Floats]) -> None:
    for name, values in columns.items():
        infinite = np.isinf(values)
        if infinite.any():
            raise DataError(
                f"{count_of(int(infinite.sum()), 'infinite value')} in {column_label(name)}: "
                f"{shown_rows(infinite, Place(), values)}. Correct such rows, or make them missing."
            )


def _shares(
    table: Table, y: Any, outcome: str, classes: Sequence[Any] | None
) -> tuple[NDArray[Any], tuple[Any, ...]] | None:
    """The shares of the classes, shape (n, K), and their names; None if y is one value per row."""
    if _is_names(y) and all(name in table.names for name in y):
        columns = [to_numbers(table.column(name), column_label(name)) for name in y]
        shares, names = np.stack(columns, axis=1), tuple(y)
    else:
        array = None if isinstance(y, str) else np.asarray(y) if hasattr(y, "__array__") else None
        if array is None or array.ndim != 2 or array.shape[1] < 2:
            return None
        shares = np.asarray(array, dtype=np.float64)
        names = tuple(range(array.shape[1])) if classes is None else tuple(classes)
    if outcome != "label":
        raise DataError(
            "several columns of y are shares of classes, which need a model of classes, such as "
            "Categorical"
        )
    return shares, names


def _soft(shares: NDArray[Any], names: tuple[Any, ...], weight: Any, missing: str) -> ArraySample:
    """A sample of shares of the classes."""
    if len(names) != shares.shape[1]:
        raise DataError(f"y has {shares.shape[1]} columns for {len(names)} named classes")
    absent = find_missing({"y": shares.sum(axis=1)}, drop=missing == "drop")
    kept = None if absent is None else np.flatnonzero(~absent)
    dropped = 0 if kept is None else len(shares) - len(kept)
    chosen = shares if kept is None else shares[kept]
    negative: NDArray[np.bool_] = np.any(chosen < 0.0, axis=1)
    if negative.any():
        raise DataError(f"y has negative shares of classes: {shown_rows(negative, Place())}")
    sums = chosen.sum(axis=1)
    votes = bool(np.all(chosen == np.floor(chosen))) and bool(np.any(sums > 1.0))
    wrong: NDArray[np.bool_] = np.asarray(sums <= 0.0 if votes else np.abs(sums - 1.0) > _SUM)
    if wrong.any():
        rule = "have at least one vote" if votes else "sum to one, or be counts of votes"
        raise DataError(
            f"every row of y must {rule}; {count_of(int(wrong.sum()), 'row')} cannot be used: "
            f"{shown_rows(wrong, Place(), sums)}"
        )
    if votes:
        chosen = chosen / sums[:, None]
    weights = None
    if weight is not None:
        weighted = open_sample(np.zeros(len(shares)), weights=weight, missing=missing)
        assert isinstance(weighted, ArraySample)
        weights = weighted.weight
        weights = weights if kept is None or weights is None else weights[kept]
    kind = Soft(shares.shape[1])
    fields = {name: np.ascontiguousarray(chosen[:, k]) for k, name in enumerate(kind.fields)}
    return ArraySample(
        fields, weights, kind=kind, label="y", levels=names, dropped=dropped, rows=kept
    )
