"""Nearest-neighbour entropy and relative entropy: truth in closed form, and the slow formula.

Entropies are SciPy's; the relative entropy of normals is the textbook's. The slow formula is the
published one, in plain loops over all pairs of rows.
"""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.special
import scipy.stats

from kullback._core.errors import DataError
from kullback.information.neighbours.divergence import (
    nearest_neighbour_divergence,
    nearest_neighbour_kl,
)
from kullback.information.neighbours.entropy import nearest_neighbour_entropy

# Within so many standard errors: of 40 fixed samples or so none should be out at four (1 in 16,000
# each), and a bias of the size of the error would push many out.
ERRORS = 4.0


def ball(d):
    """log-volume of the unit ball, from the recursion V_d = V_(d−2) 2π/d."""
    volumes = [1.0, 2.0]
    for dimension in range(2, d + 1):
        volumes.append(volumes[dimension - 2] * 2.0 * math.pi / dimension)
    return math.log(volumes[d])


def slow_entropy(x, k):
    """The published formula for k neighbours in the coordinates given."""
    n, d = x.shape
    total = 0.0
    for i in range(n):
        apart = sorted(math.dist(x[i], x[j]) for j in range(n) if j != i)
        total += d * math.log(apart[k - 1])
    return scipy.special.digamma(n) - scipy.special.digamma(k) + ball(d) + total / n


def slow_kl(x, y, k):
    n, d = x.shape
    total = 0.0
    for i in range(n):
        own = sorted(math.dist(x[i], x[j]) for j in range(n) if j != i)
        other = sorted(math.dist(x[i], row) for row in y)
        total += d * math.log(other[k - 1] / own[k - 1])
    return total / n + math.log(len(y) / (n - 1))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_entropy_in_one_dimension_is_the_published_formula(k):
    x = np.random.default_rng(k).gamma(2.0, size=60)
    found = nearest_neighbour_entropy(x, k=k, extrapolate=False)
    # Both add 60 logarithms of order one in float64.
    assert found.value == pytest.approx(slow_entropy(x[:, None], k), abs=1e-12)


@pytest.mark.parametrize("d", [2, 3, 5])
def test_entropy_in_several_dimensions_is_the_published_formula_after_whitening(d):
    rng = np.random.default_rng(d)
    x = rng.random((80, d)) @ rng.normal(size=(d, d))  # bounded: no row is far from the bulk
    root = scipy.linalg.sqrtm(np.cov(x.T))  # any square root gives the same distances
    whitened = np.linalg.solve(root, x.T).T
    expected = slow_entropy(whitened, 4) + math.log(abs(np.linalg.det(root)))
    found = nearest_neighbour_entropy(x, k=4, extrapolate=False)
    # The covariance, its root and the solution round to some 1e-15 times its condition, near 100.
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_the_weights_sum_to_one_and_cancel_the_bias_of_first_order():
    x = np.random.default_rng(0).normal(size=(50, 3))
    plain = [nearest_neighbour_entropy(x, k=j, extrapolate=False).value for j in (1, 2)]
    # Two neighbours leave two weights, w₁ + w₂ = 1 and w₁ Γ(4/3)/Γ(1) + w₂ Γ(7/3)/Γ(2) = 0.
    first, second = math.gamma(4 / 3), math.gamma(7 / 3)
    expected = (second * plain[0] - first * plain[1]) / (second - first)
    found = nearest_neighbour_entropy(x, k=2)
    assert found.value == pytest.approx(expected, abs=1e-12)
    assert found.method == "Kozachenko–Leonenko, extrapolated from 1 to 2 neighbours"


@pytest.mark.parametrize("n", [100, 1000, 10_000])
@pytest.mark.parametrize(
    "law",
    [
        scipy.stats.norm(3.0, 0.1),
        scipy.stats.gamma(2.0),
        scipy.stats.gamma(0.5),
        scipy.stats.t(5),
        scipy.stats.uniform(),
        scipy.stats.lognorm(1.0),
    ],
)
def test_entropy_of_a_known_law_is_within_its_error(law, n):
    found = nearest_neighbour_entropy(law.rvs(n, random_state=n))
    assert abs(found.value - law.entropy()) < ERRORS * found.stderr


