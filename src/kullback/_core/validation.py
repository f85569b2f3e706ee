"""Validation of arguments that many functions share."""

from __future__ import annotations

from kullback._core.errors import KullbackError


def check_level(level: float) -> None:
    """Raise unless a level is a coverage probability.

    Raises:
        KullbackError: for a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise KullbackError(f"level must lie in (0, 1), got {level}.")
