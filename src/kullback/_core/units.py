"""Units of information: all computation is in nats; results are divided by the unit's size."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from kullback._core.errors import KullbackError, did_you_mean

Unit: TypeAlias = Literal["nats", "bits", "hartleys"]

NATS_PER_UNIT: dict[str, float] = {"nats": 1.0, "bits": math.log(2.0), "hartleys": math.log(10.0)}


def nats_per(unit: str) -> float:
    """Return the size of a unit in nats.

    Raises:
        KullbackError: for a unit that is not nats, bits or hartleys.
    """
    if unit not in NATS_PER_UNIT:
        known = ", ".join(repr(name) for name in NATS_PER_UNIT)
        hint = did_you_mean(str(unit), NATS_PER_UNIT)
        raise KullbackError(
            f"unit={unit!r} is not a unit of information{hint or '.'} Use one of {known}."
        )
    return NATS_PER_UNIT[unit]