@pytest.mark.parametrize("d", [2, 3])
@pytest.mark.parametrize("n", [100, 1000, 10_000])
def test_entropy_of_correlated_normals_is_within_its_error(d, n):
    law = scipy.stats.multivariate_normal(cov=0.3 * np.eye(d) + 0.7)
    found = nearest_neighbour_entropy(law.rvs(n, random_state=n))
    assert abs(found.value - law.entropy()) < ERRORS * found.stderr


@pytest.mark.parametrize("d", [1, 2, 3])
@pytest.mark.parametrize("n", [100, 1000])
def test_the_intervals_of_entropy_hold_what_they_say(d, n):
    rng = np.random.default_rng(10 * n + d)
    truth = 0.5 * d * math.log(2.0 * math.pi * math.e)
    inside = 0
    for _ in range(200):
        found = nearest_neighbour_entropy(rng.normal(size=(n, d)))
        inside += abs(found.value - truth) < 1.96 * found.stderr
    # 93 to 97% of 200, give or take three standard deviations of the count (3.2 at 94.5%)
    assert 176 <= inside <= 200


@pytest.mark.parametrize("d", [2, 3])
def test_extrapolating_takes_off_the_bias_at_the_edge_of_a_bounded_support(d):
    x = np.random.default_rng(d).random((5000, d))  # entropy 0
    plain = nearest_neighbour_entropy(x, k=8, extrapolate=False)
    found = nearest_neighbour_entropy(x)
    assert plain.value > 4.0 * plain.stderr
    assert abs(found.value) < 2.0 * found.stderr
    assert any("extrapolating moved the value" in said for said in found.assumptions)


def test_entropy_changes_by_the_log_determinant_of_an_affine_map():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 3))
    turned = np.array([[2.0, 1.0, 0.0], [0.0, 1e-3, 5.0], [1e6, 0.0, 3.0]])
    found = nearest_neighbour_entropy(x)
    moved = nearest_neighbour_entropy(x @ turned.T + np.array([1.0, -2.0, 3.0]))
    log_det = math.log(abs(np.linalg.det(turned)))
    # The bulk is chosen column by column, and here holds all rows both times; what is left is the
    # rounding of a map whose condition is some 1e6.
    assert moved.value == pytest.approx(found.value + log_det, abs=1e-8)
    scaled = nearest_neighbour_entropy(x * np.array([1e-9, 1.0, 1e12]))
    assert scaled.value == pytest.approx(found.value + math.log(1e3), abs=1e-11)
    assert scaled.stderr == pytest.approx(found.stderr, rel=1e-11)


def test_many_columns_are_warned_of():
    x = np.random.default_rng(42).normal(size=(300, 6))
    said = [nearest_neighbour_entropy(x[:, :d]).assumptions for d in (4, 5)]
    said.append(nearest_neighbour_kl(x[:150], x[150:]).assumptions)
    warned = [any("the bias may be larger than" in one for one in each) for each in said]
    assert warned == [False, True, True]


def test_entropy_does_not_depend_on_the_order_of_rows_and_columns():
    rng = np.random.default_rng(5)
    x = rng.standard_t(2, size=(400, 2))
    found = nearest_neighbour_entropy(x)
    shuffled = nearest_neighbour_entropy(rng.permutation(x)[:, ::-1])
    assert shuffled.value == pytest.approx(found.value, abs=1e-12)


