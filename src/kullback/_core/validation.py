"""The level of an interval: its probability of covering."""

from __future__ import annotations

from kullback._core.errors import KullbackError


def check_level(level: float) -> None:
    """Refuse what is no probability of covering.

    Raises:
        KullbackError: for a level outside (0, 1).
    """
    if not 0.0 < level < 1.0:
        raise KullbackError(f"level={level} is no probability of covering; use 0 < level < 1.")
