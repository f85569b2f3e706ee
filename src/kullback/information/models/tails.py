"""Where a distribution ends and how its density falls there, to decide whether E_p[−log q] is +∞.

In the logarithm L of the distance to an end (of |x| itself, at an infinite end) a density falls
like exp(−index·L), like exp(−c L²), like exp(−rate·e^(index·L)), or faster. The growth of −log q is
of a known order too, and whether its mean under p converges follows from the parameters of the two
tails, without evaluating a large number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import float64
from kullback.models.family import Family
from kullback.models.model import Model

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
class Outline:
    """The ends of a one-dimensional distribution, and its tails."""

    lower: float  # −inf for none
    upper: float  # inf for none
    lower_tail: Tail | None = None  # None where it is unknown
    upper_tail: Tail | None = None
    kinks: tuple[float, ...] = ()  # where the log-density has no derivative
    period: float | None = None  # of a density of angles
    about: tuple[float, float] | None = None  # a centre and a spread, if cheaper than moments


Numbers: TypeAlias = Mapping[str, float]  # parameters by name


def default_numbers(model: Model) -> dict[str, float]:
    """Return a fixed family's default parameters as floats."""
    params = model.params
    if not isinstance(model, Family) or model.parametrisation is None:
        return {name: float(value) for name, value in params.items()}
    with float64():
        numbers = {name: jnp.asarray(value, jnp.float64) for name, value in params.items()}
        return {name: float(value) for name, value in model.to_default(numbers).items()}


def outline(model: Model) -> Outline:
    """Return the ends and tails of a fixed one-dimensional continuous model.

    Of families defined outside Kullback only the support is known.
    """
    if type(model).__module__.startswith("kullback.models.") and model.name in _OUTLINES:
        return _OUTLINES[model.name](default_numbers(model))
    return Outline(model.support.lower, model.support.upper)


# ---- does the expectation converge? --------------------------------------------------------


def diverges(p: Tail, q: Tail, *, infinite: bool) -> bool:
    """Say whether the expectation of −log q under p diverges at an end of both, finite or not."""
    if q.order in ("power", "log-square"):
        return False  # −log q grows like log y or its square, with a finite mean under any tail
    if q.order == "stretched":
        # E y^a may be infinite under a power tail; every other tail has all moments
        return p.order == "power" and q.index >= p.index
    # −log q grows like e^(rate·y)
    if p.order == "exponential" or not infinite:
        return False
    if p.order != "stretched" or p.index < 1.0:
        return True
    if p.index > 1.0:
        return False
    # ∫ y^power e^((rate_q − rate_p) y) dy
    return q.rate > p.rate or (q.rate == p.rate and p.power >= -1.0)


# ---- Kullback's own families ---------------------------------------------------------------

_SQUARE = Tail("stretched", 2.0)
_FLAT = Tail("power", 1.0)  # a finite density at a finite end


def _half_line(lower: Tail, upper: Tail, end: float = 0.0) -> Outline:
    return Outline(end, math.inf, lower, upper)


def _symmetric(tail: Tail, *kinks: float) -> Outline:
    return Outline(-math.inf, math.inf, tail, tail, kinks)


def _gumbel(n: Numbers) -> Outline:
    rate = 1.0 / n["scale"]
    tails = Tail("exponential", rate=rate), Tail("stretched", 1.0, rate)
    return Outline(-math.inf, math.inf, *tails)


def _extreme_value(n: Numbers) -> Outline:
    shape, scale = n["shape"], n["scale"]
    if shape == 0.0:
        return _gumbel(n)
    end, index = n["loc"] - scale / shape, 1.0 / abs(shape)
    # e^−y = (1 + shape·z)^(−1/shape), in the exponent on one side, a factor on the other
    steep = Tail("stretched", index, (abs(shape) / scale) ** index, index - 1.0)
    upper = Tail("power", index, nearness=index)
    if shape > 0.0:
        return Outline(end, math.inf, Tail("stretched", index), upper)
    return Outline(-math.inf, end, steep, upper)


def _generalized_pareto(n: Numbers) -> Outline:
    shape, scale, loc = n["shape"], n["scale"], n["loc"]
    if shape == 0.0:
        return Outline(loc, math.inf, _FLAT, Tail("stretched", 1.0, 1.0 / scale))
    upper = Tail("power", 1.0 / abs(shape))
    return Outline(loc, math.inf if shape > 0.0 else loc - scale / shape, _FLAT, upper)


def _gamma(n: Numbers) -> Outline:
    upper = Tail("stretched", 1.0, n["rate"], n["shape"] - 1.0)
    return _half_line(Tail("power", n["shape"]), upper)


def _inverse_gamma(n: Numbers) -> Outline:
    # 1/X has mean shape/scale and coefficient of variation shape^−1/2
    centre = n["scale"] / n["shape"]
    about = centre, centre / math.sqrt(n["shape"])
    tails = Tail("stretched", 1.0), Tail("power", n["shape"])
    return Outline(0.0, math.inf, *tails, about=about)


def _weibull(n: Numbers) -> Outline:
    shape = n["shape"]
    upper = Tail("stretched", shape, n["scale"] ** -shape, shape - 1.0)
    return _half_line(Tail("power", shape, nearness=shape), upper)


