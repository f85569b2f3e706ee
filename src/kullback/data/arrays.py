"""Convert the arrays of any library to float64 numbers, NaN where a value is missing."""

from __future__ import annotations

import datetime
import decimal
import numbers
import re
from array import array as array_of_python
from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.checks import HERE, SHOWN_ROWS, Place, and_more, count_of, short, shown_rows
from kullback.data.sample import Floats
from kullback.data.separators import DECIMAL_COMMA_FIX

# Beyond this size neighbouring integers share one double: 2**53 + 1 would be read as 2**53.
LARGEST_EXACT_INTEGER = 2**53

# Types that mark a missing value in a column of Python objects, besides None and NaN. They belong
# to pandas, which is not imported here, so they are recognised by name.
_MISSING_TYPES = frozenset({"NAType", "NaTType"})

# A number with a decimal comma, or with a comma between thousands.
_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d+(,\d+)+([eE][-+]?\d+)?\s*")


# Python's own sequences of numbers, besides lists and tuples. (A generator could be read only once,
# and a set is unordered: both are refused.)
_BUFFERS = (array_of_python, memoryview, range)


def vector(values: object, label: str) -> NDArray[Any]:
    """One column as a one-dimensional NumPy array in its own type, without a copy if possible.

    Args:
        values: a NumPy array, a list or tuple, or anything that NumPy converts to an array.
        label: the column's name in messages.

    Raises:
        DataError: the values are not one column.
    """
    if isinstance(values, np.ma.MaskedArray):
        array = np.asarray(values).astype(object)
        array[np.ma.getmaskarray(values)] = None
    elif isinstance(values, np.ndarray):
        array = values
    elif isinstance(values, (list, tuple)):
        array = _from_list(values)
    elif hasattr(values, "__array__") or isinstance(values, _BUFFERS):
        array = _from_protocol(values, label)
    else:
        kind = with_article(type(values).__name__)
        raise DataError(
            f"{label} cannot be read from {kind}; give an array, a list, a "
            "Series, a table with the name of a column, or the path of a CSV or Parquet file"
        )
    if array.ndim != 1:
        _refuse_shape(array.shape, label)
    return array


def to_numbers(values: NDArray[Any], label: str, place: Place = HERE) -> Floats:
    """A column as float64 numbers, NaN where a value is missing; not copied if it is that already.

    Booleans become 0 and 1.

    Args:
        values: one column of any type.
        label: the column's name in messages.
        place: where its rows come from.

    Raises:
        DataError: a value is not a real number, or is an integer that a double would round.
    """
    kind = values.dtype.kind
    if kind in "iu":
        _check_integers(values, label, place)
    elif kind == "O":
        return _from_objects(values, label, place)
    elif kind == "c":
        _refuse_complex(values, label, place)
    elif kind in "mM":
        _refuse_dates(values, label, place)
    elif kind in "UST":
        refuse_text(values.astype(object), label, place)
    elif kind not in "fb":
        try:  # the short floats of machine learning are of NumPy's kind "V"
            return np.ascontiguousarray(values.astype(np.float64))
        except (TypeError, ValueError):
            raise DataError(
                f"{label} holds values of type {values.dtype}; numbers were expected"
            ) from None
    with np.errstate(over="ignore"):  # a long double may overflow to inf: found later
        return np.ascontiguousarray(values, dtype=np.float64)


def is_exact(integer: int) -> bool:
    """Whether an integer and all smaller ones are doubles."""
    return abs(integer) <= LARGEST_EXACT_INTEGER


def refuse_long_integers(texts: NDArray[Any], label: str, place: Place) -> None:
    """Refuse integers, written as text, that a double would round; accept all other text.

    Raises:
        DataError: there is such an integer.
    """
    whole = [
        int(text) if isinstance(text, str) and text.strip().lstrip("+-").isdecimal() else 0
        for text in texts.tolist()
    ]
    _check_integers(np.fromiter(whole, dtype=object, count=len(whole)), label, place)