@pytest.mark.parametrize("d", [1, 2])
def test_repeated_rows_are_told_and_measured_by_neighbours_beyond(d):
    rng = np.random.default_rng(6)
    x = rng.normal(size=(1000, d))
    x[20:25] = x[0]
    x[30] = x[1]
    found = nearest_neighbour_entropy(x)
    first = ", ".join(f"{value:.10g}" for value in x[0])
    assert (
        f"6 of 1000 rows of x repeat an earlier one, the first of them {first}; such rows are "
        "measured by their neighbours beyond"
    ) in found.assumptions
    assert abs(found.value - 0.5 * d * math.log(2.0 * math.pi * math.e)) < ERRORS * found.stderr


@pytest.mark.parametrize("d", [1, 2])
def test_a_repeated_row_counts_its_copies_as_neighbours(d):
    rng = np.random.default_rng(7)
    x = rng.random((40, d))
    x[1] = x[0]
    root = scipy.linalg.sqrtm(np.atleast_2d(np.cov(x.T)))
    z = np.linalg.solve(root, x.T).T
    n, k, total = 40, 3, 0.0
    for i in range(n):
        apart = sorted(math.dist(z[i], z[j]) for j in range(n) if j != i)
        rank = k + (i < 2)  # one more for the copy at distance zero
        total += d * math.log(apart[rank - 1]) - scipy.special.digamma(rank)
    expected = total / n + scipy.special.digamma(n) + ball(d) + math.log(np.linalg.det(root))
    found = nearest_neighbour_entropy(x, k=k, extrapolate=False)
    assert found.value == pytest.approx(expected, abs=1e-12)


def test_a_linear_function_of_other_columns_has_entropy_minus_infinity():
    x = np.random.default_rng(8).normal(size=(500, 2))
    found = nearest_neighbour_entropy(np.column_stack([x, x @ [1.0, 2.0] + 3.0]))
    assert (found.value, found.stderr) == (-math.inf, 0.0)
    assert "column 2 is a linear function of the columns before it" in found.assumptions[0]


NORMAL = np.random.default_rng(9).normal(size=200)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.where(np.arange(200) == 7, np.nan, NORMAL), "nan in row 7, column 0"),
        (np.where(np.arange(200) == 7, np.inf, NORMAL), "1 values that are not finite"),
        (np.ones(50), "repeat an earlier one, the first of them 1"),
        (np.column_stack([NORMAL, np.ones(200)]), "200 of 200 rows of x have the value 1 in col"),
        (NORMAL.round(1), "to count the values instead"),
        (np.column_stack([NORMAL, NORMAL.clip(min=0.0)]), "have the value 0 in column 1"),
        (NORMAL[:3], "3 rows; nearest neighbours need at least 4"),
        (NORMAL.reshape(2, 10, 10), "must have shape (n,) or (n, d), got (2, 10, 10)"),
        (np.array(["1", "2", "3", "4"]), "not numbers"),
        (NORMAL * 1j, "not numbers"),
        (np.append(NORMAL * 1e-200, 1e200), "too far apart"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered")  # of the last: the error tells it
def test_wrong_samples_are_refused_in_words(x, message):
    with pytest.raises(DataError) as error:
        nearest_neighbour_entropy(x)
    assert message in str(error.value)


def test_wrong_numbers_of_neighbours_are_refused_in_words():
    with pytest.raises(DataError, match="60 neighbours need at least 61 rows, got 50"):
        nearest_neighbour_entropy(NORMAL[:50], k=60)
    with pytest.raises(DataError, match="must be a whole number from 1 on, got 0"):
        nearest_neighbour_entropy(NORMAL, k=0)
    x = NORMAL[:11].copy()
    x[1] = x[0]
    with pytest.raises(DataError, match="too few rows differ"):
        nearest_neighbour_entropy(x, k=10)


@pytest.mark.parametrize("d", [1, 3])
def test_relative_entropy_is_the_published_formula_after_whitening(d):
    rng = np.random.default_rng(20 + d)
    x, y = rng.random((40, d)), rng.random((50, d)) + 0.3
    root = scipy.linalg.sqrtm(np.atleast_2d(np.cov(np.concatenate([x, y]).T)))
    whitened = [np.linalg.solve(root, sample.T).T for sample in (x, y)]
    found = nearest_neighbour_kl(x, y, k=3, extrapolate=False)
    assert found.value == pytest.approx(slow_kl(*whitened, 3), abs=1e-12)


def normal_kl(mean, scale):
    """D(N(0, 1) ‖ N(mean, scale²))."""
    return math.log(scale) + (1.0 + mean**2) / (2.0 * scale**2) - 0.5


@pytest.mark.parametrize(("n", "m"), [(200, 200), (2000, 5000), (5000, 2000)])
@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (0.5, 1.2), (0.0, 2.0)])
def test_relative_entropy_of_normals_is_within_its_error(n, m, mean, scale):
    rng = np.random.default_rng(n + m)
    found = nearest_neighbour_kl(rng.normal(size=n), rng.normal(mean, scale, size=m))
    assert abs(found.value - normal_kl(mean, scale)) < ERRORS * found.stderr
    assert found.stderr < 3.0 / math.sqrt(min(n, m))  # and that error is not a way out


