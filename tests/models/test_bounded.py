"""Beta and von Mises against mpmath (60 digits), over their whole range."""

import math

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.special
import scipy.stats

from kullback._core.arrays import float64
from kullback.models.bounded.beta import Beta
from kullback.models.bounded.von_mises import VonMises


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(60):
        yield


# ---- beta ----------------------------------------------------------------------------------------

SHAPES = [
    (1e-6, 1e-6),
    (1e-6, 1e8),
    (1e8, 1e-6),
    (0.01, 5.0),
    (0.5, 0.5),
    (1.0, 1.0),
    (2.0, 3.0),
    (1e3, 2e3),
    (1e8, 3.0),
    (0.5, 1e8),
    (1e8, 1e8),
]


def _log_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def _beta_log_density(x, a, b):
    return (a - 1) * mp.log(x) + (b - 1) * mp.log1p(-x) - _log_beta(a, b)


def _beta_points(a, b):
    mean = a / (a + b)
    sd = math.sqrt(mean * (1.0 - mean) / (a + b + 1.0))
    around = mean + sd * np.array([-5.0, -2.0, -0.5, 0.0, 0.5, 2.0, 5.0])
    x = np.array([1e-300, 1e-30, 1e-8, 0.1, 0.5, 0.9, 1.0 - 1e-8, 1.0 - 1e-15, *around])
    return x[(x > 0.0) & (x < 1.0)]


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_beta_density_against_mpmath(a, b):
    x = _beta_points(a, b)
    want = [_beta_log_density(mp.mpf(float(v)), mp.mpf(a), mp.mpf(b)) for v in x]
    got = Beta(alpha=a, beta=b).log_density(x)
    # relative to the value or to one: a log-density passes through zero
    errors = [abs(mp.mpf(float(g)) - w) / max(abs(w), 1) for g, w in zip(got, want, strict=True)]
    assert max(errors) < 1e-12


