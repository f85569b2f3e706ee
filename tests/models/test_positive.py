"""The families of positive outcomes against mpmath (50 digits and more), over their whole range."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from kullback._core.arrays import float64
from kullback.models.positive import (
    Exponential,
    Gamma,
    Gompertz,
    HalfNormal,
    InverseGamma,
    InverseGaussian,
    LogNormal,
    Rayleigh,
    Weibull,
    log_gamma_second_difference,
    log_quotient,
)

mp.mp.dps = 60

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


def test_quantiles_of_a_defective_gompertz():
    """With shape −0.5 and rate 0.2, exp(−0.4) never fail."""
    model = Gompertz(shape=-0.5, rate=0.2)
    reached = -math.expm1(-0.4)
    assert np.isinf(model.quantile([reached + 1e-9, 0.9, 1.0])).all()
    assert model.cdf(model.quantile(reached - 1e-9)) == pytest.approx(reached - 1e-9, rel=1e-12)
    assert model.log_survival(1e300) == pytest.approx(-0.4, rel=1e-15)
    assert model.mean() == math.inf
    assert math.isnan(model.variance())
    assert math.isnan(model.entropy())
    share = np.mean(np.isinf(model.sample(7, 40_000)))
    assert share == pytest.approx(math.exp(-0.4), abs=5 * 0.5 / 200)  # 5 standard errors


@pytest.mark.parametrize("family", WITH_STATISTICS)
def test_statistics_give_the_density(family):
    """The affine form, from an origin inside the sample, gives the log-density of its points.

    To 1e-12, and 4e-16 of the largest term that the statistics carry (slopes times them).
    """
    names = list(family.canonical)

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
    names = list(family.canonical)
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
    names, d = list(family.canonical), len(at)

    def f(*numbers):
        return DENSITIES[family](mp.mpf(x), **dict(zip(names, numbers, strict=True)))

    def partial(*orders):
        return float(mp.diff(f, tuple(at), orders) if d > 1 else mp.diff(f, at[0], orders[0]))

    unit = np.eye(d, dtype=int)
    first = np.array([partial(*unit[i].tolist()) for i in range(d)])
    second = [[partial(*(unit[i] + unit[j]).tolist()) for j in range(d)] for i in range(d)]
    return first, np.array(second)


SCIPY = {
    Exponential: lambda rate: scipy.stats.expon(scale=1 / rate),
    Gamma: lambda shape, rate: scipy.stats.gamma(shape, scale=1 / rate),
    InverseGamma: lambda shape, scale: scipy.stats.invgamma(shape, scale=scale),
    Weibull: lambda shape, scale: scipy.stats.weibull_min(shape, scale=scale),
    LogNormal: lambda loc, scale: scipy.stats.lognorm(scale, scale=np.exp(loc)),
    InverseGaussian: lambda mean, shape: scipy.stats.invgauss(mean / shape, scale=shape),
    Rayleigh: lambda scale: scipy.stats.rayleigh(scale=scale),
    HalfNormal: lambda scale: scipy.stats.halfnorm(scale=scale),
    Gompertz: lambda shape, rate: scipy.stats.gompertz(rate / shape, scale=1 / shape),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_and_samples(family):
    """Moments are SciPy's (its quadrature's 1e-8 where it integrates); samples have them."""
    for parameters in PARAMETERS[family][:2]:
        model, other = family(**parameters), SCIPY[family](**parameters)
        assert model.mean() == pytest.approx(other.mean(), rel=1e-8)
        assert model.variance() == pytest.approx(other.var(), rel=1e-7)
        assert model.entropy() == pytest.approx(float(other.entropy()), rel=1e-7, abs=1e-7)
        x = model.sample(3, 40_000)
        assert x.mean() == pytest.approx(model.mean(), abs=5 * math.sqrt(model.variance()) / 200)
        # five standard errors of a share of 1/4
        quarter = np.mean(x < other.ppf(0.25))
        assert quarter == pytest.approx(0.25, abs=5 * math.sqrt(0.1875) / 200)


def test_moments_that_are_infinite():
    assert InverseGamma(shape=1.0, scale=2.0).mean() == math.inf
    assert InverseGamma(shape=2.0, scale=2.0).variance() == math.inf
    assert InverseGamma(shape=1.5, scale=2.0).mean() == 4.0


def test_moments_at_extreme_parameters():
    """Against mpmath at 60 digits: where large terms cancel in the textbooks' formulas."""
    for shape in (0.02, 0.5, 16.0, 1e4, 1e8):
        k = mp.mpf(shape)
        variance = mp.gamma(1 + 2 / k) - mp.gamma(1 + 1 / k) ** 2
        assert Weibull(shape=shape, scale=1.0).variance() == pytest.approx(
            float(variance), rel=1e-12
        )
    for shape in (1e-6, 0.3, 50.0, 1e8):
        a = mp.mpf(shape)
        common = a + mp.loggamma(a)
        gamma = common + (1 - a) * mp.digamma(a)
        assert Gamma(shape=shape, rate=1.0).entropy() == pytest.approx(float(gamma), rel=1e-12)
        inverse = common - (1 + a) * mp.digamma(a)
        assert InverseGamma(shape=shape, scale=1.0).entropy() == pytest.approx(
            float(inverse), rel=1e-12
        )
    for shape in (1e-7, 1e-2, 3.0, 1e8):
        z = 2 * mp.mpf(shape)
        entropy = mp.log(2 * mp.pi * mp.e / mp.mpf(shape)) / 2 - 1.5 * mp.exp(z) * mp.e1(z)
        assert InverseGaussian(mean=1.0, shape=shape).entropy() == pytest.approx(
            float(entropy), rel=1e-12
        )
    for rate in (1e-8, 1e-2, 3.0, 1e8):
        mean = mp.exp(mp.mpf(rate)) * mp.e1(mp.mpf(rate))
        assert Gompertz(shape=1.0, rate=rate).mean() == pytest.approx(float(mean), rel=1e-12)


