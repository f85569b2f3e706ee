"""Samples that are observed as rows were: their distribution, by SciPy's, and by formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.data import Roles, open_sample
from kullback.resampling.observed_draws import ObservedRows

MODEL = kl.Weibull(shape=1.5, scale=3.0)
LAW = stats.weibull_min(1.5, scale=3.0)
N = 4_000


def observed(data: Any, **roles: Any) -> ObservedRows:
    return ObservedRows.of(open_sample(data, Roles(**roles)).chunks())


def draw(rows: ObservedRows, model: kl.Model = MODEL, seed: int = 3) -> ObservedRows:
    return rows.redrawn(model, np.random.default_rng(seed))


def test_outcomes_are_those_given_their_windows() -> None:
    rng = np.random.default_rng(0)
    a = rng.uniform(0.0, 6.0, N)
    b = a + rng.uniform(0.1, 3.0, N)
    x = LAW.ppf(LAW.cdf(a) + rng.uniform(size=N) * (LAW.cdf(b) - LAW.cdf(a)))
    rows = draw(observed({"x": x, "a": a, "b": b}, y="x", truncation=("a", "b")))
    np.testing.assert_array_equal(rows.lower, rows.upper)
    low, high = rows.window_lower, rows.window_upper
    u = (LAW.cdf(rows.lower) - LAW.cdf(low)) / (LAW.cdf(high) - LAW.cdf(low))
    assert stats.kstest(u, "uniform").pvalue > 0.01


def test_limits_are_kept_where_known_and_drawn_beyond_outcomes_elsewhere() -> None:
    rng = np.random.default_rng(1)
    x, limit = LAW.rvs(N, random_state=rng), rng.uniform(0.5, 6.0, N)
    data = {"t": np.minimum(x, limit), "e": (x <= limit) * 1.0}
    rows = observed(data, y="t", event="e")
    again = draw(rows)
    # a row that was censored can be censored only at its own limit
    both = rows.right & again.right
    np.testing.assert_array_equal(again.lower[both], rows.lower[both])
    assert np.all(again.lower[rows.right] <= rows.lower[rows.right])
    # as many rows are censored, and as early, as in new samples of both distributions
    fresh, other = LAW.rvs(N, random_state=rng), rng.uniform(0.5, 6.0, N)
    share = np.mean(fresh > other)
    assert np.mean(again.right) == pytest.approx(share, abs=4.0 * np.sqrt(0.5 / N))
    early = stats.ks_2samp(again.lower, np.minimum(fresh, other))
    assert early.pvalue > 0.01
    # a limit that is the same for all rows stays that
    one = {"t": np.minimum(x, 4.0), "e": (x <= 4.0) * 1.0}
    type_one = draw(observed(one, y="t", event="e"))
    assert np.all(type_one.lower[type_one.right] == 4.0)
    assert np.max(type_one.lower[type_one.seen]) < 4.0


def test_limits_of_left_censoring_are_those_of_the_mirrored_rows() -> None:
    rng = np.random.default_rng(2)
    x, limit = LAW.rvs(N, random_state=rng), rng.uniform(0.2, 3.0, N)
    data = {"t": np.maximum(x, limit), "e": np.where(x >= limit, 1.0, -1.0)}
    rows = observed(data, y="t", event="e")
    again = draw(rows)
    both = rows.left & again.left
    np.testing.assert_array_equal(again.upper[both], rows.upper[both])
    fresh, other = LAW.rvs(N, random_state=rng), rng.uniform(0.2, 3.0, N)
    late = stats.ks_2samp(again.upper, np.maximum(fresh, other))
    assert late.pvalue > 0.01


def test_outcomes_are_put_in_cells_and_in_the_gaps_between_them() -> None:
    cells = {"a": [-np.inf, 1.0, 2.5, 4.0], "b": [1.0, 2.0, 4.0, np.inf], "n": [9.0] * 3 + [973.0]}
    rows = observed(cells, y=("a", "b"), weights="n")
    assert rows.lower.size == 1_000
    drawn = draw(rows)
    ends, counts = np.unique([drawn.lower, drawn.upper], axis=1, return_counts=True)
    # from 2 to 2.5 no row lay, but outcomes do
    assert ends.T.tolist() == [[-np.inf, 1.0], [1.0, 2.0], [2.0, 2.5], [2.5, 4.0], [4.0, np.inf]]
    expected = 1_000 * np.diff(LAW.cdf([0.0, 1.0, 2.0, 2.5, 4.0, np.inf]))
    assert stats.chisquare(counts, expected).pvalue > 0.01
    # equal rows are one, with a weight
    assert sum(chunk.count for chunk in drawn.chunks()) == 5
    assert sum(float(chunk.weight.sum()) for chunk in drawn.chunks()) == 1_000.0


def test_cells_of_counts_hold_their_ends() -> None:
    model = kl.Poisson(rate=3.0)
    rows = observed({"a": [0.0, 3.0, 6.0] * 300, "b": [1.0, 5.0, 6.0] * 300}, y=("a", "b"))
    drawn = draw(rows, model)
    ends, counts = np.unique([drawn.lower, drawn.upper], axis=1, return_counts=True)
    # a cell of one number is that number, which was seen: then the others are intervals
    assert not np.any(drawn.lower > drawn.upper)
    law = stats.poisson(3.0)
    for (low, high), count in zip(ends.T, counts, strict=True):
        share = law.cdf(high) - law.cdf(low - 1.0)
        assert count <= 900 * share + 4.0 * np.sqrt(900 * share) + 300  # 300 exact rows


@pytest.mark.parametrize(
    ("data", "roles", "message"),
    [
        (
            {"a": [0.0, 1.0], "b": [2.0, 3.0]},
            {"y": ("a", "b")},
            "ends that overlap, such as 0 to 2",
        ),
        (
            {"x": [90.0, 91.0], "a": [89.0, 89.0]},
            {"y": "x", "truncation": ("a", None)},
            "too little to draw outcomes there",
        ),
        (
            {"t": [1.0, 2.0], "e": [0.0, 1.0], "n": [1.5, 1.5]},
            {"y": "t", "event": "e", "weights": "n"},
            "a row has weight 1.5: give whole numbers",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(data: Any, roles: Any, message: str) -> None:
    with pytest.raises(kl.KullbackError, match=message):
        draw(observed(data, **roles))


def test_p_values_of_censored_rows_of_the_model() -> None:
    # with 9 replicates they are uniform over 0.1, ..., 1; the mean of 20 has an error of 0.064
    rng = np.random.default_rng(9)
    found = []
    for _ in range(20):
        x, limit = rng.exponential(2.0, 40), rng.uniform(0.5, 5.0, 40)
        data = {"t": np.minimum(x, limit), "e": (x <= limit) * 1.0}
        tests = kl.fit(kl.Exponential(), data, "t", event="e").goodness_of_fit(9).tests
        found.append(tests["cramer_von_mises"].p_value)
    assert np.mean(found) == pytest.approx(0.55, abs=4.0 * 0.064)


def test_statistics_of_rows_truncated_far_in_the_upper_tail() -> None:
    # an exponential outcome beyond 16, where 1 − F is 1e-7, less 16 is one again
    x = np.random.default_rng(3).exponential(size=50)
    fit = kl.fit(kl.Exponential(rate=1.0), 16.0 + x, truncation=(16.0, None))
    found = fit.goodness_of_fit(9).tests
    expected = (stats.kstest(x, "expon").statistic, stats.cramervonmises(x, "expon").statistic)
    names = ("kolmogorov_smirnov", "cramer_von_mises")
    # 16 + x has x to 1e-14
    np.testing.assert_allclose([found[n].statistic for n in names], expected, rtol=1e-11)


def test_rows_without_a_statistic_are_refused() -> None:
    fit = kl.fit(kl.Normal(), [1.0, 2.0, 3.0, 5.0, 6.0], event=[1, 0, -1, 1, 1])
    with pytest.raises(kl.KullbackError, match="the rows are censored to both sides"):
        fit.goodness_of_fit(9)
    ends = {"a": [1.0, 2.0, 3.0, 4.0], "b": [1.0, 2.5, 3.0, 4.0]}
    mixed = kl.fit(kl.Normal(), ends, ("a", "b"))
    with pytest.raises(kl.KullbackError, match="others lie between two ends"):
        mixed.goodness_of_fit(9)
    with pytest.raises(kl.KullbackError, match="cells are for rows that are exact"):
        fit.goodness_of_fit(9, cells=4)