@pytest.mark.parametrize(("a", "b"), [(0.01, 5.0), (2.0, 3.0), (1e3, 2e3), (1e8, 1e8)])
def test_beta_statistics_give_the_log_density(a, b):
    x = _beta_points(a, b)
    with float64():
        origin = jnp.asarray(a / (a + b))
        t = Beta._statistics(jnp.asarray(x), origin)
        value = Beta._log_density_of(t, origin, jnp.asarray(a), jnp.asarray(b))
    # 1e-11: at alpha = beta = 1e8 and five standard deviations the two statistics, times 1e8,
    # are 3.5e4 each and cancel to 25
    np.testing.assert_allclose(value, Beta(alpha=a, beta=b).log_density(x), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize(("a", "b"), [s for s in SHAPES if max(s) < 1e4])
def test_beta_tails_against_mpmath(a, b):
    x = _beta_points(a, b)
    model = Beta(alpha=a, beta=b)
    got = {"cdf": model.log_cdf(x), "survival": model.log_survival(x)}
    for k, value in enumerate(x):
        point = mp.mpf(float(value))
        with mp.workdps(200 if max(a, b) > 100 else 60):
            lower = mp.betainc(a, b, 0, point, regularized=True)
            # from the other end, so that a survival of 1e-300 keeps its digits
            upper = mp.betainc(b, a, 0, 1 - point, regularized=True)
            cdf = mp.log(lower) if lower < 0.5 else mp.log1p(-upper)
            survival = mp.log(upper) if lower > 0.5 else mp.log1p(-lower)
        for name, want in (("cdf", cdf), ("survival", survival)):
            error = abs(mp.mpf(float(got[name][k])) - want)
            # 1e-12; a probability below the smallest double is zero in the other tail's logarithm
            assert error < 1e-12 * abs(want) + mp.mpf("1e-307"), (name, value)


def test_beta_quantiles_invert_both_tails():
    for a, b in ((0.3, 2.0), (30.0, 5.0)):
        model = Beta(alpha=a, beta=b)
        u = np.array([1e-300, 1e-20, 1e-3, 0.2, 0.5, 0.51, 0.9])
        x = model.quantile(u)
        # 1e-12: where x nears one, its rounding is what the survival can tell
        low = (u <= 0.5) & (x > 1e-300)
        np.testing.assert_allclose(model.log_cdf(x)[low], np.log(u[low]), rtol=1e-12)
        np.testing.assert_allclose(
            model.log_survival(x)[u > 0.5], np.log1p(-u[u > 0.5]), rtol=1e-12
        )
        np.testing.assert_array_equal(model.quantile([0.0, 1.0]), [0.0, 1.0])


@pytest.mark.parametrize(("a", "b"), SHAPES)
def test_beta_moments_against_mpmath(a, b):
    alpha, beta = mp.mpf(a), mp.mpf(b)
    total = alpha + beta
    entropy = (
        _log_beta(alpha, beta)
        - (alpha - 1) * mp.digamma(alpha)
        - (beta - 1) * mp.digamma(beta)
        + (total - 2) * mp.digamma(total)
    )
    model = Beta(alpha=a, beta=b)
    assert model.mean() == pytest.approx(float(alpha / total), rel=1e-14)
    variance = alpha * beta / total**2 / (total + 1)
    assert model.variance() == pytest.approx(float(variance), rel=1e-14)
    assert model.entropy() == pytest.approx(float(entropy), rel=1e-13, abs=1e-13)


def test_beta_by_mean_and_precision_is_the_same_distribution():
    x = np.linspace(0.05, 0.95, 7)
    by_shapes = Beta(alpha=1.5, beta=4.5).log_density(x)
    np.testing.assert_array_equal(Beta(mean=0.25, precision=6.0).log_density(x), by_shapes)
    np.testing.assert_allclose(by_shapes, scipy.stats.beta(1.5, 4.5).logpdf(x), rtol=1e-13)


def test_beta_estimates_in_closed_form_where_one_shape_is_one():
    x, origin = np.array([0.2, 0.5, 0.9]), 0.4
    means = [float(np.mean(np.log(x / origin))), float(np.mean(np.log((1 - x) / (1 - origin))))]
    by_alpha = Beta._estimate(means, origin, {"beta": 1.0})
    assert by_alpha == {"alpha": pytest.approx(-1.0 / np.mean(np.log(x))), "beta": 1.0}
    by_beta = Beta._estimate(means, origin, {"alpha": 1.0})
    assert by_beta == {"alpha": 1.0, "beta": pytest.approx(-1.0 / np.mean(np.log1p(-x)))}
    assert Beta._estimate(means, origin, {}) is None
    assert Beta._estimate(means, origin, {"alpha": 2.0}) is None


# ---- von Mises -----------------------------------------------------------------------------------

CONCENTRATIONS = [1e-6, 0.1, 1.0, 31.9, 32.1, 1e3, 1e6, 1e10]


def _bessel(kappa):
    """ln(e^−κ I₀(κ)) and I₁(κ)/I₀(κ)."""
    zero = mp.besseli(0, kappa)
    return mp.log(zero) - kappa, mp.besseli(1, kappa) / zero


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
def test_von_mises_density_is_periodic_and_right(kappa):
    model = VonMises(loc=0.5, concentration=kappa)
    near = min(1.0, kappa**-0.5)
    # differences from loc that are exact, or nearly: at κ = 1e10 a rounding of x moves the density
    x = 0.5 + np.array([-3.125, -2.0, -1.0, 0.0, 2.5, *(np.array([-8.0, -1.0, 0.5]) * near), 10.0])
    k, (log_scaled, _) = mp.mpf(kappa), _bessel(mp.mpf(kappa))
    want = [
        -2 * k * mp.sin((mp.mpf(float(v)) - mp.mpf("0.5")) / 2) ** 2
        - mp.log(2 * mp.pi)
        - log_scaled
        for v in x
    ]
    got = model.log_density(x)
    np.testing.assert_allclose(got, np.array(want, float), rtol=1e-13, atol=1e-14)
    # a turn further; 2π itself is rounded by 2.4e-16, and the slope of log q is at most κ
    np.testing.assert_allclose(
        model.log_density(x + 2.0 * math.pi), got, rtol=1e-13, atol=2e-15 * max(1.0, kappa)
    )


@pytest.mark.parametrize("kappa", [1e-6, 1.0, 50.0, 700.0])
def test_von_mises_tails_against_quadrature(kappa):
    model = VonMises(loc=0.0, concentration=kappa)
    angles = np.array([-3.0, -1.5, -0.25, 0.0, 0.5, 2.0])
    norm = -mp.log(2 * mp.pi) - _bessel(mp.mpf(kappa))[0]
    for angle, cdf, survival in zip(
        angles, model.log_cdf(angles), model.log_survival(angles), strict=True
    ):
        with mp.workdps(30):
            at = -abs(mp.mpf(float(angle)))

            def exponent(t):
                return -2 * kappa * mp.sin(t / 2) ** 2

            # relative to the near end, since mpmath's error is absolute, and towards it in
            # doublings, since the density falls by e^-κ a unit
            steps = [-mp.pi, *(at - (at + mp.pi) / 2**j for j in range(1, 14)), at]
            height = exponent(at)
            scaled = mp.quad(lambda t, h=height: mp.exp(exponent(t) - h), steps)
            tail = scaled * mp.exp(height + norm)
            small, large = mp.log(tail), mp.log1p(-tail)
        want = (small, large) if angle < 0 else (large, small)
        # 1e-12: the bar; a tail of e^-1400 has 1400 roundings of its own
        np.testing.assert_allclose([cdf, survival], [float(w) for w in want], rtol=1e-12)


def test_von_mises_distribution_lives_on_one_turn():
    model = VonMises(loc=1.0, concentration=2.0)
    outside = [1.0 - math.pi - 0.1, 1.0 + math.pi + 0.1]
    np.testing.assert_array_equal(model.cdf(outside), [0.0, 1.0])
    np.testing.assert_array_equal(model.survival(outside), [1.0, 0.0])
    u = np.array([1e-8, 1e-3, 0.3, 0.5, 0.9, 1.0 - 1e-3])
    np.testing.assert_allclose(
        model.cdf(model.quantile(u)), u, rtol=1e-7
    )  # u = 1e-8 is 1e-8 from −π
    np.testing.assert_allclose(model.quantile([0.0, 0.5, 1.0]), [1.0 - math.pi, 1.0, 1.0 + math.pi])


@pytest.mark.parametrize("kappa", CONCENTRATIONS)
def test_von_mises_moments_against_mpmath(kappa):
    model = VonMises(loc=1.0, concentration=kappa)
    k, (log_scaled, ratio) = mp.mpf(kappa), _bessel(mp.mpf(kappa))
    entropy = mp.log(2 * mp.pi) + log_scaled + k * (1 - ratio)
    assert model.mean() == 1.0
    assert model.entropy() == pytest.approx(float(entropy), rel=1e-13)
    width = min(1.0, kappa**-0.5)
    steps = [0, *(s * width for s in (1, 2, 4, 8, 16) if s * width < 3.0)]
    steps.append(mp.pi if steps[-1] * 4 > math.pi else 30 * width)

    def integral(power):
        return mp.quad(lambda t: t**power * mp.exp(-2 * k * mp.sin(t / 2) ** 2), steps)

    with mp.workdps(25):
        assert model.variance() == pytest.approx(float(integral(2) / integral(0)), rel=1e-12)


@pytest.mark.parametrize("kappa", [1e-3, 0.1, 1.0, 20.0, 31.99, 32.01, 1e3, 1e8])
def test_von_mises_estimate_solves_the_score_equation(kappa):
    # mean statistics that a sample with this concentration and direction 3 (from −1) would have
    _, ratio = _bessel(mp.mpf(kappa))
    gap, turn = 1 - ratio, mp.mpf(4)
    means = [float(ratio * mp.cos(turn) - 1), float(ratio * mp.sin(turn))]
    estimate = VonMises._estimate(means, -1.0, {})
    assert estimate["loc"] == pytest.approx(3.0, abs=1e-12 / kappa if kappa < 1 else 1e-15)
    # from a far origin, 1 − R is known to a rounding of one: at κ = 1e8 that is 2e-8 of it
    assert estimate["concentration"] == pytest.approx(kappa, rel=float(1e-15 / gap) + 1e-12)
    # from an origin at the direction itself it keeps its digits
    near = VonMises._estimate([-float(gap), 0.0], 3.0, {})
    assert near == {"loc": 3.0, "concentration": pytest.approx(kappa, rel=1e-13 / min(1.0, kappa))}
    fixed = VonMises._estimate([-float(gap), 0.0], 3.0, {"loc": 3.0})
    assert fixed == pytest.approx(near, rel=1e-13 / min(1.0, kappa))
    assert VonMises._estimate(means, -1.0, {"concentration": 2.0})["concentration"] == 2.0


def test_von_mises_has_no_estimate_without_or_beyond_concentration():
    opposite = [-1.0, 0.0]  # cos of 90° and −90° from the origin, sines that cancel
    assert VonMises._estimate(opposite, 0.0, {}) is None
    assert VonMises._estimate([0.0, 0.0], 1.0, {}) is None  # all rows equal
    assert VonMises._estimate([-0.1, 0.0], 0.0, {"loc": 3.0}) is None  # they point the other way


def test_von_mises_loc_is_reported_in_one_turn():
    for direction in (-3.0, 3.0, math.pi, 40.0, -40.0):
        estimate = VonMises._estimate([-0.1, 0.0], direction, {})
        assert -math.pi < estimate["loc"] <= math.pi
        assert math.cos(estimate["loc"] - direction) == pytest.approx(1.0, abs=1e-12)


def test_von_mises_statistics_give_the_log_density():
    x = np.linspace(-3.0, 3.0, 13)
    with float64():
        t = VonMises._statistics(jnp.asarray(x), jnp.asarray(0.7))
        value = VonMises._log_density_of(t, jnp.asarray(0.7), jnp.asarray(0.5), jnp.asarray(20.0))
    np.testing.assert_allclose(
        value, VonMises(loc=0.5, concentration=20.0).log_density(x), rtol=1e-13
    )


# ---- draws, derivatives and starts ---------------------------------------------------------------


@pytest.mark.parametrize(
    "model",
    [
        Beta(alpha=0.3, beta=2.0),
        Beta(alpha=400.0, beta=30.0),
        *(VonMises(loc=2.0, concentration=k) for k in (0.01, 0.99, 1.01, 30.0, 1e6)),
    ],
    ids=repr,
)
def test_draws_follow_the_distribution(model):
    n = 10_000
    draws = np.sort(model.sample(n, seed=2))
    # by 50: up to 64 points are one compilation, which the tests of the tails made already
    u = np.concatenate([model.cdf(part) for part in np.split(draws, n // 50)])
    # Kolmogorov–Smirnov: √n D exceeds 2.2 with probability 1e-4, and the seed is fixed
    distance = max(np.max(np.arange(1, n + 1) / n - u), np.max(u - np.arange(n) / n))
    assert math.sqrt(n) * distance < 2.2


def _derivatives(family, rows):
    """Value, scores and Hessians in the parameters, one compilation for all rows."""
    names = list(family.default_parameters)

    def one(x, theta):
        return family._log_density(x, **dict(zip(names, theta, strict=True)))

    both = jax.vmap(
        lambda x, t: (one(x, t), jax.jacfwd(one, 1)(x, t), jax.jacfwd(jax.jacfwd(one, 1), 1)(x, t))
    )
    x, theta = (np.array(v) for v in zip(*rows, strict=True))
    with float64():
        return [np.asarray(v) for v in jax.jit(both)(jnp.asarray(x), jnp.asarray(theta))]


def test_beta_derivatives():
    rows = [(x, (a, b)) for a, b in SHAPES for x in (1e-300, 1e-8, 0.3, a / (a + b), 1.0 - 1e-15)]
    rows = [row for row in rows if row[0] < 1.0]
    value, score, hessian = _derivatives(Beta, rows)
    assert np.all(np.isfinite(value))
    x, theta = np.array([r[0] for r in rows]), np.array([r[1] for r in rows])
    total = theta.sum(axis=1)
    # SciPy's digamma and trigamma in the textbook formulas, whose parts have the size of ln x or ψ
    logs = np.stack([np.log(x), np.log1p(-x)], axis=1)
    want = logs - scipy.special.digamma(theta) + scipy.special.digamma(total)[:, None]
    size = np.abs(logs) + np.abs(scipy.special.digamma(theta)) + 20.0
    np.testing.assert_array_less(np.abs(score - want), 1e-13 * size)
    curve = np.full((total.size, 2, 2), scipy.special.polygamma(1, total)[:, None, None])
    curve[:, [0, 1], [0, 1]] -= scipy.special.polygamma(1, theta)
    np.testing.assert_allclose(hessian, curve, rtol=1e-10, atol=1e-15)


def test_von_mises_derivatives():
    rows = [(x, (0.5, k)) for k in CONCENTRATIONS for x in (-2.0, 0.5, 0.5001, 3.0)]
    value, score, hessian = _derivatives(VonMises, rows)
    assert np.all(np.isfinite(value))
    for row, (x, (loc, kappa)) in enumerate(rows):
        k, delta = mp.mpf(kappa), mp.mpf(x) - mp.mpf(loc)
        _, ratio = _bessel(k)
        first = [k * mp.sin(delta), mp.cos(delta) - ratio]
        fisher = 1 - ratio / k - ratio**2
        second = [[-k * mp.cos(delta), mp.sin(delta)], [mp.sin(delta), -fisher]]
        # absolute: cos δ − A(κ) is as small as 1e-10 at κ = 1e10, from −2 sin²(δ/2) + 1/(2κ)
        np.testing.assert_allclose(score[row], np.array(first, float), rtol=1e-12, atol=1e-17)
        np.testing.assert_allclose(hessian[row], np.array(second, float), rtol=1e-11, atol=1e-16)


UGLY = {
    "two rows": [0.2, 0.7],
    "nearly equal": [0.5, 0.5 + 1e-12],
    "constant": [0.3] * 5,
    "tiny": [1e-12, 2e-12, 5e-12],
    "tinier": [1e-300, 3e-300],
    "next to one": [1.0 - 1e-12, 1.0 - 3e-12, 1.0 - 1e-15],
    "both ends": [1e-15, 1e-10, 1.0 - 1e-15, 1.0 - 1e-9],
    "all over": np.linspace(0.001, 0.999, 40).tolist(),
    "an outlier": [*np.linspace(0.4, 0.41, 30).tolist(), 1.0 - 1e-15],
}


@pytest.mark.parametrize("family", [Beta, VonMises])
@pytest.mark.parametrize("data", UGLY)
@pytest.mark.parametrize("weighted", [False, True])
def test_starts_are_possible_on_ugly_data(family, data, weighted):
    values = np.array(UGLY[data])
    weights = np.ones(values.size)
    if weighted:
        weights[-1] = 0.0  # a row that does not count
    for x in (values, 1e6 * values) if family is VonMises else (values,):
        (start,) = family._starts(x, weights)
        assert list(start) == list(family.default_parameters)
        model = family(**start)  # raises outside the parameters' supports
        assert np.all(np.isfinite(model.log_density(x[weights > 0.0])))


def test_von_mises_start_without_a_direction():
    x = np.array([0.0, 0.5 * math.pi, math.pi, 1.5 * math.pi])
    (start,) = VonMises._starts(x, np.ones(4))
    assert 0.0 < start["concentration"] < 1.0
