"""Student's t and Cauchy against mpmath (50 digits), over their whole range."""

import math

import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback.models.real.cauchy import Cauchy
from kullback.models.real.student_t import StudentT


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(50):
        yield


# ---- the formulas, as the textbooks write them, in mpmath ----------------------------------------


def _t_log_density(z, df):
    constant = mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2) - mp.log(df * mp.pi) / 2
    return constant - (df + 1) / 2 * mp.log1p(z * z / df)


def _t_upper(z, df):
    """P(T > z) for z ≥ 0."""
    if df < 1e4:
        return mp.betainc(df / 2, mp.mpf(1) / 2, 0, df / (df + z * z), regularized=True) / 2
    height = _t_log_density(z, df)  # mpmath's incomplete beta is too slow for a large df
    scaled = mp.quad(
        lambda s: mp.exp(_t_log_density(s, df) - height), [z + k for k in range(0, 13, 2)]
    )
    return scaled * mp.exp(height)


def _cauchy_log_density(z):
    return -mp.log(mp.pi) - mp.log1p(z * z)


def _cauchy_upper(z):
    return mp.atan2(1, z) / mp.pi


NEAR = [0.0, 1e-12, 1e-3, 0.1, 0.3, 0.5, 1.0, 2.0, 5.0, 12.0, 26.6, 36.0]
FAR = [1e8, 1e11, 1e100, 1e153, 1e155, 1e290]


@pytest.fixture
def student(on_the_line):
    return on_the_line(StudentT, _t_log_density, _t_upper)


@pytest.fixture
def cauchy(on_the_line):
    return on_the_line(Cauchy, _cauchy_log_density, _cauchy_upper)


@pytest.mark.parametrize("df", [0.01, 0.3, 1.0, 3.0, 30.0, 119.0, 121.0, 1e3, 1e8, 1e12])
def test_student_density_and_tails_against_mpmath(student, df):
    student.check_values(np.array([*NEAR, *(FAR if df <= 30.0 else [])]), df)


def test_cauchy_density_and_tails_against_mpmath(cauchy):
    cauchy.check_values(np.array([*NEAR, *FAR]))


def test_loc_and_scale(student, cauchy):
    student.check_loc_and_scale(3.0)
    cauchy.check_loc_and_scale()


def test_quantiles_invert_both_tails(student, cauchy):
    student.check_quantiles(3.0)
    cauchy.check_quantiles()


# ---- moments and draws ---------------------------------------------------------------------------


def test_student_moments_against_quadrature(student):
    student.check_moments(7.0)


def test_moments_that_do_not_exist():
    cauchy = Cauchy(loc=1.0, scale=2.0)
    assert math.isnan(cauchy.mean())
    assert math.isnan(cauchy.variance())
    assert cauchy.entropy() == pytest.approx(math.log(8.0 * math.pi))  # scipy.stats.cauchy's
    for df, mean, variance in (
        (1.0, math.nan, math.nan),
        (1.5, 1.0, math.inf),
        (2.0, 1.0, math.inf),
    ):
        model = StudentT(df=df, loc=1.0, scale=2.0)
        np.testing.assert_equal([model.mean(), model.variance()], [mean, variance])
    # t with one degree of freedom is Cauchy; with many it is normal up to O(1/df)
    assert StudentT(df=1.0, loc=1.0, scale=2.0).entropy() == pytest.approx(
        cauchy.entropy(), rel=1e-14
    )
    assert StudentT(df=1e12, loc=1.0, scale=2.0).entropy() == pytest.approx(
        kl.Normal(loc=1.0, scale=2.0).entropy(), abs=1e-11
    )


def test_draws_follow_the_distribution(student, cauchy, check_numbers_drawn):
    check_numbers_drawn(student.model(2.0, 3.0, 0.5))
    check_numbers_drawn(cauchy.model(2.0, 3.0))


# ---- derivatives ---------------------------------------------------------------------------------


def test_scores_and_hessians(student, cauchy):
    student.check_derivatives(0.05, 3.0, 1e4)
    cauchy.check_derivatives()


def test_derivatives_are_finite_where_the_density_is(student, cauchy):
    student.check_finite_derivatives(1e-2, 1.0, 1e12)
    cauchy.check_finite_derivatives()


def test_tails_are_differentiable(student, cauchy):
    student.check_tail_derivatives(2.5)
    cauchy.check_tail_derivatives()


# ---- starts and fits -----------------------------------------------------------------------------


@pytest.mark.parametrize("family", [StudentT, Cauchy])
def test_starts_are_possible_on_ugly_data(family, check_starts_on_the_line):
    check_starts_on_the_line(family)


@pytest.mark.parametrize("family", [StudentT, Cauchy])
def test_robust_starts_do_not_follow_an_outlier(family):
    x = np.append(np.linspace(-1.0, 1.0, 201), 1e9)
    start = family._starts(x, np.ones(x.size))[0]
    assert abs(start["loc"]) < 0.1
    assert 0.3 < start["scale"] < 1.0


def test_a_sample_with_lighter_tails_than_the_normal_is_sent_to_it():
    # The kurtosis of a uniform sample, 1.8, is below the normal's 3: the likelihood rises with df.
    convergence = kl.fit(kl.StudentT(), np.linspace(-1.0, 1.0, 200)).convergence
    assert not convergence.converged
    assert convergence.reason == "no maximum: df diverges to infinity"
    assert "In that limit the model is Normal: fit kl.Normal() instead" in convergence.advice[0]
