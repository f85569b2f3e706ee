"""Mutual information by nearest neighbours: truth in closed form, and the slow formulas.

That of bivariate normals is −log(1 − ρ²)/2, those of the mixed laws are W. Gao et al.'s (2017). The
slow formulas are the published ones, in plain loops over all pairs of rows; normal scores are
SciPy's ``norm.ppf`` of its ``rankdata``.
"""

import itertools
import math

import numpy as np
import pytest
import scipy.integrate
import scipy.special
import scipy.stats

from kullback._core.errors import DataError
from kullback.information.neighbours.mutual_information import (
    mutual_information_continuous,
    mutual_information_mixed,
    mutual_information_with_label,
)

ERRORS = 4.0  # standard errors, as in test_neighbours.py


def scores(x):
    x = np.asarray(x, float).reshape(len(x), -1)
    return scipy.stats.norm.ppf(scipy.stats.rankdata(x, axis=0) / (len(x) + 1))


def far(a, b):
    return max(abs(u - v) for u, v in zip(a, b, strict=True))


def slow_mixed(x, y, k):
    """Kraskov et al.'s algorithm 1, and where the k-th neighbour coincides Gao et al.'s counts."""
    x, y, n = scores(x), scores(y), len(x)
    psi = scipy.special.digamma
    total = 0.0
    for i in range(n):
        apart = [max(far(x[i], x[j]), far(y[i], y[j])) for j in range(n)]
        radius = sorted(apart)[k]  # the first is the row itself
        if radius > 0.0:
            mine = k
            near_x = 1 + sum(far(x[i], x[j]) < radius for j in range(n) if j != i)
            near_y = 1 + sum(far(y[i], y[j]) < radius for j in range(n) if j != i)
        else:
            mine = sum(gap == 0.0 for gap in apart)
            near_x = sum(far(x[i], x[j]) == 0.0 for j in range(n))
            near_y = sum(far(y[i], y[j]) == 0.0 for j in range(n))
        total += psi(mine) - psi(near_x) - psi(near_y)
    return psi(n) + total / n


def slow_label(x, label, k):
    """Ross's formula, with all rows at the k-th distance counted."""
    x, n = scores(x), len(x)
    psi = scipy.special.digamma
    total = 0.0
    for i in range(n):
        others = [j for j in range(n) if label[j] == label[i] and j != i]
        if not others:
            continue
        radius = sorted(far(x[i], x[j]) for j in others)[min(k, len(others)) - 1]
        same = sum(far(x[i], x[j]) <= radius for j in others)
        every = sum(far(x[i], x[j]) <= radius for j in range(n) if j != i)
        itself = radius == 0.0
        total += psi(n) - psi(len(others) + 1) + psi(same + itself) - psi(every + itself)
    return total / n


def pair(rho, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return x, rho * x + math.sqrt(1.0 - rho * rho) * rng.normal(size=n)


@pytest.mark.parametrize("k", [1, 3, 6])
@pytest.mark.parametrize("columns", [(1, 1), (2, 1), (2, 3)])
def test_continuous_is_the_published_formula(k, columns):
    rng = np.random.default_rng(k)
    x, y = rng.gamma(1.0, size=(60, columns[0])), rng.normal(size=(60, columns[1]))
    y[:, 0] += x[:, 0]
    found = mutual_information_continuous(x, y, k=k)
    # Both add 60 digammas of order one; SciPy's ppf gives the very scores.
    assert found.value == pytest.approx(slow_mixed(x, y, k), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3])
def test_mixed_is_the_published_formula(k):
    rng = np.random.default_rng(10 + k)
    x = np.where(rng.random(80) < 0.4, 0.0, rng.normal(size=80))
    y = np.where(rng.random(80) < 0.7, np.sign(x), rng.normal(size=80))
    found = mutual_information_mixed(x, y, k=k)
    assert found.value == pytest.approx(slow_mixed(x, y, k), abs=1e-12)
    both = mutual_information_mixed(np.column_stack([x, x > 0]), y, k=k)
    assert both.value == pytest.approx(slow_mixed(np.column_stack([x, x > 0]), y, k), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 50])
def test_with_a_label_is_the_published_formula(k):
    rng = np.random.default_rng(20 + k)
    label = np.array(["a"] * 40 + ["b"] * 25 + ["c"] * 4 + ["d"])
    x = rng.normal(size=70) + (label == "b")
    assert mutual_information_with_label(x, label, k=k).value == pytest.approx(
        slow_label(x, label, k), abs=1e-12
    )
    rounded = np.column_stack([x.round(1), (x * x).round()])  # ties, and two columns
    assert mutual_information_with_label(rounded, label, k=k).value == pytest.approx(
        slow_label(rounded, label, k), abs=1e-12
    )


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_of_bivariate_normals_is_within_its_error(rho, n):
    found = mutual_information_continuous(*pair(rho, n, n))
    assert abs(found.value + 0.5 * math.log(1.0 - rho * rho)) < ERRORS * found.stderr
    assert found.stderr < 2.0 / math.sqrt(n)  # and that error is not a way out


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_intervals_hold_what_they_say(rho):
    inside = 0
    for seed in range(200):
        found = mutual_information_continuous(*pair(rho, 500, seed))
        inside += abs(found.value + 0.5 * math.log(1.0 - rho * rho)) < 1.96 * found.stderr
    # 93 to 97% of 200, give or take three standard deviations of the count (3.2 at 94.5%)
    assert 176 <= inside <= 200


