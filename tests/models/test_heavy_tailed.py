"""The families with power tails against mpmath (60 digits), over their whole range."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

from kullback._core.arrays import float64
from kullback.models.positive.burr import Burr
from kullback.models.positive.exponential import Exponential
from kullback.models.positive.log_logistic import LogLogistic
from kullback.models.positive.lomax import Lomax
from kullback.models.positive.pareto import Pareto
from kullback.models.positive.weibull import Weibull


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


def _softplus(z):
    """log(1 + e^z): mpmath's exponential of a huge number would need as many digits."""
    return z if z > 1e6 else mp.log1p(mp.exp(z))


def _burr_z(x, shape2, scale):
    return shape2 * mp.log(x / scale)


# ---- the formulas, as the textbooks write them, in mpmath ----------------------------------------

DENSITIES = {
    Pareto: lambda x, shape, minimum: (
        mp.log(shape) + shape * mp.log(minimum) - (shape + 1) * mp.log(x)
    ),
    Lomax: lambda x, shape, scale: mp.log(shape / scale) - (shape + 1) * mp.log1p(x / scale),
    LogLogistic: lambda x, shape, scale: (
        mp.log(shape / x) + _burr_z(x, shape, scale) - 2 * _softplus(_burr_z(x, shape, scale))
    ),
    Burr: lambda x, shape1, shape2, scale: (
        mp.log(shape1 * shape2 / x)
        + _burr_z(x, shape2, scale)
        - (shape1 + 1) * _softplus(_burr_z(x, shape2, scale))
    ),
}
HAZARDS = {
    Pareto: lambda x, shape, minimum: shape * mp.log(x / minimum),
    Lomax: lambda x, shape, scale: shape * mp.log1p(x / scale),
    LogLogistic: lambda x, shape, scale: _softplus(_burr_z(x, shape, scale)),
    Burr: lambda x, shape1, shape2, scale: shape1 * _softplus(_burr_z(x, shape2, scale)),
}
# The first two sets of each family are tame, with a variance: those of moments and samples.
PARAMETERS = {
    Pareto: [
        {"shape": a, "minimum": m}
        for a, m in [(5.5, 0.7), (9.0, 3.0), (1e-6, 1.0), (0.02, 1e8), (1e4, 1e-6), (1e8, 0.3)]
    ],
    Lomax: [
        {"shape": a, "scale": s}
        for a, s in [(5.5, 0.7), (9.0, 3.0), (1e-6, 1.0), (0.02, 1e8), (1e4, 1e-6), (1e8, 3e8)]
    ],
    LogLogistic: [
        {"shape": k, "scale": s}
        for k, s in [(5.5, 0.7), (9.0, 3.0), (1e-6, 1.0), (0.02, 1e8), (1e4, 1e-6), (1e8, 0.3)]
    ],
    Burr: [
        {"shape1": a, "shape2": c, "scale": s}
        for a, c, s in [(1.5, 4.0, 0.7), (8.0, 0.9, 3.0), (1e-6, 2.0, 1.0), (1e8, 0.6, 1e3),
                        (1e-3, 1e4, 0.3), (50.0, 1e-3, 1e-6), (0.7, 1e8, 3.0)]
    ],
}  # fmt: skip
FAMILIES = list(PARAMETERS)


def points(model):
    """Outcomes from the far lower to the far upper tail, and beyond where doubles allow."""
    u = np.array([1e-300, 1e-100, 1e-20, 1e-6, 0.02, 0.3, 0.5, 0.7, 0.99, 1 - 1e-12])
    x = model.quantile(u)
    x = x[(x > 1e-300) & (x < 1e300)]
    if x.size == 0:  # a shape of 1e-6 spreads them far beyond the doubles
        x = np.array([1e-299, 1e-100, 1.0, 1e100, 1e299])
    further = x[-1] * np.array([1.5, 1e3, 1e100]) if x[-1] < 1e199 else np.zeros(0)
    x = np.unique(np.concatenate([x, further, x[0] * np.array([0.5, 1e-3])]))
    if isinstance(model, Pareto):
        x = np.append(x[x > model.params["minimum"]], np.nextafter(model.params["minimum"], 1e300))
    return x[(x > 1e-300) & (x < 1e300)]