def text_without_number(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Mark the Python objects that are text and do not read as a number."""
    return np.array(
        [_is_text(type(item)) and not reads_as_number(item) for item in values.tolist()],
        dtype=np.bool_,
    )


def refuse_text(values: NDArray[Any], label: str, place: Place = HERE) -> NoReturn:
    """Raise an error that names the text, or says that all of it is numbers written as text.

    Raises:
        DataError: always.
    """
    items = values.tolist()
    positions = np.flatnonzero(text_without_number(values))
    if not len(positions):
        first = next(row for row, item in enumerate(items) if _is_text(type(item)))
        raise DataError(
            f"{label} holds numbers written as text{place.where}; "
            f"{place.name_row(first)} is {shown(items[first])}. "
            "Convert them to numbers first, for example with astype(float)."
        )
    parts = [
        f"{place.name_row(row)} is {shown(items[row])}" for row in positions[:SHOWN_ROWS].tolist()
    ]
    mixed = len(positions) < sum(not is_missing(item) for item in items)
    commas = all(_DECIMAL_COMMA.fullmatch(str(items[row])) for row in positions.tolist())
    fix = (
        DECIMAL_COMMA_FIX
        if commas
        else (
            'Correct such rows, or make them missing and give missing="drop".'
            if mixed
            else "Numbers were expected. Class labels need a model of classes, such as Categorical;"
            " text that says which rows are censored needs kl.Events."
        )
    )
    raise DataError(f"{label} holds text{place.where}; {and_more(parts, len(positions))}. {fix}")


def _from_list(values: list[Any] | tuple[Any, ...]) -> NDArray[Any]:
    """A list as an array: of Python objects, unless all are floats.

    NumPy alone would silently turn the list [1, "a"] into text.
    """
    types = set(map(type, values))
    if types <= {float}:
        return np.array(values, dtype=np.float64)
    if all(hasattr(kind, "__len__") and not issubclass(kind, (str, bytes)) for kind in types):
        try:
            nested = np.asarray(values)
        except ValueError:
            nested = None  # parts of different lengths: a column of lists
        if nested is not None and nested.ndim > 1:
            return nested
    # A list that a loop collected may hold zero-dimensional arrays, such as JAX's scalars.
    scalars = {kind for kind in types if not issubclass(kind, np.generic) and hasattr(kind, "ndim")}
    if scalars:
        values = [
            value.item() if type(value) in scalars and value.ndim == 0 else value
            for value in values
        ]
    return np.fromiter(values, dtype=object, count=len(values))


def _from_protocol(values: Any, label: str) -> NDArray[Any]:
    """Another library's array as a NumPy array, by that library's own conversion."""
    try:
        return np.asarray(values)
    except Exception as error:
        kind = with_article(type(values).__name__)
        raise DataError(f"{label} cannot be read from {kind} as a NumPy array: {error}") from error


def _refuse_shape(shape: tuple[int, ...], label: str) -> NoReturn:
    if not shape:
        raise DataError(f"{label} is a single value; give an array with one value for each row")
    size = " x ".join(str(length) for length in shape)
    if len(shape) == 2 and shape[1] == 1:
        raise DataError(
            f"{label} has the shape {size}: a table of one column. "
            "Give the column itself, x[:, 0] or x.ravel()"
        )
    raise DataError(
        f"{label} must be one column, got an array of shape {size}: give one column of it, such "
        "as x[:, 0]" + (", or a table with named columns" if len(shape) == 2 else "")
    )


def _from_objects(values: NDArray[Any], label: str, place: Place) -> Floats:
    """Python objects as float64 numbers."""
    items = values.tolist()
    types = set(map(type, items))
    absent = {kind for kind in types if _marks_missing(kind)}
    present = types - absent
    for is_wrong, refuse in _REFUSED:
        if any(is_wrong(kind) for kind in present):
            refuse(values, label, place)
    if any(issubclass(kind, numbers.Integral) for kind in present - {bool}):
        _check_integers(values, label, place)
    if absent:
        items = [np.nan if type(item) in absent else item for item in items]
    try:
        return np.array(items, dtype=np.float64)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise DataError(
            f"{label} holds a value that is not a double{place.where}: {error}"
        ) from error


def _marks_missing(kind: type) -> bool:
    return kind is type(None) or kind.__name__ in _MISSING_TYPES


def is_missing(value: Any) -> bool:
    """Whether a Python object marks a missing value."""
    return _marks_missing(type(value)) or (isinstance(value, float) and bool(value != value))


def _is_text(kind: type) -> bool:
    return issubclass(kind, (str, bytes))


def _is_date(kind: type) -> bool:
    return issubclass(
        kind, (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)
    )


def _is_complex(kind: type) -> bool:
    return issubclass(kind, numbers.Complex) and not issubclass(kind, numbers.Real)


def _is_not_a_number(kind: type) -> bool:
    return not issubclass(kind, (numbers.Real, np.bool_, decimal.Decimal))


def _check_integers(values: NDArray[Any], label: str, place: Place) -> None:
    """Refuse integers that a double would round."""
    if values.dtype.kind == "O":
        large = np.array(
            [
                isinstance(value, numbers.Integral) and not is_exact(int(value))
                for value in values.tolist()
            ]
        )
    elif values.dtype.itemsize < 8 or not len(values):
        return
    else:
        if is_exact(int(values.min())) and is_exact(int(values.max())):
            return
        large = (values > LARGEST_EXACT_INTEGER) | (values < -LARGEST_EXACT_INTEGER)
    if large.any():
        raise DataError(
            f"{count_of(int(large.sum()), 'integer')} beyond 2**53 in {label}{place.where}: "
            f"{shown_rows(large, place, values)}. Double precision would "
            "round them: subtract a constant first, or convert them to floats if rounding is "
            "harmless."
        )


def _refuse_dates(values: NDArray[Any], label: str, place: Place) -> NoReturn:
    raise DataError(
        f"{label} holds dates or times{_first(values, place, _is_date)}. "
        "Convert them to numbers first, for example the days since a first date."
    )


def _refuse_complex(values: NDArray[Any], label: str, place: Place) -> NoReturn:
    raise DataError(
        f"{label} holds complex numbers{_first(values, place, _is_complex)}. "
        "Take their real part, imaginary part or absolute value first."
    )


def _refuse_others(values: NDArray[Any], label: str, place: Place) -> NoReturn:
    kind = next(
        type(item)
        for item in values.tolist()
        if not _marks_missing(type(item)) and _is_not_a_number(type(item))
    )
    raise DataError(
        f"{label} holds values of type {kind.__name__}"
        f"{_first(values, place, lambda other: other is kind)}. Numbers were expected."
    )


_REFUSED: tuple[
    tuple[Callable[[type], bool], Callable[[NDArray[Any], str, Place], NoReturn]], ...
] = (
    (_is_text, refuse_text),
    (_is_date, _refuse_dates),
    (_is_complex, _refuse_complex),
    (_is_not_a_number, _refuse_others),
)


def _first(values: NDArray[Any], place: Place, is_kind: Callable[[type], bool]) -> str:
    """Name the first value of a type, if there is one."""
    for row, value in enumerate(values):
        if is_kind(type(value)):
            return f"{place.where}; {place.name_row(row)} is {shown(value)}"
    return place.where


def reads_as_number(text: str | bytes) -> bool:
    """Whether a text is a number as programs write it."""
    if "_" in str(text):  # Python alone reads 1_000 as a number
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def shown(value: object) -> str:
    """A value for a message: text in quotes, long values cut off."""
    return short(f'"{value}"' if isinstance(value, str) else value)


def with_article(noun: str) -> str:
    """A noun with its indefinite article."""
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
