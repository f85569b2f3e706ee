"""Validation of arguments that many functions share."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from numbers import Real
from operator import index

from kullback._core.errors import KullbackError, ModelError


def check_level(level: float) -> None:
    """Raise unless a level is a coverage probability.

    Raises:
        KullbackError: for a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise KullbackError(f"level must lie in (0, 1), got {level}.")


def check_choice(name: str, value: object, known: Iterable[str]) -> None:
    """Raise unless an option is one of some names.

    Raises:
        KullbackError: for another name.
    """
    names = list(known)
    if value not in names:
        raise KullbackError(f"{name} must be one of {', '.join(map(repr, names))}, got {value!r}.")


def whole_number(name: str, value: object, least: int, most: int) -> int:
    """Return an option as an integer, NumPy's integers included.

    Raises:
        ModelError: for anything but a whole number in [least, most].
    """
    try:
        number = index(value)  # type: ignore[arg-type]  # anything but an integer raises
    except TypeError:
        raise ModelError(f"{name} must be a whole number, got {value!r}.") from None
    if isinstance(value, bool):
        raise ModelError(f"{name} must be a whole number, got {value!r}.")
    if number < least:
        raise ModelError(f"{name} must be at least {least}, got {value!r}.")
    if number > most:
        raise ModelError(f"{name} must be at most {most:,}, got {value!r}.")
    return number


def check_number(name: str, value: object, *, zero: bool) -> None:
    """Raise unless an option is a finite number above 0, or 0 where that is allowed.

    Raises:
        ModelError: for anything else.
    """
    what = "at least 0" if zero else "positive"
    if isinstance(value, bool) or not isinstance(value, (Real, Decimal)):
        raise ModelError(f"{name} must be a number, got {value!r}.")
    number = float(value)
    if not (number > 0.0 or (zero and number == 0.0)) or math.isinf(number):
        raise ModelError(f"{name} must be {what} and finite, got {value!r}.")