def exactly(parameters):
    return {name: mp.mpf(value) for name, value in parameters.items()}


@pytest.mark.parametrize("family", FAMILIES)
def test_log_density(family):
    """Within 1e-12 of mpmath, relative, or absolute where the value is below one."""
    for parameters in PARAMETERS[family]:
        model = family(**parameters)
        x = points(model)
        for v, got in zip(x.tolist(), model.log_density(x), strict=True):
            e = DENSITIES[family](mp.mpf(v), **exactly(parameters))
            assert abs(mp.mpf(float(got)) - e) <= 1e-12 * max(abs(e), 1), (parameters, v)


@pytest.mark.parametrize("family", FAMILIES)
def test_tails(family):
    """Both logarithms within 1e-12 of mpmath, relative also where they are near zero."""
    for parameters in PARAMETERS[family]:
        model = family(**parameters)
        x = points(model)
        for v, lower, upper in zip(
            x.tolist(), model.log_cdf(x), model.log_survival(x), strict=True
        ):
            hazard = HAZARDS[family](mp.mpf(v), **exactly(parameters))
            assert abs(mp.mpf(float(upper)) + hazard) <= 1e-12 * hazard + 1e-300, (parameters, v)
            if hazard > 1e6:
                assert lower == 0.0
                continue
            expected = mp.log(-mp.expm1(-hazard)) if hazard < 1 else mp.log1p(-mp.exp(-hazard))
            # for a large hazard the log cdf is −exp(−hazard), with its absolute error
            tolerance = 1e-12 + 1e-15 * min(hazard, 1e4)
            error = abs(mp.mpf(float(lower)) - expected)
            assert error <= tolerance * abs(expected) + 1e-300, (parameters, v)


@pytest.mark.parametrize("family", FAMILIES)
def test_edges_of_the_support(family):
    model = family(**PARAMETERS[family][0])
    least = model.params["minimum"] if family is Pareto else 0.0
    assert model.log_density([-1.0, 0.5 * least - 1e-9, np.inf]).tolist() == [-np.inf] * 3
    assert model.log_cdf([-1.0, least, np.inf]).tolist() == [-np.inf, -np.inf, 0.0]
    assert model.log_survival([-1.0, least, np.inf]).tolist() == [0.0, 0.0, -np.inf]
    assert model.quantile([0.0, 1.0]).tolist() == [least, np.inf]
    if family in (Pareto, Lomax):  # the density's greatest value, at its left end
        at = math.log(5.5 / 0.7)
        assert model.log_density(least) == pytest.approx(at, rel=1e-15)
    else:
        assert model.log_density(0.0) == -np.inf


@pytest.mark.parametrize("family", FAMILIES)
def test_quantiles(family):
    """The distribution function at a quantile gives the probability back."""
    u = np.array([1e-30, 1e-5, 0.1, 0.5, 0.9, 1 - 1e-9])
    for parameters in PARAMETERS[family][:2]:
        model = family(**parameters)
        x, v = model.quantile(u), u
        if family is Pareto:  # below, x is the minimum to the last digits
            x, v = x[1:], v[1:]
        for log_tail, log_u in [
            (model.log_cdf(x), np.log(v)),
            (model.log_survival(x), np.log1p(-v)),
        ]:
            # a rounding of x moves log cdf by x q(x)/cdf(x) times it
            slope = np.exp(np.log(x) + model.log_density(x) - log_tail)
            assert np.all(np.abs(log_tail - log_u) <= 1e-14 * np.abs(log_u) + 1e-14 * (1 + slope))


def test_statistics_of_a_pareto():
    """The affine form from any origin gives the log-density."""
    x = np.array([0.7, 0.7000001, 1.0, 3.0, 1e30])
    exact = Pareto(shape=5.5, minimum=0.7).log_density(x)
    with float64():
        numbers = {"shape": jnp.asarray(5.5), "minimum": jnp.asarray(0.7)}
        for origin in (0.7, 1.0, 1e3):
            t = Pareto().statistics(jnp.asarray(x), jnp.asarray(origin))
            got = Pareto().log_density_of(t, jnp.asarray(origin), numbers)
            # terms of 5.5 · log(1e30) = 380 are added, each to a rounding
            np.testing.assert_allclose(np.asarray(got), exact, rtol=0, atol=4e-13)


