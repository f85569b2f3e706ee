"""Densities and tails of positive outcomes against mpmath (60 digits), over their whole range."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from kullback._core.arrays import float64
from kullback.models.positive.exponential import Exponential
from kullback.models.positive.gamma import Gamma
from kullback.models.positive.gompertz import Gompertz
from kullback.models.positive.half_normal import HalfNormal
from kullback.models.positive.inverse_gamma import InverseGamma
from kullback.models.positive.inverse_gaussian import InverseGaussian
from kullback.models.positive.log_normal import LogNormal
from kullback.models.positive.rayleigh import Rayleigh
from kullback.models.positive.weibull import Weibull


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


# ---- the formulas, as the textbooks write them, in mpmath ----------------------------------------


def _of_hazard(hazard):
    """(log cdf, log survival) from a cumulative hazard."""
    if hazard > 1e6:  # mpmath's exponential would need as many digits
        return mp.mpf(0), -hazard
    return mp.log(-mp.expm1(-hazard)) if hazard < 1 else mp.log1p(-mp.exp(-hazard)), -hazard


def _of_tails(lower, upper):
    """(log cdf, log survival) from both tails, each from the smaller of them."""
    if lower < upper:
        return mp.log(lower), mp.log1p(-lower)
    return mp.log1p(-upper), mp.log(upper)


def _gamma_tails(shape, x):
    return mp.gammainc(shape, 0, x, regularized=True), mp.gammainc(shape, x, regularized=True)


def _inverse_gaussian_tails(x, mean, shape):
    with mp.workdps(120):  # the two terms of the survival cancel
        root, ratio = mp.sqrt(shape / x), x / mean
        second = mp.exp(2 * shape / mean) * mp.ncdf(-root * (ratio + 1))
        return mp.ncdf(root * (ratio - 1)) + second, mp.ncdf(-root * (ratio - 1)) - second


def _gompertz_hazard(x, shape, rate):
    return rate * (mp.expm1(shape * x) / shape if shape != 0 else x)


DENSITIES = {
    Exponential: lambda x, rate: mp.log(rate) - rate * x,
    Gamma: lambda x, shape, rate: (
        shape * mp.log(rate) - mp.loggamma(shape) + (shape - 1) * mp.log(x) - rate * x
    ),
    InverseGamma: lambda x, shape, scale: (
        shape * mp.log(scale) - mp.loggamma(shape) - (shape + 1) * mp.log(x) - scale / x
    ),
    Weibull: lambda x, shape, scale: (
        mp.log(shape / scale) + (shape - 1) * mp.log(x / scale) - (x / scale) ** shape
    ),
    LogNormal: lambda x, loc, scale: (
        -mp.log(x * scale) - mp.log(2 * mp.pi) / 2 - ((mp.log(x) - loc) / scale) ** 2 / 2
    ),
    InverseGaussian: lambda x, mean, shape: (
        mp.log(shape / (2 * mp.pi * x**3)) / 2 - shape * (x - mean) ** 2 / (2 * mean**2 * x)
    ),
    Rayleigh: lambda x, scale: mp.log(x / scale**2) - (x / scale) ** 2 / 2,
    HalfNormal: lambda x, scale: mp.log(2 / mp.pi) / 2 - mp.log(scale) - (x / scale) ** 2 / 2,
    Gompertz: lambda x, shape, rate: mp.log(rate) + shape * x - _gompertz_hazard(x, shape, rate),
}
TAILS = {
    Exponential: lambda x, rate: _of_hazard(rate * x),
    Gamma: lambda x, shape, rate: _of_tails(*_gamma_tails(shape, rate * x)),
    InverseGamma: lambda x, shape, scale: _of_tails(*_gamma_tails(shape, scale / x)[::-1]),
    Weibull: lambda x, shape, scale: _of_hazard((x / scale) ** shape),
    LogNormal: lambda x, loc, scale: _of_tails(
        mp.ncdf((mp.log(x) - loc) / scale), mp.ncdf((loc - mp.log(x)) / scale)
    ),
    InverseGaussian: lambda x, mean, shape: _of_tails(*_inverse_gaussian_tails(x, mean, shape)),
    Rayleigh: lambda x, scale: _of_hazard((x / scale) ** 2 / 2),
    HalfNormal: lambda x, scale: _of_tails(
        mp.erf(x / scale / mp.sqrt(2)), mp.erfc(x / scale / mp.sqrt(2))
    ),
    Gompertz: lambda x, shape, rate: _of_hazard(_gompertz_hazard(x, shape, rate)),
}
# Tame first: the first two sets of each family are those of moments, samples and derivatives.
PARAMETERS = {
    Exponential: [{"rate": r} for r in (0.5, 3.0, 1e-12, 1e12)],
    Gamma: [
        {"shape": a, "rate": r}
        for a, r in [(2.5, 0.7), (0.4, 3.0), (1e-6, 1.0), (1e-3, 1e8), (1e4, 1e-6), (1e8, 2.0)]
    ],
    InverseGamma: [
        {"shape": a, "scale": s}
        for a, s in [(2.5, 0.7), (7.0, 3.0), (1e-6, 1.0), (1e-3, 1e8), (1e4, 1e-6), (1e8, 2.0)]
    ],
    Weibull: [
        {"shape": k, "scale": s}
        for k, s in [(2.5, 0.7), (0.6, 3.0), (1e-6, 1.0), (1e-2, 1e8), (1e4, 1e-6), (1e8, 0.3)]
    ],
    LogNormal: [
        {"loc": m, "scale": s}
        for m, s in [(0.3, 0.7), (-2.0, 0.4), (-3.0, 1e-6), (5.0, 1e2), (200.0, 3.0)]
    ],
    InverseGaussian: [
        {"mean": m, "shape": s}
        for m, s in [(2.5, 0.7), (0.4, 3.0), (1e8, 1.0), (1e-6, 1e2), (3.0, 1e12)]
    ],
    Rayleigh: [{"scale": s} for s in (0.7, 3.0, 1e-12, 1e12)],
    HalfNormal: [{"scale": s} for s in (0.7, 3.0, 1e-12, 1e12)],
    Gompertz: [
        {"shape": a, "rate": r}
        for a, r in [(0.7, 0.2), (0.03, 1.5), (0.0, 2.0), (1e-12, 0.3), (-1e-12, 0.3), (-0.5, 0.2),
                     (-2.0, 1e-5), (1e-6, 1e8), (10.0, 1e-150), (1e4, 1e-3)]
    ],
}  # fmt: skip
FAMILIES = list(PARAMETERS)
WITH_STATISTICS = [f for f in FAMILIES if f._statistics is not None]


def points(model):
    """Outcomes from the far lower to the far upper tail, and beyond where doubles allow."""
    u = np.array([1e-300, 1e-100, 1e-20, 1e-6, 0.02, 0.3, 0.5, 0.7, 0.99, 1 - 1e-12])
    x = model.quantile(u)
    x = x[(x > 1e-300) & (x < 1e300)]
    if x.size == 0:  # a shape of 1e-6 spreads them far beyond the doubles
        return np.array([1e-299, 1e-100, 1.0, 1e100, 1e299])
    x = np.concatenate([x, x[-1] * np.array([1.5, 4.0, 30.0]), x[0] * np.array([0.5, 1e-3])])
    return np.unique(x[(x > 1e-300) & (x < 1e300)])


def exactly(parameters):
    return {name: mp.mpf(value) for name, value in parameters.items()}


def assert_close(got, expected, tolerance, floor):
    """|got − expected| ≤ tolerance · max(|expected|, floor), compared in mpmath."""
    for g, e in zip(got, expected, strict=True):
        if abs(e) > 1e300:  # the logarithm itself leaves the doubles
            continue
        assert math.isfinite(g), (g, e)
        assert abs(mp.mpf(float(g)) - e) <= tolerance * max(abs(e), floor), (g, float(e))


def conditioning(family, parameters, x):
    """What the rounding of an intermediate quantity leaves, beyond 1e-12.

    LogNormal: half a unit in the last place of log x, in units of scale, times the slope. Gamma and
    inverse gamma: half a unit of m = rate·x (or scale/x), times the slope in log m, |shape − m|.
    """
    if family is LogNormal:
        z = (np.log(x) - parameters["loc"]) / parameters["scale"]
        size = np.maximum(np.abs(np.log(x)), 1.0)
        return 2.3e-16 * size / parameters["scale"] * np.maximum(np.abs(z), 1.0)
    if family is Gamma:
        return 2.3e-16 * np.abs(parameters["shape"] - parameters["rate"] * x)
    if family is InverseGamma:
        return 2.3e-16 * np.abs(parameters["shape"] - parameters["scale"] / x)
    return np.zeros_like(x)


@pytest.mark.parametrize("family", FAMILIES)
def test_log_density(family):
    """Within 1e-12 of mpmath, relative, or absolute where the value is below one."""
    for parameters in PARAMETERS[family]:
        model = family(**parameters)
        x = points(model)
        expected = [DENSITIES[family](mp.mpf(v), **exactly(parameters)) for v in x.tolist()]
        limits = conditioning(family, parameters, x)
        for got, e, limit in zip(model.log_density(x), expected, limits, strict=True):
            assert_close([got], [e], 1e-12 + limit / max(1.0, abs(float(e))), 1.0)


@pytest.mark.parametrize("family", FAMILIES)
def test_tails(family):
    """Both logarithms within 1e-12 of mpmath, relative also where they are near zero."""
    for parameters in PARAMETERS[family]:
        if parameters.get("shape", 0.0) > 1e6 and family in (Gamma, InverseGamma):
            continue  # mpmath's series is too long there; the incomplete gamma has its own tests
        model = family(**parameters)
        x = points(model)
        if family is Gamma:  # mpmath's series is too long for larger arguments
            x = x[parameters["rate"] * x < 1e5]
        if family is InverseGamma:
            x = x[parameters["scale"] / x < 1e5]
        pairs = [TAILS[family](mp.mpf(v), **exactly(parameters)) for v in x.tolist()]
        limits = conditioning(family, parameters, x)
        for side, got in enumerate([model.log_cdf(x), model.log_survival(x)]):
            for g, pair, limit in zip(got, pairs, limits, strict=True):
                if abs(pair[side]) > 1e300:  # the logarithm itself leaves the doubles
                    continue
                # Near zero the logarithm is minus the other tail: its relative error is the
                # absolute error of that tail's logarithm, up to 745 of 1e-15 each. Below 1e-300
                # the other tail leaves the doubles.
                size = float(min(abs(pair[1 - side]), 1e4))
                tolerance = 1e-12 + 1e-15 * size + limit
                assert abs(mp.mpf(float(g)) - pair[side]) <= tolerance * abs(pair[side]) + 1e-300


@pytest.mark.parametrize("family", FAMILIES)
def test_edges_of_the_support(family):
    model = family(**PARAMETERS[family][0])
    assert model.log_density([-1.0, np.inf, -np.inf]).tolist() == [-np.inf] * 3
    assert model.log_cdf([-1.0, 0.0, np.inf]).tolist() == [-np.inf, -np.inf, 0.0]
    assert model.log_survival([-1.0, 0.0, np.inf]).tolist() == [0.0, 0.0, -np.inf]
    assert model.quantile([0.0, 1.0]).tolist() == [0.0, np.inf]
    assert np.isnan(model.log_density(np.nan))
    zero = (
        DENSITIES[family](mp.mpf(0), **exactly(PARAMETERS[family][0]))
        if (model.support.holds_lower)
        else -mp.inf
    )
    assert model.log_density(0.0) == pytest.approx(float(zero), rel=1e-15)


@pytest.mark.parametrize("family", FAMILIES)
def test_quantiles(family):
    """The distribution function at a quantile gives the probability back."""
    u = np.array([1e-250, 1e-30, 1e-5, 0.1, 0.5, 0.9, 1 - 1e-9])
    for parameters in PARAMETERS[family][:2]:
        model = family(**parameters)
        x = model.quantile(u)
        inside = x > 1e-300
        x, v = x[inside], u[inside]
        # An error of x moves log cdf by x q(x)/cdf(x) times it. The bisection's coordinate, up to
        # 1400, leaves 2.3e-13; the closed forms a few roundings.
        for log_tail, log_u in [
            (model.log_cdf(x), np.log(v)),
            (model.log_survival(x), np.log1p(-v)),
        ]:
            slope = np.exp(np.log(x) + model.log_density(x) - log_tail)
            error = 2.3e-13 if family._quantile is None else 1e-14
            assert np.all(np.abs(log_tail - log_u) <= 1e-14 * np.abs(log_u) + error * (1 + slope))


@pytest.mark.parametrize("family", WITH_STATISTICS)
def test_statistics_give_the_density(family):
    """The affine form, from an origin inside the sample, gives the log-density of its points.

    To 1e-12, and 4e-16 of the largest term that the statistics carry (slopes times them).
    """
    names = list(family.default_parameters)

    def evaluate(x, origin, numbers):
        def density(t):
            return family().log_density_of(t, origin, dict(zip(names, numbers, strict=True)))

        t = family().statistics(x, origin)
        slopes = jax.jacfwd(density)([jnp.zeros_like(origin) for _ in t])
        return density(t), [jnp.abs(a * b) for a, b in zip(slopes, t, strict=True)]

    with float64():
        compiled = jax.jit(evaluate)
        for parameters in PARAMETERS[family]:
            model = family(**parameters)
            x = model.quantile(np.array([0.01, 0.1, 0.5, 0.9, 0.99]))
            if not np.all((x > 1e-300) & (x < 1e300)):
                continue  # a shape of 1e-6: all but a few of the outcomes leave the doubles
            exact = model.log_density(x)
            limit = 1e-12 * np.maximum(np.abs(exact), 1.0) + 4.0 * conditioning(
                family, parameters, x
            )
            for origin in x[1:4]:
                got, sizes = compiled(x, origin, list(parameters.values()))
                size = np.max([np.asarray(v) for v in sizes], axis=0)
                assert np.all(np.abs(np.asarray(got) - exact) <= limit + 4e-16 * size), parameters


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives(family):
    """Scores and second derivatives: mpmath's at tame parameters, finite at all others."""
    names = list(family.default_parameters)
    rows, expected = [], []
    for i, parameters in enumerate(PARAMETERS[family]):
        exact = exactly(parameters)
        for x in points(family(**parameters)).tolist():
            if abs(DENSITIES[family](mp.mpf(x), **exact)) > 1e290:
                continue
            rows.append([x, *parameters.values()])
            tame = i < 2 and abs(DENSITIES[family](mp.mpf(x), **exact)) < 1e4
            expected.append(_derivatives(family, x, list(exact.values())) if tame else None)

    def log_density(x, numbers):
        return family().row_log_density(x, dict(zip(names, numbers, strict=True)))

    with float64():
        table = jnp.asarray(rows)
        both = jax.jit(
            jax.vmap(lambda row: (
                jax.jacfwd(log_density, argnums=1)(row[0], row[1:]),
                jax.jacfwd(jax.jacfwd(log_density, argnums=1), argnums=1)(row[0], row[1:]),
            ))
        )  # fmt: skip
        score, hessian = (np.asarray(a) for a in both(table))
    for k, reference in enumerate(expected):
        if reference is None:
            # products of parameters as small as 1e-300 may leave the doubles: not a NaN, though
            assert not np.isnan(score[k]).any(), rows[k]
            assert not np.isnan(hessian[k]).any(), rows[k]
        else:
            # a few roundings of the largest entry's terms
            first, second = reference
            np.testing.assert_allclose(score[k], first, rtol=0, atol=1e-12 * np.abs(first).max())
            size = np.abs(second).max()
            np.testing.assert_allclose(hessian[k], second, rtol=0, atol=1e-12 * size)


def _derivatives(family, x, at):
    """Score and Hessian by mpmath's differences, at 60 digits good to 1e-20."""
    names, d = list(family.default_parameters), len(at)

    def f(*numbers):
        return DENSITIES[family](mp.mpf(x), **dict(zip(names, numbers, strict=True)))

    def partial(*orders):
        return float(mp.diff(f, tuple(at), orders) if d > 1 else mp.diff(f, at[0], orders[0]))

    unit = np.eye(d, dtype=int)
    first = np.array([partial(*unit[i].tolist()) for i in range(d)])
    second = [[partial(*(unit[i] + unit[j]).tolist()) for j in range(d)] for i in range(d)]
    return first, np.array(second)