def test_relative_entropy_of_gammas_and_of_correlated_normals_is_within_its_error():
    rng = np.random.default_rng(30)
    found = nearest_neighbour_kl(rng.gamma(3.0, size=3000), rng.gamma(2.0, size=3000))
    # D(G(a) ‖ G(b)) = (a − b) ψ(a) − ln Γ(a) + ln Γ(b)
    truth = scipy.special.digamma(3.0) - math.lgamma(3.0) + math.lgamma(2.0)
    assert abs(found.value - truth) < ERRORS * found.stderr
    covariance = np.array([[1.0, 0.3], [0.3, 1.0]])
    y = rng.multivariate_normal(np.zeros(2), covariance, size=3000)
    found = nearest_neighbour_kl(rng.normal(size=(3000, 2)), y)
    inverse = np.linalg.inv(covariance)
    truth = 0.5 * (np.trace(inverse) - 2.0 + math.log(np.linalg.det(covariance)))
    assert abs(found.value - truth) < ERRORS * found.stderr


def test_the_intervals_of_relative_entropy_hold_what_they_say():
    rng = np.random.default_rng(31)
    inside = 0
    for _ in range(200):
        found = nearest_neighbour_kl(rng.normal(size=300), rng.normal(0.5, 1.2, size=300))
        inside += abs(found.value - normal_kl(0.5, 1.2)) < 1.96 * found.stderr
    assert 176 <= inside <= 200  # as above


def test_relative_entropy_is_unmoved_by_a_common_scale():
    rng = np.random.default_rng(32)
    x, y = rng.normal(size=(300, 2)), rng.normal(0.3, 1.1, size=(400, 2))
    found = nearest_neighbour_kl(x, y)
    scale = np.array([1e-6, 1e9])
    moved = nearest_neighbour_kl(x * scale + 1e-6, y * scale + 1e-6)
    # adding 1e-6 to numbers of order 1e-6 costs a digit or two
    assert moved.value == pytest.approx(found.value, abs=1e-11)


def test_a_negative_relative_entropy_is_told_to_be_within_its_error_of_zero():
    rng = np.random.default_rng(33)
    estimates = [nearest_neighbour_kl(rng.normal(size=200), rng.normal(size=200)) for _ in range(9)]
    negative = [found for found in estimates if found.value < 0.0]
    assert negative
    for found in negative:
        inside = found.value >= -1.96 * found.stderr
        said = "within its error of zero" if inside else "negative by more than its error"
        assert sum(said in sentence for sentence in found.assumptions) == 1
    for found in estimates:
        if found.value >= 0.0:
            assert not any("negative" in said for said in found.assumptions)