def _derivatives(family, x, at):
    """Score and Hessian by mpmath's differences, at 60 digits good to 1e-20."""
    names, d = list(family.default_parameters), len(at)

    def f(*numbers):
        return DENSITIES[family](mp.mpf(x), **dict(zip(names, numbers, strict=True)))

    unit = np.eye(d, dtype=int)
    first = np.array([float(mp.diff(f, tuple(at), tuple(unit[i].tolist()))) for i in range(d)])
    second = np.empty((d, d))
    for i in range(d):
        for j in range(i + 1):
            orders = tuple((unit[i] + unit[j]).tolist())
            second[i, j] = second[j, i] = float(mp.diff(f, tuple(at), orders))
    return first, second


@pytest.mark.parametrize("family", FAMILIES)
def test_derivatives(family):
    """Scores and second derivatives: mpmath's at tame parameters, finite at all others."""
    names = list(family.default_parameters)
    rows, expected = [], []
    for i, parameters in enumerate(PARAMETERS[family]):
        x = points(family(**parameters)).tolist()
        if i < 2:  # the scale itself is where z = 0: a kink, if the formulas had one
            x.append(parameters.get("scale", 5.0))
        for v in x:
            rows.append([v, *parameters.values()])
            exact = list(exactly(parameters).values())
            expected.append(_derivatives(family, v, exact) if i < 2 else None)

    def log_density(x, numbers):
        return family().row_log_density(x, dict(zip(names, numbers, strict=True)))

    def both(row):
        score = jax.jacfwd(log_density, argnums=1)
        return score(row[0], row[1:]), jax.jacfwd(score, argnums=1)(row[0], row[1:])

    with float64():
        first, second = (np.asarray(a) for a in jax.jit(jax.vmap(both))(jnp.asarray(rows)))
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    for k, reference in enumerate(expected):
        if reference is not None:
            for got, e in zip((first[k], second[k]), reference, strict=True):
                # a few roundings of the largest entry's terms
                np.testing.assert_allclose(got, e, rtol=0, atol=1e-12 * np.abs(e).max())


