"""The families of extremes against mpmath (50 digits), through shape zero and at their ends."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback._core.arrays import float64
from kullback.models.positive.generalized_pareto import GeneralizedPareto
from kullback.models.real.generalized_extreme_value import GeneralizedExtremeValue
from kullback.models.real.gumbel import Gumbel


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(50):
        yield


SHAPES = [0.0, 1e-12, -1e-12, 1e-6, -1e-6, 0.01, -0.01, 0.249, 0.5, -0.5, 1.0, -1.0, 5.0, -5.0]
POINTS = [-6.0, -3.0, -1.3, -0.9, -0.19, -1e-10, 0.0, 1e-12, 0.1, 0.19, 0.9, 3.0, 30.0, 700.0, 1e6]
HEAVY = [1e50, 1e100, 1e150]


# ---- the formulas, as the textbooks write them, in mpmath ----------------------------------------


def _reduced(shape, z):
    """log(1 + ξz)/ξ, or None where the outcome is impossible."""
    shape, z = mp.mpf(shape), mp.mpf(z)
    if shape == 0:
        return z
    return mp.log1p(shape * z) / shape if 1 + shape * z > 0 else None


def _log_of_complement(log_p):
    """log(1 − p), given log p."""
    return mp.log(-mp.expm1(log_p)) if log_p > -1e-3 else mp.log1p(-mp.exp(log_p))


def _maximum(shape, z):
    """Log-density, log cdf and log survival of the generalised extreme value distribution."""
    y = _reduced(shape, z)
    if y is None:
        return (-mp.inf, -mp.inf, mp.mpf(0)) if z < 0 else (-mp.inf, mp.mpf(0), -mp.inf)
    hazard = mp.exp(-y)
    # e^−hazard beyond this would need as many digits; it is 0 as a double
    survival = mp.mpf(0) if hazard > 1e4 else _log_of_complement(-hazard)
    return -(1 + mp.mpf(shape)) * y - hazard, -hazard, survival


def _exceedance(shape, z):
    """The same of the generalised Pareto distribution."""
    if z < 0:
        return -mp.inf, -mp.inf, mp.mpf(0)
    y = _reduced(shape, z)
    if y is None:
        return -mp.inf, mp.mpf(0), -mp.inf
    if y == 0:
        return mp.mpf(0), -mp.inf, mp.mpf(0)
    cdf = mp.mpf(0) if y > 1e4 else _log_of_complement(-y)
    return -(1 + mp.mpf(shape)) * y, cdf, -y


ORACLES = {
    "GeneralizedExtremeValue": _maximum,
    "GeneralizedPareto": _exceedance,
    "Gumbel": _maximum,
}
FAMILIES = {f.__name__: f for f in (GeneralizedExtremeValue, GeneralizedPareto, Gumbel)}


def _model(name, shape, scale=1.0, loc=0.0):
    shapes = {} if name == "Gumbel" else {"shape": shape}
    return FAMILIES[name](loc=loc, scale=scale, **shapes)


def _relative_error(got, want):
    """Largest |got − want|/|want|; absolute where the true value is below the smallest double."""
    errors = []
    for g, w in zip(got, want, strict=True):
        if mp.isinf(w):
            errors.append(0.0 if g == float(w) else math.inf)
        else:
            errors.append(abs(g) if abs(w) < 1e-307 else float(abs(mp.mpf(float(g)) - w) / abs(w)))
    return max(errors)


CASES = [("Gumbel", 0.0), *((name, shape) for name in list(FAMILIES)[:2] for shape in SHAPES)]


@pytest.mark.parametrize(("name", "shape"), CASES)
def test_density_and_tails_against_mpmath(name, shape):
    # the last digits before an end at −1/ξ are z's own; these are 1/2 and 1e-3 away from it
    ends = [-(1.0 - away) / shape for away in (0.5, 1e-3)] if abs(shape) > 0.1 else []
    z = np.array([*POINTS, *(HEAVY if shape > 0.1 else []), *ends])
    z = z[np.abs(1.0 + shape * z) > 1e-6]  # −1/ξ itself is rounded
    want = [ORACLES[name](shape, float(value)) for value in z]
    model = _model(name, shape)
    for k, got in enumerate((model.log_density(z), model.log_cdf(z), model.log_survival(z))):
        # 1e-12: the brief's bar; where e^−y with y = −450 stands in the value, 450 roundings of y
        assert _relative_error(got, [row[k] for row in want]) < 1e-12


def test_impossible_rows_are_exactly_impossible():
    for name in ("GeneralizedExtremeValue", "GeneralizedPareto"):
        upper = _model(name, -0.5)  # ends at 2
        np.testing.assert_array_equal(upper.log_density([2.0, 2.5, 1e300]), -np.inf)
        np.testing.assert_array_equal(upper.log_cdf([2.0, 2.5]), 0.0)
        np.testing.assert_array_equal(upper.log_survival([2.0, 2.5]), -np.inf)
        lower = _model(name, 0.5)
        np.testing.assert_array_equal(lower.log_density([-2.0, -2.5, -1e300]), -np.inf)
        np.testing.assert_array_equal(lower.log_cdf([-2.0, -2.5]), -np.inf)
        np.testing.assert_array_equal(lower.log_survival([-2.0, -2.5]), 0.0)
    assert GeneralizedPareto(scale=2.0, shape=0.5).log_density(0.0) == pytest.approx(-math.log(2.0))


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("shape", [0.0, 1e-9, 0.4, -0.4])
def test_quantiles_invert_both_tails(name, shape):
    model = _model(name, shape, 2.0)
    u = np.array([1e-300, 1e-20, 1e-3, 0.2, 0.3, 0.5, 0.51, 0.75, 0.9, 1.0 - 1e-10])
    x = model.quantile(u)
    low = u <= 0.5
    # 1e-12: a rounding of x moves a bounded family's far tail by its distance to the end
    np.testing.assert_allclose(model.log_cdf(x)[low], np.log(u[low]), rtol=1e-12)
    np.testing.assert_allclose(model.log_survival(x)[~low], np.log1p(-u[~low]), rtol=1e-12)
    ends = model.quantile([0.0, 1.0])
    if name == "GeneralizedPareto":
        assert ends[0] == 0.0
    elif name == "Gumbel" or shape <= 0.0:
        assert ends[0] == -np.inf
    else:
        assert ends[0] == pytest.approx(-2.0 / shape)
    upper = np.inf if name == "Gumbel" or shape >= 0.0 else -2.0 / shape
    assert ends[1] == pytest.approx(upper)


# ---- moments and draws ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [0.0, 1e-12, -1e-9, 1e-4, -0.04, 0.049, 0.051, -0.06, 0.3, -0.5, -5.0]
)
def test_moments_against_mpmath(shape):
    xi = mp.mpf(shape)
    if shape == 0.0:
        mean, variance = mp.euler, mp.pi**2 / 6
    else:
        first, second = mp.gamma(1 - xi), mp.gamma(1 - 2 * xi)
        mean, variance = (first - 1) / xi, (second - first**2) / xi**2
    model = GeneralizedExtremeValue(loc=1.0, scale=2.0, shape=shape)
    # 1e-12: away from zero, ln Γ(1 − 2ξ) − 2 ln Γ(1 − ξ) loses two digits
    assert model.mean() == pytest.approx(float(1 + 2 * mean), rel=1e-13)
    assert model.variance() == pytest.approx(float(4 * variance), rel=1e-12)
    assert model.entropy() == pytest.approx(
        float(mp.log(2) + mp.euler * xi + mp.euler + 1), rel=1e-14
    )
    pareto = GeneralizedPareto(scale=2.0, shape=shape)
    assert pareto.mean() == pytest.approx(2.0 / (1.0 - shape), rel=1e-15)
    assert pareto.variance() == pytest.approx(
        4.0 / (1.0 - shape) ** 2 / (1.0 - 2.0 * shape), rel=1e-14
    )
    # the entropy is −E log q = log 2 + (1 + ξ) E y, with y standard exponential
    assert pareto.entropy() == pytest.approx(math.log(2.0) + 1.0 + shape, rel=1e-15)


def test_moments_of_heavy_tails_are_infinite():
    for family in (GeneralizedExtremeValue, GeneralizedPareto):
        model = family(loc=0.0, scale=1.0, shape=0.7)
        assert math.isfinite(model.mean())
        assert model.variance() == math.inf
        assert family(loc=0.0, scale=1.0, shape=1.0).mean() == math.inf


def test_gumbel_moments_against_scipy():
    model, other = Gumbel(loc=1.0, scale=2.0), scipy.stats.gumbel_r(1.0, 2.0)
    assert model.mean() == pytest.approx(other.mean(), rel=1e-14)
    assert model.variance() == pytest.approx(other.var(), rel=1e-14)
    assert model.entropy() == pytest.approx(other.entropy(), rel=1e-14)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("shape", [0.0, 0.6, -0.4])
def test_draws_follow_the_distribution(name, shape):
    model = _model(name, shape, 3.0, 2.0)
    n = 10_000
    draws = np.sort(model.sample(n, seed=1))
    u = model.cdf(draws)
    # Kolmogorov–Smirnov: √n D exceeds 2.2 with probability 1e-4, and the seed is fixed
    distance = max(np.max(np.arange(1, n + 1) / n - u), np.max(u - np.arange(n) / n))
    assert math.sqrt(n) * distance < 2.2


# ---- derivatives ---------------------------------------------------------------------------------


def _derivatives(family, x, parameters):
    """Value, scores and Hessians in the parameters, one compilation for all rows."""
    names = list(family.default_parameters)

    def one(x, theta):
        return family._log_density(x, **dict(zip(names, theta, strict=True)))

    both = jax.vmap(lambda x, t: (one(x, t), jax.grad(one, 1)(x, t), jax.hessian(one, 1)(x, t)))
    with float64():
        return [np.asarray(v) for v in jax.jit(both)(jnp.asarray(x), jnp.asarray(parameters))]


def _rows(name, cases):
    """Parameters (loc, scale, shape) in the family's order."""
    order = [["loc", "scale", "shape"].index(n) for n in FAMILIES[name].default_parameters]
    return np.array([c[0] for c in cases]), np.array([[c[1 + k] for k in order] for c in cases])


