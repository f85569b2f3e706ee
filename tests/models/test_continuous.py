"""Light-tailed families on the whole line, and the uniform, against mpmath (50 digits)."""

import math

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.errors import ModelError
from kullback.models.starting_values import weighted_quantiles


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(50):
        yield


# By name, as the textbooks write them: log-density at loc 0, scale 1, and the upper tail of z ≥ 0.
STANDARD = {
    "Normal": (lambda z: -z * z / 2 - mp.log(2 * mp.pi) / 2, lambda z: mp.erfc(z / mp.sqrt(2)) / 2),
    "Logistic": (
        lambda z: -abs(z) - 2 * mp.log1p(mp.exp(-abs(z))),
        lambda z: mp.exp(-z) / (1 + mp.exp(-z)),
    ),
    "Laplace": (lambda z: -abs(z) - mp.log(2), lambda z: mp.exp(-z) / 2),
}
NEAR = [0.0, 1e-12, 1e-3, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 12.0, 26.6, 36.0]
TAILS = {
    "Normal": [*NEAR, 300.0, 1e8, 1e150],
    "Logistic": [*NEAR, 300.0, 700.0, 1e8, 1e300],
    "Laplace": [*NEAR, 300.0, 700.0, 1e8, 1e300],
}


@pytest.fixture(params=list(STANDARD))
def line(request, on_the_line):
    return on_the_line(getattr(kl, request.param), *STANDARD[request.param])


def test_density_and_tails_against_mpmath(line):
    line.check_values(np.array(TAILS[line.family.__name__]))


def test_loc_and_scale(line):
    line.check_loc_and_scale()


def test_quantiles_invert_both_tails(line):
    line.check_quantiles()


def test_moments_against_quadrature(line):
    line.check_moments()


def test_scores_and_hessians(line):
    line.check_derivatives(smooth=line.family is not kl.Laplace)


def test_derivatives_are_finite_where_the_density_is(line):
    # the normal's (x − loc)²/scale⁴ may itself be beyond the doubles
    line.check_finite_derivatives(largest=1e250 if line.family is kl.Normal else math.inf)


def test_tails_are_differentiable(line):
    line.check_tail_derivatives()


def test_draws_follow_the_distribution(line, check_numbers_drawn):
    check_numbers_drawn(line.model(2.0, 3.0))


def test_draws_of_the_uniform(check_numbers_drawn):
    check_numbers_drawn(kl.Uniform(lower=1.0, upper=4.0))


# ---- the uniform ---------------------------------------------------------------------------------


def test_uniform():
    model = kl.Uniform(lower=-1.0, upper=3.0)
    x = np.array([-2.0, -1.0, -1.0 + 2.0**-50, 0.0, 2.0, 3.0 - 2.0**-50, 3.0, 4.0])
    log4, step = math.log(4.0), 2.0**-52
    np.testing.assert_array_equal(model.log_density(x), [-np.inf, *[-log4] * 6, -np.inf])
    lower = [-np.inf, -np.inf, math.log(step), -log4, math.log(0.75), -step, 0.0, 0.0]
    np.testing.assert_allclose(model.log_cdf(x), lower, rtol=1e-14)
    np.testing.assert_allclose(model.log_survival(2.0 - x), lower, rtol=1e-14)
    np.testing.assert_allclose(model.quantile([0.0, 0.25, 1.0]), [-1.0, 0.0, 3.0], rtol=1e-15)
    assert (model.mean(), model.entropy()) == (1.0, log4)
    assert model.variance() == pytest.approx(16.0 / 12.0)


def test_uniform_needs_an_interval():
    with pytest.raises(ModelError, match="lower must be less than upper"):
        kl.Uniform(lower=1.0, upper=1.0)


# ---- parametrisations, estimates and starts ------------------------------------------------------


def test_normal_by_variance_is_the_same_distribution():
    x = np.linspace(-5.0, 5.0, 11)
    by_scale = kl.Normal(loc=0.5, scale=2.0).log_density(x)
    np.testing.assert_array_equal(kl.Normal(loc=0.5, variance=4.0).log_density(x), by_scale)


def test_normal_statistics_give_the_log_density():
    x = 1e8 + np.linspace(-3.0, 3.0, 13)  # far from zero: from an origin inside, no digit is lost
    with float64():
        t = kl.Normal._statistics(jnp.asarray(x), jnp.asarray(1e8 + 0.25))
        value = kl.Normal._log_density_of(
            t, jnp.asarray(1e8 + 0.25), jnp.asarray(1e8 + 1.0), jnp.asarray(0.5)
        )
    want = kl.Normal(loc=1e8 + 1.0, scale=0.5).log_density(x)
    np.testing.assert_allclose(value, want, rtol=1e-14)


def test_normal_estimates_in_closed_form():
    x, origin = np.array([1.0, 2.0, 4.0, 9.0]), 3.0
    means = [float(np.mean(x - origin)), float(np.mean((x - origin) ** 2))]
    free = kl.Normal._estimate(means, origin, {})
    assert free == {"loc": 4.0, "scale": pytest.approx(np.std(x))}
    by_loc = kl.Normal._estimate(means, origin, {"loc": 1.0})
    assert by_loc == {"loc": 1.0, "scale": pytest.approx(np.sqrt(np.mean((x - 1.0) ** 2)))}
    assert kl.Normal._estimate(means, origin, {"scale": 7.0}) == {"loc": 4.0, "scale": 7.0}
    # a constant sample has no estimate of its scale
    assert kl.Normal._estimate([0.0, 0.0], origin, {}) is None
    assert kl.Normal._estimate([0.0, 0.0], origin, {"scale": 2.0}) == {
        "loc": 3.0,
        "scale": 2.0,
    }


@pytest.mark.parametrize("name", [*STANDARD, "Uniform"])
def test_starts_are_possible_on_ugly_data(name, check_starts_on_the_line):
    check_starts_on_the_line(getattr(kl, name))


def test_weighted_quantiles_count_a_weight_as_rows():
    x, w = np.array([1.0, 2.0, 4.0]), np.array([1.0, 3.0, 0.0])
    repeated = weighted_quantiles(np.array([1.0, 2.0, 2.0, 2.0]), np.ones(4), (0.5,))
    assert weighted_quantiles(x, w, (0.5,)) == repeated == [2.0]
