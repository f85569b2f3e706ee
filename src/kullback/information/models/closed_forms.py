"""Entropies and divergences in closed form: within a family, and of any model to a few others.

Each is, where possible, a sum of terms that are nowhere negative, through h(t) = t − log(1 + t) ≥ 0
(``deviation``): two nearly equal models then keep their digits. Otherwise the sizes of the terms
bound the rounding error, and where that is too large the quadrature is used instead.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback.information.models.bregman import bregman, moment
from kullback.information.models.method_choice import ClosedForm
from kullback.models.bounded.uniform import Uniform
from kullback.models.counts.bernoulli import Bernoulli
from kullback.models.counts.binomial import Binomial
from kullback.models.counts.geometric import Geometric
from kullback.models.counts.poisson import Poisson
from kullback.models.counts.zipf import Zipf
from kullback.models.labels.categorical import Categorical
from kullback.models.model import Model
from kullback.models.positive.exponential import Exponential
from kullback.models.positive.gamma import Gamma
from kullback.models.positive.half_normal import HalfNormal
from kullback.models.positive.inverse_gamma import InverseGamma
from kullback.models.positive.inverse_gaussian import InverseGaussian
from kullback.models.positive.log_normal import LogNormal
from kullback.models.positive.pareto import Pareto
from kullback.models.positive.rayleigh import Rayleigh
from kullback.models.positive.weibull import Weibull
from kullback.models.real.cauchy import Cauchy
from kullback.models.real.gumbel import Gumbel
from kullback.models.real.laplace import Laplace
from kullback.models.real.normal import Normal
from kullback.special.constants import EULER_GAMMA, HALF_LOG_TWO_PI, LOG_TWO
from kullback.special.gamma import log_gamma_ratio
from kullback.special.zeta import log_zeta

Numbers: TypeAlias = Mapping[str, float]  # parameters by name

_EPS = float(np.finfo(np.float64).eps)


def _sum(*terms: float) -> ClosedForm:
    # each term is accurate to a few roundings
    return ClosedForm(math.fsum(terms), 4.0 * _EPS * math.fsum(map(abs, terms)))


def deviation(t: float) -> float:
    """Compute h(t) = t − log(1 + t) for t > −1 to relative precision; +∞ at −1."""
    if t <= -1.0:
        return math.inf
    if abs(t) > 0.1:
        return t - math.log1p(t)
    # log(1 + t) = 2 artanh r with r = t/(2 + t), and 2r = t − r t; twelve terms reach 0.05^26
    r = t / (2.0 + t)
    tail = 0.0
    for k in range(12, 0, -1):
        tail = tail * r * r + 1.0 / (2 * k + 1)
    return r * (t - 2.0 * r * r * tail)


def ratio_deviation(b: float, a: float) -> float:
    """Compute h(b/a − 1) = b/a − 1 − log(b/a), a > 0, b ≥ 0, also where b/a is tiny or huge."""
    t = (b - a) / a
    if b == 0.0 or abs(t) <= 0.5:
        return deviation(t)
    return t - (math.log(b) - math.log(a))  # 1 + t loses the digits of a small b/a


# ---- within a family ------------------------------------------------------------------------


def _normal(p: Numbers, q: Numbers) -> ClosedForm:
    z, t = (p["loc"] - q["loc"]) / q["scale"], (p["scale"] - q["scale"]) / q["scale"]
    return _sum(0.5 * z * z, 0.5 * t * t, ratio_deviation(p["scale"], q["scale"]))


def _rayleigh(p: Numbers, q: Numbers) -> ClosedForm:
    t = (p["scale"] - q["scale"]) / q["scale"]
    # h((1 + t)² − 1) = t² + 2 h(t)
    return _sum(t * t, 2.0 * ratio_deviation(p["scale"], q["scale"]))


def _laplace(p: Numbers, q: Numbers) -> ClosedForm:
    gap = abs(p["loc"] - q["loc"]) / p["scale"]
    # gap − 1 + e^−gap, which cancels where the gap is small
    shifted = gap - 1.0 + math.exp(-gap) if gap > 1.0 else deviation(math.expm1(-gap))
    return _sum(ratio_deviation(p["scale"], q["scale"]), p["scale"] / q["scale"] * shifted)


def _cauchy(p: Numbers, q: Numbers) -> ClosedForm:
    # F. Chyzak and F. Nielsen (2019), "A closed-form formula for the Kullback-Leibler divergence
    # between Cauchy distributions"
    gap = math.hypot(p["loc"] - q["loc"], p["scale"] - q["scale"])
    return _sum(math.log1p((gap / p["scale"]) * (gap / q["scale"]) / 4.0))


def _uniform(p: Numbers, q: Numbers) -> ClosedForm:
    inside, outside = p["lower"] - q["lower"], q["upper"] - p["upper"]
    return _sum(math.log1p((inside + outside) / (p["upper"] - p["lower"])))


def _gumbel(p: Numbers, q: Numbers) -> ClosedForm:
    # with E = E[e^−z_q]: h(E − 1) + ln Γ(ratio) + γ (ratio − 1), both nowhere negative
    ratio = p["scale"] / q["scale"]
    t = (p["scale"] - q["scale"]) / q["scale"]
    shift = (p["loc"] - q["loc"]) / q["scale"]
    with float64():
        # ln Γ(1 + t) for t > −1/2, where it keeps its digits; below, from Γ(2 + t)
        direct = t > -0.5
        base = float(log_gamma_ratio(jnp.float64(1.0 if direct else 2.0), jnp.float64(t)))
        above = float(log_gamma_ratio(jnp.float64(2.0), jnp.float64(t)))
    log_gamma = base if direct else base - math.log(ratio)
    log_mean = above - shift
    mean = math.expm1(log_mean) if log_mean < 700.0 else math.inf
    first = mean - log_mean if abs(mean) > 0.1 else deviation(mean)
    near = math.fsum([log_gamma, EULER_GAMMA * t])
    error = 4.0 * _EPS * (abs(first) + abs(log_gamma) + abs(t) + abs(mean) * abs(log_mean))
    return ClosedForm(first + near, error)


def _weibull(p: Numbers, q: Numbers) -> ClosedForm:
    # −log X is a Gumbel variable
    a, b = ({"loc": -math.log(n["scale"]), "scale": 1.0 / n["shape"]} for n in (p, q))
    return _gumbel(a, b)


def _pareto(p: Numbers, q: Numbers) -> ClosedForm:
    distance = q["shape"] * math.log1p((p["minimum"] - q["minimum"]) / q["minimum"])
    return _sum(ratio_deviation(q["shape"], p["shape"]), distance)


def _inverse_gaussian(p: Numbers, q: Numbers) -> ClosedForm:
    gap = (p["mean"] - q["mean"]) / q["mean"]
    return _sum(
        0.5 * ratio_deviation(q["shape"], p["shape"]), 0.5 * q["shape"] / p["mean"] * gap * gap
    )


def _poisson(p: Numbers, q: Numbers) -> ClosedForm:
    if p["rate"] == 0.0:
        return _sum(q["rate"])
    return _sum(p["rate"] * ratio_deviation(q["rate"], p["rate"]))


def _trial(p: Numbers, q: Numbers) -> float:
    """D of one trial; the probabilities come from the logits where the model has those."""
    chances = [(_chance(p, sign), _chance(q, sign)) for sign in (1.0, -1.0)]
    return math.fsum(a * ratio_deviation(b, a) if a else b for a, b in chances)


def _chance(n: Numbers, sign: float) -> float:
    if "logit" in n:
        t = sign * n["logit"]
        return 1.0 / (1.0 + math.exp(-t)) if t > -700.0 else math.exp(t)
    return n["probability"] if sign > 0.0 else 1.0 - n["probability"]


def _binomial(p: Numbers, q: Numbers) -> ClosedForm | None:
    return _sum(p["trials"] * _trial(p, q)) if p["trials"] == q["trials"] else None


# Nodes and weights on [0, 1], for a function whose nearest pole is one length of the interval away.
_NODES, _WEIGHTS = 0.5 * (np.polynomial.legendre.leggauss(20) + np.array([[1.0], [0.0]]))


def _log_zeta(s: float | Vector, order: int) -> Vector:
    """Return a derivative of log ζ(s)."""

    def value(t: Array) -> Array:
        return log_zeta(t, jnp.ones_like(t))

    def derivative(f: Callable[[Array], Array]) -> Callable[[Array], Array]:
        return lambda t: jax.jvp(f, (t,), (jnp.ones_like(t),))[1]

    found: Callable[[Array], Array] = value
    for _ in range(order):
        found = derivative(found)
    with float64():
        return np.asarray(found(jnp.asarray(s, dtype=jnp.float64)))


def _zipf(p: Numbers, q: Numbers) -> ClosedForm:
    # an exponential family in log x: the Bregman divergence of A = log ζ, which between near
    # exponents is the remainder δ² ∫ (1 − t) A″(s + δ t) dt, a sum of positive terms
    s, t = p["exponent"], q["exponent"]
    gap = t - s
    if abs(gap) < 0.5 * (min(s, t) - 1.0):
        curvature = _log_zeta(s + gap * _NODES, 2)
        value = gap * gap * float(np.sum(_WEIGHTS * (1.0 - _NODES) * curvature))
        return ClosedForm(value, 16.0 * _EPS * value)
    slope = float(_log_zeta(s, 1))
    return _sum(float(_log_zeta(t, 0)), -float(_log_zeta(s, 0)), -t * slope, s * slope)


def _zipf_cross_entropy(p: Numbers, q: Numbers) -> ClosedForm:
    t = q["exponent"]
    return _sum(float(_log_zeta(t, 0)), -t * float(_log_zeta(p["exponent"], 1)))


def _geometric(p: Numbers, q: Numbers) -> ClosedForm:
    if "mean" in p and "mean" in q:  # one trial in 1 + mean is a success
        gap = q["mean"] - p["mean"]
        share = p["mean"] * ratio_deviation(q["mean"], p["mean"]) if p["mean"] else q["mean"]
        # p log(p/q) summed over success and failure, times 1 + mean
        rest = (1.0 + p["mean"]) * deviation(gap / (1.0 + p["mean"]))
        return _sum(share, -rest)
    return _sum(_trial(p, q) / p["probability"])


def _categorical(p: Categorical, q: Categorical) -> ClosedForm:
    codes = np.arange(float(p.classes or 0))
    first, second = (np.asarray(model.density(codes)).tolist() for model in (p, q))
    pairs = zip(first, second, strict=True)
    return _sum(*(a * ratio_deviation(b, a) if a else b for a, b in pairs))


def _inverse_gamma(p: Numbers, q: Numbers) -> ClosedForm | None:
    # 1/X is a gamma variable
    a, b = (Gamma(shape=n["shape"], rate=n["scale"]) for n in (p, q))
    return bregman(a, b)


_WITHIN_FAMILY: dict[type[Model], Callable[[Numbers, Numbers], ClosedForm | None]] = {
    Normal: _normal,
    LogNormal: _normal,
    Exponential: lambda p, q: _sum(ratio_deviation(q["rate"], p["rate"])),
    HalfNormal: lambda p, q: _normal({"loc": 0.0, **p}, {"loc": 0.0, **q}),
    Rayleigh: _rayleigh,
    Laplace: _laplace,
    Cauchy: _cauchy,
    Uniform: _uniform,
    Gumbel: _gumbel,
    Weibull: _weibull,
    Pareto: _pareto,
    InverseGamma: _inverse_gamma,
    InverseGaussian: _inverse_gaussian,
    Poisson: _poisson,
    Bernoulli: lambda p, q: _sum(_trial(p, q)),
    Binomial: _binomial,
    Geometric: _geometric,
    Zipf: _zipf,
}


def divergence(p: Model, q: Model) -> ClosedForm | None:
    """D(p‖q) in closed form, or None where there is none; p's support must lie inside q's."""
    if type(p) is not type(q):
        return None
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        return _categorical(p, q)
    if type(p) in _WITHIN_FAMILY:
        return _WITHIN_FAMILY[type(p)](_numbers(p), _numbers(q))
    return None if p.discrete else bregman(p, q)


def _numbers(model: Model) -> Numbers:
    return {name: float(value) for name, value in model.default_params.items()}


# ---- entropies, and cross-entropies to a few families ----------------------------------------


def entropy(p: Model) -> ClosedForm | None:
    """H(p) in closed form, or None where there is none."""
    if isinstance(p, (Poisson, Binomial)):  # whose entropy is itself a sum over outcomes
        return None
    value = moment(p, "entropy")
    return None if math.isnan(value) else ClosedForm(value, 8.0 * _EPS * (1.0 + abs(value)))


def cross_entropy(p: Model, q: Model) -> ClosedForm | None:
    """E_p[−log q] where log q needs only p's mean and variance; p's support must lie inside q's."""
    if isinstance(q, Uniform):
        n = _numbers(q)
        return _sum(math.log(n["upper"] - n["lower"]))
    if isinstance(p, Zipf) and isinstance(q, Zipf):
        return _zipf_cross_entropy(_numbers(p), _numbers(q))
    if not isinstance(q, (Normal, Exponential, HalfNormal)):
        return None
    # not where p's tails are unknown, nor for angles, whose mean is that of a direction
    if p.tails is None or p.tails.lower_tail is None or p.tails.period is not None:
        return None
    n, mean = _numbers(q), moment(p, "mean")
    if isinstance(q, Exponential):
        return _sum(-math.log(n["rate"]), n["rate"] * mean) if math.isfinite(mean) else None
    variance, scale = moment(p, "variance"), n["scale"]
    if not (math.isfinite(mean) and math.isfinite(variance)):
        return None
    shift = (mean - n.get("loc", 0.0)) / scale
    squares = (0.5 * (variance / scale) / scale, 0.5 * shift * shift)
    constant = HALF_LOG_TWO_PI - (LOG_TWO if isinstance(q, HalfNormal) else 0.0)
    return _sum(constant, math.log(scale), *squares)
