"""A number of nats in closed form, and how much rounding may have done to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Exact:
    """A value in nats and a bound on what rounding made of it.

    Attributes:
        value: in nats.
        error: bound on its rounding error.
        method: how it was got.
    """

    value: float
    error: float
    method: str = "closed form"