def test_helpers():
    """log(x/m) next to m, and beyond the doubles' quotients; the second difference of ln Γ."""
    m = np.array([3.0, 3.0, 0.3, 1e-300, 1e300, 1e300, 7.0])
    x = np.array([np.nextafter(3.0, 4), 3.0, 0.3 * 1.2499, 1e300, 1e-300, 1.3e300, 0.5])
    with float64():
        got = np.asarray(jax.jit(log_quotient)(x, m))
        h = jnp.asarray(1e-5)
        second = float(log_gamma_second_difference(jnp.asarray(0.3), h))
    for g, a, b in zip(got, x.tolist(), m.tolist(), strict=True):
        assert g == pytest.approx(float(mp.log(mp.mpf(a) / mp.mpf(b))), rel=1e-15)
    z, step = mp.mpf(0.3), mp.mpf(1e-5)
    exact = mp.loggamma(z + 2 * step) - 2 * mp.loggamma(z + step) + mp.loggamma(z)
    assert second == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize(
    ("family", "alternative", "canonical"),
    [
        (Exponential, {"scale": 4.0}, {"rate": 0.25}),
        (Gamma, {"shape": 3.0, "scale": 4.0}, {"shape": 3.0, "rate": 0.25}),
        (Gamma, {"mean": 12.0, "shape": 3.0}, {"shape": 3.0, "rate": 0.25}),
        (LogNormal, {"median": 3.0, "scale": 0.5}, {"loc": math.log(3.0), "scale": 0.5}),
        (LogNormal, {"mean": 3.0, "scale": 0.5}, {"loc": math.log(3.0) - 0.125, "scale": 0.5}),
    ],
)
def test_alternative_parameters(family, alternative, canonical):
    """Other names, the same density; and back again."""
    other, model = family(**alternative), family(**canonical)
    x = np.array([0.1, 1.0, 5.0, 40.0])
    np.testing.assert_allclose(other.log_density(x), model.log_density(x), rtol=1e-13)
    assert other.mean() == pytest.approx(model.mean(), rel=1e-14)
    assert dict(other.from_canonical(canonical)) == pytest.approx(alternative, rel=1e-14)