@pytest.mark.parametrize("name", FAMILIES)
def test_scores_and_hessians_against_mpmath(name):
    shapes = [0.0] if name == "Gumbel" else [0.0, 1e-12, -1e-8, 0.1, -0.2, 0.45, 3.0]
    cases = [(x, 1.0, 2.0, shape) for shape in shapes for x in (1.3, 2.1, 9.0)]
    x, parameters = _rows(name, cases)
    value, score, hessian = _derivatives(FAMILIES[name], x, parameters)
    names = list(FAMILIES[name].default_parameters)

    def exact(x, theta):
        at = dict(zip(names, theta, strict=True))
        z, shape = (x - at["loc"]) / at["scale"], at.get("shape", mp.mpf(0))
        y = z if shape == 0 else mp.log1p(shape * z) / shape
        hazard = mp.mpf(0) if name == "GeneralizedPareto" else mp.exp(-y)
        return -(1 + shape) * y - hazard - mp.log(at["scale"])

    for row, (point, theta) in enumerate(zip(x, parameters, strict=True)):
        k = len(names)
        at = tuple(mp.mpf(float(t)) for t in theta)
        unit = [tuple(int(i == j) for i in range(k)) for j in range(k)]

        def along(*t, point=float(point)):
            return exact(mp.mpf(point), t)

        first = [float(mp.diff(along, at, n)) for n in unit]
        second = [
            [
                float(mp.diff(along, at, tuple(p + q for p, q in zip(a, b, strict=True))))
                for b in unit
            ]
            for a in unit
        ]
        # 1e-12 and 1e-11: the quotient log(1 + ξz)/ξ beside |ξz| = 1/4 loses a digit a derivative
        np.testing.assert_allclose(value[row], float(exact(mp.mpf(float(point)), at)), rtol=1e-13)
        np.testing.assert_allclose(score[row], first, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(hessian[row], second, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_derivatives_are_finite_where_the_density_is(name):
    shapes = [0.0] if name == "Gumbel" else [0.0, 1e-12, -1e-12, 0.5, -0.5, 5.0, -5.0]
    cases = [
        (x, 1.0, scale, shape)
        for shape in shapes
        for scale in (1e-9, 1.0, 1e12)
        for x in (0.0, 1.0, 1.1, 3.0, 1e5, 1e12, 1e90)  # at shape 0 the Hessian is of the order z³
    ]
    value, score, hessian = _derivatives(FAMILIES[name], *_rows(name, cases))
    finite = np.isfinite(value)
    assert finite.sum() > 0.4 * finite.size
    assert np.all(np.isfinite(score[finite]))
    assert np.all(np.isfinite(hessian[finite]))
    # an impossible row (unlike one whose density underflows) must not spoil a sum by NaN either
    x, loc, scale, shape = np.array(cases).T
    impossible = 1.0 + shape * ((x - loc) / scale) <= 0.0
    assert np.all(value[impossible] == -np.inf)
    assert np.all(np.isfinite(score[impossible]))
    assert np.all(np.isfinite(hessian[impossible]))


def test_tails_are_differentiable():
    """A censored row's derivatives are finite, also where the shape makes it certain."""
    names = ["loc", "scale", "shape"]
    cases = [
        (x, [1.0, 2.0, s]) for x in (-40.0, -2.0, 0.0, 1.5, 9.0, 1e4) for s in (0.0, 0.4, -0.4)
    ]
    x, theta = (np.array(v) for v in zip(*cases, strict=True))
    for family in (GeneralizedExtremeValue, GeneralizedPareto):

        def both(x, t, family=family):
            at = dict(zip(names, t, strict=True))
            return jnp.stack([family._log_survival(x, **at), family._log_cdf(x, **at)])

        with float64():
            value = np.asarray(jax.jit(jax.vmap(both))(jnp.asarray(x), jnp.asarray(theta)))
            second = jax.jit(jax.vmap(lambda x, t, f=both: jax.jacfwd(jax.jacfwd(f, 1), 1)(x, t)))
            hessian = np.asarray(second(jnp.asarray(x), jnp.asarray(theta)))
        assert np.all(np.isfinite(hessian[np.isfinite(value)]))


# ---- starts --------------------------------------------------------------------------------------

UGLY = {
    "two rows": [1.0, 2.0],
    "constant": [5.0] * 6,
    "constant zero": [0.0] * 6,
    "mostly ties": [1.0] * 20 + [2.0, 3.0],
    "huge": [1e12, 1.5e12, 3e12, 1.1e12],
    "tiny": [1e-12, 2e-12, 3e-12, 0.0],
    "far from zero": [1e12 + k for k in range(10)],
    "an outlier above": [*np.linspace(1.0, 2.0, 60).tolist(), 1e15],
    "an outlier below": [*np.linspace(1.0, 2.0, 60).tolist(), -1e15],
    "bounded above": (1.0 - np.linspace(0.001, 1.0, 60) ** 3).tolist(),
    "heavy tail": np.tan(np.linspace(0.0, 1.57, 60)).tolist(),
}


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("data", UGLY)
@pytest.mark.parametrize("weighted", [False, True])
def test_starts_are_possible_on_ugly_data(name, data, weighted):
    family = FAMILIES[name]
    values = np.array(UGLY[data])
    weights = np.ones(values.size)
    if weighted:
        weights[-1] = 0.0  # a row that does not count
    starts = family._starts(values, weights)
    assert 1 <= len(starts) <= 4
    for start in starts:
        assert list(start) == list(family.default_parameters)
        model = family(**start)  # raises outside the parameters' supports
        seen = values[weights > 0.0]
        assert np.all(np.isfinite(model.log_density(seen)))
        assert np.mean(model.log_density(seen)) > -100.0  # and none absurdly bad
        assert -0.5 < start.get("shape", 0.0) < 0.5


@pytest.mark.parametrize("shape", [-0.3, 0.0, 0.3])
def test_starts_are_near_the_truth(shape):
    # the quantiles of the distribution itself stand for a sample; L-moments miss by little
    u = (np.arange(2000) + 0.5) / 2000.0
    x = scipy.stats.genextreme(-shape, loc=3.0, scale=2.0).ppf(u)  # SciPy's shape is −ξ
    start = GeneralizedExtremeValue._starts(x, np.ones(x.size))[0]
    np.testing.assert_allclose(
        [start["loc"], start["scale"], start["shape"]], [3.0, 2.0, shape], atol=0.05
    )
    y = scipy.stats.genpareto(shape, scale=2.0).ppf(u)
    start = GeneralizedPareto._starts(y, np.ones(y.size))[0]
    np.testing.assert_allclose([start["scale"], start["shape"]], [2.0, shape], atol=0.1)


# ---- cautions ------------------------------------------------------------------------------------

BOUNDED = [GeneralizedExtremeValue(), GeneralizedPareto(loc=-2.0)]


@pytest.mark.parametrize("model", BOUNDED, ids=lambda m: m.name)
def test_a_fit_below_shape_minus_one_has_no_maximum(model):
    # a density (−x)^(−1/2)/2 on (−1, 0), which is infinite at its upper end
    fit = kl.fit(model, -np.random.default_rng(12).power(0.5, 200))
    assert fit.params["shape"] < -1.0
    assert not fit.convergence.converged
    assert fit.convergence.reason == "no maximum: the likelihood is unbounded"
    (advice,) = fit.convergence.advice
    assert "The shape fell below −1, where the likelihood is unbounded" in advice
    assert "shape=kl.Param(lower=-0.5)" in advice


@pytest.mark.parametrize("model", BOUNDED, ids=lambda m: m.name)
def test_a_fit_between_minus_one_and_minus_a_half_is_irregular(model):
    # SciPy's quantiles stand for a sample; its genextreme's shape is −ξ
    peer = {
        "GeneralizedExtremeValue": scipy.stats.genextreme(0.7),
        "GeneralizedPareto": scipy.stats.genpareto(-0.7, loc=-2.0),
    }[model.name]
    fit = kl.fit(model, peer.ppf((np.arange(300) + 0.5) / 300.0))
    assert fit.params["shape"] == pytest.approx(
        -0.7, abs=0.02
    )  # a drawn sample's error is about 0.04
    assert fit.convergence.converged
    (advice,) = fit.convergence.advice
    assert "irregular" in advice
    assert "standard errors from the curvature are not valid" in advice


@pytest.mark.parametrize("model", BOUNDED, ids=lambda m: m.name)
def test_cautions_begin_below_minus_a_half_and_minus_one(model):
    def caution(shape):
        others = dict.fromkeys(model.parameters, np.ones(1))
        return model.caution({**others, "shape": np.array([shape])})

    assert caution(-0.5) is None
    heavy = caution(3.0)  # a limit of a search that did not end; a fit that converged has none
    assert heavy is None or heavy.unfinished
    assert not caution(-0.51).no_maximum
    assert not caution(-1.0).no_maximum
    assert caution(-1.01).no_maximum


def test_gamma_tails_where_the_product_underflows():
    """Small shapes reach outcomes whose product with the rate is below the range of doubles."""
    for shape, scale, x in ((1e-3, 2.0**-10, 1e307), (0.01, 2.0**-1000, 2.0**900)):
        with mp.workdps(40):  # mpmath's P at the exact product
            lower = mp.gammainc(mp.mpf(shape), 0, mp.mpf(scale) / mp.mpf(x), regularized=True)
        inverse = kl.InverseGamma(shape=shape, scale=scale)
        assert inverse.survival(x) == pytest.approx(float(lower), rel=1e-13)
        assert inverse.cdf(x) == pytest.approx(float(1 - lower), rel=1e-13)
        gamma = kl.Gamma(shape=shape, rate=scale)  # 1/x is exact, or rounded by 1e-16
        assert gamma.cdf(1.0 / x) == pytest.approx(float(lower), rel=1e-13)
        assert gamma.survival(1.0 / x) == pytest.approx(float(1 - lower), rel=1e-13)