SCIPY = {
    Pareto: lambda shape, minimum: scipy.stats.pareto(shape, scale=minimum),
    Lomax: lambda shape, scale: scipy.stats.lomax(shape, scale=scale),
    LogLogistic: lambda shape, scale: scipy.stats.fisk(shape, scale=scale),
    Burr: lambda shape1, shape2, scale: scipy.stats.burr12(shape2, shape1, scale=scale),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_moments_and_samples(family):
    """Moments are SciPy's (its quadrature's 1e-8 where it integrates); samples have them."""
    for parameters in PARAMETERS[family][:2]:
        model, other = family(**parameters), SCIPY[family](**parameters)
        assert model.mean() == pytest.approx(other.mean(), rel=1e-8)
        assert model.variance() == pytest.approx(other.var(), rel=1e-7)
        assert model.entropy() == pytest.approx(float(other.entropy()), rel=1e-7, abs=1e-7)
        x = model.sample(40_000, seed=3)
        assert x.mean() == pytest.approx(model.mean(), abs=5 * math.sqrt(model.variance()) / 200)
        # five standard errors of a share of 1/4
        quarter = np.mean(x < other.ppf(0.25))
        assert quarter == pytest.approx(0.25, abs=5 * math.sqrt(0.1875) / 200)


def test_moments_at_the_edge_and_at_extreme_parameters():
    """Infinite where the integral diverges; mpmath's value where the textbooks' formula cancels."""
    for model in (
        Pareto(shape=1.0, minimum=2.0),
        Lomax(shape=1.0, scale=2.0),
        LogLogistic(shape=1.0, scale=2.0),
        Burr(shape1=0.5, shape2=2.0, scale=2.0),
    ):
        assert model.mean() == math.inf
        assert model.variance() == math.inf
    for model in (
        Pareto(shape=2.0, minimum=2.0),
        Lomax(shape=2.0, scale=2.0),
        LogLogistic(shape=2.0, scale=2.0),
        Burr(shape1=1.0, shape2=2.0, scale=2.0),
    ):
        assert math.isfinite(model.mean())
        assert model.variance() == math.inf
    for shape1, shape2 in [
        (1.0, 2.001),
        (1.0, 1e3),
        (1.0, 1e8),
        (0.01, 1e3),
        (1e8, 0.5),
        (40.0, 0.06),
    ]:
        a, e = mp.mpf(shape1), 1 / mp.mpf(shape2)
        mean = a * mp.beta(a - e, 1 + e)
        variance = a * mp.beta(a - 2 * e, 1 + 2 * e) - mean**2
        model = Burr(shape1=shape1, shape2=shape2, scale=1.0)
        assert model.mean() == pytest.approx(float(mean), rel=1e-11)
        # at (1, 2.001) the second moment is near its pole: 1/shape2's rounding counts 1,000 times
        assert model.variance() == pytest.approx(float(variance), rel=1e-11)
    assert LogLogistic(shape=1e8, scale=1.0).variance() == pytest.approx(
        float(mp.pi**2 / 3 * mp.mpf(10) ** -16), rel=1e-12
    )


def test_limits_are_reached():
    """With the first shape at 1e9 and the scale grown along, both are a part in 1e9 from there."""
    x = np.array([0.1, 1.0, 4.0])
    exponential = Exponential(rate=0.5).log_density(x)
    np.testing.assert_allclose(Lomax(shape=1e9, scale=2e9).log_density(x), exponential, rtol=1e-7)
    weibull = Weibull(shape=1.5, scale=2.0).log_density(x)
    burr = Burr(shape1=1e9, shape2=1.5, scale=2.0 * 1e6)  # (1e9)^(1/1.5) = 1e6
    np.testing.assert_allclose(burr.log_density(x), weibull, rtol=1e-7)
    pareto = Pareto(shape=3.0, minimum=0.05).log_density(x)
    steep = Burr(shape1=3e-9, shape2=1e9, scale=0.05)
    np.testing.assert_allclose(steep.log_density(x), pareto, rtol=1e-7)
    assert dict(Lomax().limits) == {"shape": "Exponential"}
    assert dict(Burr().limits) == {"shape1": "Weibull", "shape2": "Pareto"}


UGLY = {
    "two rows": [1.0, 2.0],
    "constant": [3.0, 3.0, 3.0],
    "nearly constant": [3.0, 3.0, np.nextafter(3.0, 4.0)],
    "mostly tied": [3.0, 3.0, 3.0, 3.0, 7.0],
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
        weights[0] = 0.0 if "zero" in name else 1.0
        starts = family().starts(values, weights)
        assert 1 <= len(starts) <= 4
        for start in starts:
            assert set(start) == set(family.default_parameters)
            for key, number in start.items():
                assert bool(family.default_parameters[key].contains(number)), (name, start)
                assert math.isfinite(number), (name, start)
            density = family(**start).log_density(values[weights > 0])
            assert np.isfinite(density).all(), (name, start)


def test_starts_are_near_the_truth():
    """From 5,000 rows: the best start's cross-entropy is within 0.02 nats of the truth's."""
    for family in FAMILIES:
        for parameters in PARAMETERS[family][:2]:
            model = family(**parameters)
            x = model.sample(5_000, seed=11)
            losses = [
                -family(**s).log_density(x).mean() for s in family().starts(x, np.ones(x.size))
            ]
            assert min(losses) <= -model.log_density(x).mean() + 0.02, (family, parameters)


def test_closed_form_of_a_pareto():
    """1/shape is the mean of log(x/minimum)."""
    x = np.array([1.0, 2.0, 8.0])
    with float64():
        (t,) = Pareto().statistics(jnp.asarray(x), jnp.asarray(2.0))
        means = [float(np.mean(t))]
    got = Pareto().closed_form(means, 2.0, {"minimum": 0.5})
    assert dict(got) == pytest.approx(
        {"shape": 3 / math.log(2 * 4 * 16), "minimum": 0.5}, rel=1e-14
    )
    assert Pareto().closed_form(means, 2.0, {}) is None
    assert Pareto().closed_form([0.0], 2.0, {"minimum": 2.0}) is None  # constant: no maximum