UGLY = {
    "two rows": [1.0, 2.0],
    "constant": [3.0, 3.0, 3.0],
    "nearly constant": [3.0, 3.0, np.nextafter(3.0, 4.0)],
    "huge": [1e12, 3e12, 2e12],
    "tiny": [1e-12, 3e-12, 2e-12],
    "outlier": [1.0, 2.0, 1.5, 1e10],
    "wide": [1e-200, 1.0, 1e100],
    "with an outcome of weight zero": [1e-30, 1.0, 2.0],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_starts(family):
    """Starts lie inside the parameters' supports, and every row is possible under them."""
    samples = {name: np.array(values) for name, values in UGLY.items()}
    if family().support.holds_lower:
        samples |= {"zeros": np.zeros(3), "some zeros": np.array([0.0, 0.0, 1.0])}
    for name, values in samples.items():
        weights = np.ones(values.size)
        weights[0] = 0.0 if "zero" in name and values.size > 2 else 1.0
        starts = family().starts(values, weights)
        assert 1 <= len(starts) <= 4
        for start in starts:
            assert set(start) == set(family.canonical)
            for key, number in start.items():
                assert bool(family.canonical[key].contains(number)), (name, start)
                assert math.isfinite(number), (name, start)
            density = family(**start).log_density(values[weights > 0])
            assert np.isfinite(density).all(), (name, start)


def test_starts_are_near_the_truth():
    """Within 20 % of the parameters that 5,000 rows were drawn from."""
    for family in FAMILIES:
        for parameters in PARAMETERS[family][:1]:
            x = family(**parameters).sample(11, 5_000)
            start = family().starts(x, np.ones(x.size))[0]
            for name, value in parameters.items():
                # a Gompertz's shape comes from a grid, in units of 1/mean
                allowed = 1.0 / x.mean() if (family, name) == (Gompertz, "shape") else 0.0
                allowed += 0.6 * value if family is Gompertz else 0.2 * abs(value)
                assert abs(start[name] - value) <= allowed, (family, parameters, start)


def _estimate(family, x, pinned=None, origin=None):
    origin = float(np.median(x)) if origin is None else origin
    with float64():
        statistics = family().statistics(jnp.asarray(x), jnp.asarray(origin))
        means = [float(np.mean(t)) for t in statistics]
    return family().closed_form(means, origin, pinned or {})


def test_closed_forms():
    """Estimates from mean statistics against the textbooks' formulas in mpmath."""
    rows = [0.2, 1.3, 4.5, 0.9, 2.2]
    x, exact = np.array(rows), [mp.mpf(v) for v in rows]
    mean = mp.fsum(exact) / 5
    square = mp.fsum(v * v for v in exact) / 5
    logs = [mp.log(v) for v in exact]
    loc = mp.fsum(logs) / 5
    scale = mp.sqrt(mp.fsum((v - loc) ** 2 for v in logs) / 5)
    harmonic = mp.fsum(1 / v for v in exact) / 5

    def check(family, expected, **pinned):
        got = _estimate(family, x, pinned)
        assert dict(got) == pytest.approx({k: float(v) for k, v in expected.items()}, rel=1e-13)

    check(Exponential, {"rate": 1 / mean})
    check(Rayleigh, {"scale": mp.sqrt(square / 2)})
    check(HalfNormal, {"scale": mp.sqrt(square)})
    check(LogNormal, {"loc": loc, "scale": scale})
    check(LogNormal, {"loc": loc, "scale": 0.3}, scale=0.3)
    about = mp.sqrt(mp.fsum((v - mp.mpf(0.1)) ** 2 for v in logs) / 5)
    check(LogNormal, {"loc": 0.1, "scale": about}, loc=0.1)
    check(InverseGaussian, {"mean": mean, "shape": 1 / (harmonic - 1 / mean)})
    check(InverseGaussian, {"mean": mean, "shape": 2.0}, shape=2.0)
    at = mp.fsum((v - mp.mpf(1.5)) ** 2 / (mp.mpf(1.5) ** 2 * v) for v in exact) / 5
    check(InverseGaussian, {"mean": 1.5, "shape": 1 / at}, mean=1.5)
    check(Gamma, {"shape": 2.0, "rate": 2 / mean}, shape=2.0)
    check(InverseGamma, {"shape": 2.0, "scale": 2 / harmonic}, shape=2.0)
    assert _estimate(Gamma, x) is None
    assert _estimate(Gamma, x, {"rate": 1.0}) is None
    assert _estimate(LogNormal, np.array([2.0, 2.0]), origin=2.0) is None
    assert _estimate(InverseGaussian, np.array([2.0, 2.0]), origin=2.0) is None
    assert _estimate(Exponential, np.zeros(2)) is None
    assert _estimate(HalfNormal, np.zeros(2)) is None


@pytest.mark.parametrize("spread", [1e-6, 30.0])
def test_inverse_gaussian_estimate_of_a_narrow_and_a_wide_sample(spread):
    """1/shape = mean(1/x) − 1/mean cancels for a narrow sample; the statistics keep its digits."""
    logs = np.linspace(-1.0, 1.0, 9) * spread
    rows = (3.0 * np.exp(logs)).tolist()
    exact = [mp.mpf(v) for v in rows]
    mean = mp.fsum(exact) / 9
    shape = 1 / (mp.fsum(1 / v for v in exact) / 9 - 1 / mean)
    for origin in (rows[4], rows[6]):
        got = _estimate(InverseGaussian, np.array(rows), origin=origin)
        assert got["mean"] == pytest.approx(float(mean), rel=1e-13)
        # (x − origin)² to its last digits; origin's offset of a spread costs one digit
        assert got["shape"] == pytest.approx(float(shape), rel=1e-8 if spread < 1 else 1e-12)


def test_caution_for_a_defective_gompertz():
    caution = Gompertz().caution({"shape": np.array([-0.5]), "rate": np.array([0.2])})
    assert caution is not None
    assert "0.67 never fails" in caution.text  # exp(−0.4) = 0.6703
    assert not caution.no_maximum
    assert Gompertz().caution({"shape": np.array([0.5]), "rate": np.array([0.2])}) is None