def test_of_several_columns_is_within_its_error():
    rng = np.random.default_rng(30)
    x = rng.normal(size=(3000, 2))
    y = 0.6 * x + 0.8 * rng.normal(size=(3000, 2))
    found = mutual_information_continuous(x, y)
    assert abs(found.value + math.log(1.0 - 0.36)) < ERRORS * found.stderr


def test_is_symmetric_to_the_bit():
    x, y = pair(0.7, 700, 1)
    assert mutual_information_continuous(x, y).value == mutual_information_continuous(y, x).value
    y = y.round(1)
    assert mutual_information_mixed(x, y).value == mutual_information_mixed(y, x).value
    label = (y > 0.5).astype(int)
    assert mutual_information_mixed(x, label).value == mutual_information_mixed(label, x).value


def test_does_not_change_to_the_bit_under_increasing_maps():
    x, y = pair(0.7, 700, 2)
    found = mutual_information_continuous(x, y)
    assert mutual_information_continuous(np.exp(3.0 * x), 1e-3 * y) == found
    label = y > 0.0
    assert mutual_information_with_label(np.exp(x), label) == mutual_information_with_label(
        x, label
    )


def test_ties_in_one_side_leave_the_error_finite():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        rate = rng.exponential(size=200)
        found = mutual_information_mixed(rate, rng.poisson(rate).astype(float))
        assert 0.0 < found.stderr < 0.2
    grid = np.arange(50.0)  # distances tie exactly, by the symmetry of the scores
    for k in (1, 2, 3):
        found = mutual_information_continuous(grid, -grid, k=k)
        assert math.isfinite(found.value)
        assert 0.0 < found.stderr < 1.0


def test_a_constant_side_tells_nothing():
    x, y = pair(0.7, 300, 3)
    assert mutual_information_continuous(x, np.full(300, 2.0)).value == pytest.approx(0, abs=1e-14)
    assert mutual_information_with_label(np.ones(300), y > 0.0).value == 0.0
    assert mutual_information_with_label(x, np.zeros(300)).value == 0.0


def test_exact_copies_of_rows_stay_finite():
    x, y = pair(0.5, 400, 4)
    x[10:30], y[10:30] = x[0], y[0]
    found = mutual_information_continuous(x, y)
    assert abs(found.value + 0.5 * math.log(0.75)) < 0.3  # 5% of the rows at an atom of both
    y[50:150] = 1.0
    told = mutual_information_mixed(x, y).assumptions
    assert any("119 of 400 rows of y repeat an earlier one" in said for said in told)


# Gao et al. (2017), section 5: a uniform number around a uniform label, and a zero-inflated
# Poisson count of an exponential rate. Of the second they give 0.85 times what the Poisson count
# tells of its rate, which holds where an inflated zero can be told from the count's own; here it
# cannot, so the integral is SciPy's.
UNIFORM_AROUND_LABEL = math.log(5.0) - 0.8 * math.log(2.0)


def zero_inflated(inflated):
    counts = np.arange(200)
    marginal = (1.0 - inflated) * 0.5 ** (counts + 1.0) + inflated * (counts == 0)

    def of_rate(rate):
        given = (1.0 - inflated) * scipy.stats.poisson.pmf(counts, rate) + inflated * (counts == 0)
        return math.exp(-rate) * scipy.special.rel_entr(given, marginal).sum()

    return scipy.integrate.quad(of_rate, 0.0, 60.0, epsabs=1e-9, limit=200)[0]


@pytest.mark.parametrize("as_label", [False, True])
def test_of_a_uniform_number_around_a_label_is_within_its_error(as_label):
    rng = np.random.default_rng(40)
    label = rng.integers(5, size=4000)
    x = rng.uniform(label, label + 2.0)
    found = mutual_information_mixed(x, label if as_label else label.astype(float))
    assert abs(found.value - UNIFORM_AROUND_LABEL) < ERRORS * found.stderr
    assert found.method.startswith("Ross" if as_label else "Gao")


def test_of_a_zero_inflated_count_is_within_its_error():
    rng = np.random.default_rng(41)
    rate = rng.exponential(size=4000)
    count = rng.poisson(rate) * (rng.random(4000) < 0.85)
    found = mutual_information_mixed(rate, count.astype(float))
    assert abs(found.value - zero_inflated(0.15)) < ERRORS * found.stderr


def test_the_integral_is_their_closed_form_without_inflated_zeros():
    series = sum(math.log(k) * 2.0**-k for k in range(1, 60))  # the rest is below 1e-16
    closed = 2.0 * math.log(2.0) - np.euler_gamma - series
    assert zero_inflated(0.0) == pytest.approx(closed, abs=1e-8)