@pytest.mark.parametrize("d", [1, 2])
def test_rows_that_both_samples_have_leave_the_relative_entropy_finite(d):
    rng = np.random.default_rng(34)
    x, y = rng.normal(size=(500, d)), rng.normal(size=(600, d))
    apart = nearest_neighbour_kl(x, y)
    y[:30] = x[:30]
    found = nearest_neighbour_kl(x, y)
    assert math.isfinite(found.value)
    assert abs(found.value - apart.value) < 2.0 * found.stderr
    assert math.isfinite(nearest_neighbour_kl(x, x).value)  # every row has its copy


def test_samples_in_a_plane():
    rng = np.random.default_rng(35)
    x, y = rng.normal(size=(300, 2)), rng.normal(size=(300, 2))
    flat = np.column_stack([x[:, 0], 2.0 * x[:, 0]])
    for pair in ((flat, y), (x, flat)):
        found = nearest_neighbour_kl(*pair)
        assert (found.value, found.stderr) == (math.inf, 0.0)
        assert "the relative entropy is +∞" in found.assumptions[0]
    with pytest.raises(DataError, match="the same linear function"):
        nearest_neighbour_kl(flat, np.column_stack([y[:, 0], 2.0 * y[:, 0]]))


def test_samples_that_do_not_go_together_are_refused_in_words():
    with pytest.raises(DataError, match="x has 2 columns and y has 1"):
        nearest_neighbour_kl(NORMAL.reshape(100, 2), NORMAL)
    with pytest.raises(DataError, match="20 of 50 rows of y repeat"):
        nearest_neighbour_kl(NORMAL, np.concatenate([NORMAL[:30], NORMAL[:20]]))


def test_relative_entropy_to_a_model_is_cross_entropy_less_entropy():
    x = np.random.default_rng(40).normal(size=2000)
    log_q = scipy.stats.norm(1.0, 1.0).logpdf(x)
    found, entropy = nearest_neighbour_divergence(x, log_q), nearest_neighbour_entropy(x)
    assert found.value == pytest.approx(-log_q.mean() - entropy.value, abs=1e-12)
    assert found.entropy_stderr == pytest.approx(entropy.stderr, rel=1e-12)
    assert abs(found.value - 0.5) < ERRORS * found.stderr
    near = nearest_neighbour_divergence(x, scipy.stats.norm().logpdf(x))
    assert abs(near.value) < ERRORS * near.stderr
    # log p − log q does not vary at all under the truth: what is left is the noise of 12 neighbours
    assert near.stderr < 0.8 * entropy.stderr


def test_the_intervals_of_relative_entropy_to_a_model_hold_what_they_say():
    rng = np.random.default_rng(41)
    truth, law, inside = normal_kl(0.3, 1.1), scipy.stats.norm(0.3, 1.1), 0
    for _ in range(200):
        x = rng.normal(size=500)
        found = nearest_neighbour_divergence(x, law.logpdf(x))
        inside += abs(found.value - truth) < 1.96 * found.stderr
    assert 176 <= inside <= 200  # as above


def test_relative_entropy_to_a_model_that_forbids_a_row_is_infinite():
    log_q = np.where(np.arange(200) == 3, -np.inf, -1.0)
    found = nearest_neighbour_divergence(NORMAL, log_q)
    assert found.value == math.inf
    assert "1 rows have density 0 under the model, the first of them row 3" in found.assumptions[0]
    with pytest.raises(DataError, match="1 values that are NaN"):
        nearest_neighbour_divergence(NORMAL, np.where(np.arange(200) == 3, np.nan, -1.0))
    with pytest.raises(DataError, match="so give \\(200,\\) numbers"):
        nearest_neighbour_divergence(NORMAL, np.zeros(3))


def test_few_rows_are_said_to_be_few():
    x = np.random.default_rng(2).normal(size=30)
    said = "29 rows are few for an entropy: with its error the value is a rough size, no more"
    assert said in nearest_neighbour_entropy(x[:29]).assumptions
    assert not any("few" in line for line in nearest_neighbour_entropy(x).assumptions)
