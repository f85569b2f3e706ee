"""Where a distribution ends, and how its density falls there.

In the logarithm L of the distance to an end (of |x| itself, at an infinite end) a density falls
like exp(−index·L), like exp(−c L²), like exp(−rate·e^(index·L)), or faster.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

Order: TypeAlias = Literal["power", "log-square", "stretched", "exponential"]


@final
@dataclass(frozen=True)
class Tail:
    """How a density falls towards one end, y being |x| at an infinite end, 1/distance at a finite.

    By its order, the probability beyond falls like y^−index ("power"), or the density like
    exp(−c (log y)²) ("log-square"), y^power · exp(−rate y^index) ("stretched") or
    exp(−c e^(rate y)) ("exponential").
    """

    order: Order
    index: float = 1.0
    rate: float = math.nan  # compared only between tails whose logarithms are of equal order
    power: float = 0.0
    nearness: float = 1.0  # a "power" holds up to terms of the relative order y^−nearness


@final
@dataclass(frozen=True)
class Tails:
    """The ends of a continuous distribution of one dimension, and its tails there.

    Attributes:
        lower: the left end; −inf for none.
        upper: the right end; inf for none.
        lower_tail: the tail towards the left end; None where it is unknown.
        upper_tail: the tail towards the right end.
        kinks: where the log-density has no derivative.
        bend: where the density bends most; None where that is unknown.
        period: the period of a density of angles.
        about: a centre and a spread, where they are cheaper than moments and quantiles.
        defect: why the total probability is below one, and the remedy; empty where it is one.
    """

    lower: float
    upper: float
    lower_tail: Tail | None = None
    upper_tail: Tail | None = None
    kinks: tuple[float, ...] = ()
    bend: float | None = None
    period: float | None = None
    about: tuple[float, float] | None = None
    defect: str = ""


# ---- what several families share -----------------------------------------------------------

SQUARE = Tail("stretched", 2.0)  # the normal distribution's
FLAT = Tail("power", 1.0)  # a finite density at a finite end


def half_line(lower: Tail, upper: Tail, end: float = 0.0) -> Tails:
    """Return the tails of a distribution above ``end``."""
    return Tails(end, math.inf, lower, upper)


def symmetric(tail: Tail, *kinks: float) -> Tails:
    """Return the tails of a distribution of all numbers that has the same tail on both sides."""
    return Tails(-math.inf, math.inf, tail, tail, kinks)


def burr(shape1: float, shape2: float) -> Tails:
    """Return the tails of a Burr distribution, which others are special cases of."""
    return half_line(
        Tail("power", shape2, nearness=shape2), Tail("power", shape1 * shape2, nearness=shape2)
    )


def gumbel(scale: float) -> Tails:
    """Return the tails of a Gumbel distribution, the limit of other extreme value distributions."""
    rate = 1.0 / scale
    return Tails(-math.inf, math.inf, Tail("exponential", rate=rate), Tail("stretched", 1.0, rate))