def test_labels_dealt_out_in_every_way_average_to_exactly_zero():
    # Holds for classes of any size above one, fewer than k + 1 rows included: the mean over the
    # labels' arrangements of ψ of a neighbour's rank among all rows is ψ(k) − ψ(n_c) + ψ(n).
    x = np.random.default_rng(50).normal(size=8)
    arrangements = set(itertools.permutations([0, 0, 0, 0, 1, 1, 2, 2]))
    assert len(arrangements) == 420
    total = [mutual_information_with_label(x, np.array(a), k=3).value for a in arrangements]
    assert math.fsum(total) / 420 == pytest.approx(0.0, abs=1e-13)


def label_entropy(label):
    return scipy.stats.entropy(np.unique(label, return_counts=True)[1])


def test_a_rare_label_and_a_constant_feature():
    # scikit-learn's issue 30772: 100 of a million rows, a constant feature, and an estimate above
    # the label's entropy of 0.00102 nats. Nothing can be told from a constant.
    label = np.arange(1_000_000) < 100
    assert mutual_information_with_label(np.ones(label.size), label).value == 0.0


@pytest.mark.parametrize("rare", [2, 3, 4, 40])
@pytest.mark.parametrize("seed", range(5))
def test_never_above_the_entropy_of_a_rare_label_without_a_word(rare, seed):
    rng = np.random.default_rng(seed)
    label = np.arange(50_000) < rare
    for x in (rng.normal(size=label.size), rng.normal(size=label.size) + 9.0 * label, label * 1.0):
        found = mutual_information_with_label(x, label)
        above = found.value > label_entropy(label)
        assert above == any("above the entropy of the label" in said for said in found.assumptions)
        # the bound that always holds: Grassberger's estimate of the label's entropy
        sizes = np.array([rare, label.size - rare])
        psi = scipy.special.digamma
        bound = psi(label.size) - float(sizes / label.size @ psi(sizes))
        assert found.value <= bound + 1e-12
    assert (rare <= 3) == any("have at most 3 rows" in said for said in found.assumptions)


def test_a_label_of_one_row_counts_as_zero_and_is_named():
    x, y = pair(0.5, 500, 6)
    label = np.where(y > 0.0, "high", "low").astype(object)
    label[7] = "odd"
    found = mutual_information_mixed(x, label)
    assert (
        f"1 of 3 labels have a single row (the first: odd) and count as zero; together they add "
        f"{math.log(500) / 500:.3g} nats at most"
    ) in found.assumptions
    assert math.isfinite(found.value)
    alone = mutual_information_with_label(x, np.arange(500))
    assert (alone.value, len(alone.assumptions)) == (0.0, 2)


@pytest.mark.parametrize(("shift", "reported"), [(1.0, False), (4.0, True)])
def test_labels_that_hardly_overlap_are_reported(shift, reported):
    # Between normals a shift of 4 apart few rows meet the other label: measured over 500 samples of
    # 200 rows, 95% intervals held the truth in 81%.
    rng = np.random.default_rng(5)
    label = np.arange(200) % 2
    found = mutual_information_with_label(rng.normal(size=200) + shift * label, label)
    assert any("hardly overlap" in said for said in found.assumptions) == reported


def test_discrete_numbers_are_compared_with_their_entropy():
    x = np.repeat(np.arange(4.0), 3)
    found = mutual_information_mixed(x, x)
    assert found.value > math.log(4.0)  # ψ(12) − ψ(3) is 1.52, log 4 is 1.39
    assert any("above the entropy of x in this sample, 1.38629" in s for s in found.assumptions)


def test_a_negative_estimate_is_told_to_be_within_its_error_of_zero():
    estimates = [mutual_information_continuous(*pair(0.0, 300, seed)) for seed in range(8)]
    negative = [found for found in estimates if found.value < 0.0]
    assert negative
    for found in negative:
        inside = found.value >= -1.96 * found.stderr
        said = "within its error of zero" if inside else "negative by more than its error"
        assert sum(said in sentence for sentence in found.assumptions) == 1


X = np.random.default_rng(60).normal(size=100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mutual_information_continuous(X, X[:99]), "x has 100 rows and y has 99"),
        (lambda: mutual_information_continuous(X, X * np.nan), "y has 100 values that are not"),
        (lambda: mutual_information_continuous(X[:4], X[:4]), "need at least 5 rows"),
        (
            lambda: mutual_information_continuous(X, X, k=0),
            "must be a whole number from 1 on, got 0",
        ),
        (lambda: mutual_information_mixed(X > 0, X < 1), "x and y both hold labels"),
        (
            lambda: mutual_information_with_label(X, X[:99] > 0),
            "the label must have shape (100,) like the rows of x, got (99,)",
        ),
        (
            lambda: mutual_information_with_label(X, np.where(np.arange(100) == 5, np.nan, 1.0)),
            "the label in row",
        ),
    ],
)
def test_wrong_input_is_refused_in_words(call, message):
    with pytest.raises(DataError) as error:
        call()
    assert message in str(error.value)