def _inverse_gaussian(n: Numbers) -> Outline:
    rate = 0.5 * n["shape"] / n["mean"] ** 2
    return _half_line(Tail("stretched", 1.0), Tail("stretched", 1.0, rate, -1.5))


def _gompertz(n: Numbers) -> Outline:
    shape = n["shape"]
    if shape > 0.0:
        return _half_line(_FLAT, Tail("exponential", rate=shape))
    return _half_line(_FLAT, Tail("stretched", 1.0, n["rate"] if shape == 0.0 else -shape))


def _burr(shape1: float, shape2: float) -> Outline:
    return _half_line(
        Tail("power", shape2, nearness=shape2), Tail("power", shape1 * shape2, nearness=shape2)
    )


def _angle(n: Numbers) -> Outline:
    loc, spread = n["loc"], 1.0 / math.sqrt(max(n["concentration"], 1.0))
    ends = loc - math.pi, loc + math.pi
    return Outline(*ends, _FLAT, _FLAT, period=2.0 * math.pi, about=(loc, spread))


_OUTLINES: dict[str, Callable[[Numbers], Outline]] = {
    "Normal": lambda _: _symmetric(_SQUARE),
    "Logistic": lambda n: _symmetric(Tail("stretched", 1.0, 1.0 / n["scale"])),
    "Laplace": lambda n: _symmetric(Tail("stretched", 1.0, 1.0 / n["scale"]), n["loc"]),
    "StudentT": lambda n: _symmetric(Tail("power", n["df"])),
    "Cauchy": lambda _: _symmetric(Tail("power", 1.0)),
    "Gumbel": _gumbel,
    "GeneralizedExtremeValue": _extreme_value,
    "GeneralizedPareto": _generalized_pareto,
    "Gamma": _gamma,
    "InverseGamma": _inverse_gamma,
    "LogNormal": lambda _: _half_line(Tail("log-square"), Tail("log-square")),
    "InverseGaussian": _inverse_gaussian,
    "Exponential": lambda n: _half_line(_FLAT, Tail("stretched", 1.0, n["rate"])),
    "Weibull": _weibull,
    "Gompertz": _gompertz,
    "Rayleigh": lambda _: _half_line(Tail("power", 2.0), _SQUARE),
    "HalfNormal": lambda _: _half_line(_FLAT, _SQUARE),
    "Pareto": lambda n: _half_line(_FLAT, Tail("power", n["shape"]), n["minimum"]),
    "Lomax": lambda n: _half_line(_FLAT, Tail("power", n["shape"])),
    "LogLogistic": lambda n: _burr(1.0, n["shape"]),
    "Burr": lambda n: _burr(n["shape1"], n["shape2"]),
    "Beta": lambda n: Outline(0.0, 1.0, Tail("power", n["alpha"]), Tail("power", n["beta"])),
    "Uniform": lambda n: Outline(n["lower"], n["upper"], _FLAT, _FLAT),
    "VonMises": _angle,
}


# ---- models of unknown tails ----------------------------------------------------------------

# Powers of two at which a tail is evaluated: out to the ends of the doubles, in one call of 1,024.
_DOUBLINGS = np.arange(4.0, 960.0)
# From here on (1e60) a power differs from anything else; a density that overflows before is none.
_FAR = 200
# Below e^-800 a product is negligible beside any expectation that a double holds.
_NEGLIGIBLE = -800.0
# A slope of the integrand in log y that is nearer to zero than this decides nothing.
_LEVEL = 1e-3


def diverges_numerically(
    p: Model, q: Model, end: float, sign: float, centre: float, scale: float
) -> bool | None:
    """Say from the densities, far out, whether E_p[−log q] diverges at an end; None: undecided.

    The sign is +1 at the right end and −1 at the left.
    """
    if math.isfinite(end) and end != 0.0:
        return False  # x is known only to the rounding of the end: taken as regular
    distance = scale * np.exp2(_DOUBLINGS)
    x, log_y = centre + sign * distance, np.log(distance)
    if end == 0.0:
        x, log_y = -sign * scale * np.exp2(-_DOUBLINGS), -log_y
    log_p, log_q = np.asarray(p.log_density(x)), np.asarray(q.log_density(x))
    usable = np.isfinite(log_p) & np.isfinite(log_q)
    count = int(np.argmin(usable)) if not usable.all() else usable.size
    if count < 2:
        return False if bool(np.all(log_p == -np.inf)) else None
    grown = np.log(np.maximum(np.abs(log_q[:count]), 1.0))
    log_integrand = log_p[:count] + grown + log_y[:count] * (1.0 if end else -1.0)
    if log_integrand[-1] < _NEGLIGIBLE:
        return False
    first = count // 2 if count >= _FAR else count - 2
    run = abs(float(log_y[count - 1] - log_y[first]))
    slope = float(log_integrand[-1] - log_integrand[first]) / run
    if count >= _FAR:
        return slope > 0.0 if abs(slope) > _LEVEL else None
    # −log q overflows while p still has a tail
    return True if slope > _LEVEL and bool(np.all(np.isfinite(log_p))) else None
