"""Simultaneous bands of ordered draws, against their exact coverage and a simulation."""

import numpy as np
import pytest
from scipy import special, stats

from kullback.nonparametric.local_level import local_level
from kullback.pictures.rows import DrawnRows


def coverage(lower: np.ndarray, upper: np.ndarray) -> float:
    """P(lower ≤ ordered uniform draws ≤ upper), from a Poisson process given n points.

    A. Moscovich & B. Nadler (2017), Fast calculation of boundary crossing probabilities for Poisson
    processes, without the Fourier transform.
    """
    n = lower.size
    crossings = sorted(
        [(x, 0, i) for i, x in enumerate(lower)] + [(x, 1, i) for i, x in enumerate(upper)]
    )
    counts, least, before = np.ones(1), 0, 0.0  # P(N(t) = least + k and inside so far)
    for time, kind, i in crossings:
        mean, before = n * (time - before), time
        if mean > 0.0:
            most = int(np.searchsorted(lower, time, side="left"))
            k = np.arange(min(most, n) - least + 1)
            steps = np.exp(-mean + k * np.log(mean) - special.gammaln(k + 1.0))
            counts = np.convolve(counts, steps)[: k.size]
        if kind == 0:  # no more than i draws below the bound of the next one
            counts = counts[: i - least + 1]
        else:
            counts, least = counts[max(i + 1 - least, 0) :], max(least, i + 1)
    rest = n - least - np.arange(counts.size)
    mean = n * (1.0 - before)
    final = np.exp(-mean + special.xlogy(rest, mean) - special.gammaln(rest + 1.0))
    return float(counts @ final / stats.poisson.pmf(n, n))


def bounds(n: int) -> tuple[np.ndarray, np.ndarray]:
    rank, level = np.arange(1, n + 1), local_level(float(n))
    low = special.betaincinv(rank, n + 1 - rank, 0.5 * level)
    return low, special.betaincinv(rank, n + 1 - rank, 1.0 - 0.5 * level)


@pytest.mark.parametrize(
    "n", [1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 70, 100, 170, 300, 550, 1_000]
)
def test_the_band_holds_all_rows_in_95_percent_of_samples(n: int) -> None:
    # numbers of rows of the table exactly, those between them by interpolation
    tabulated = n in (1, 2, 3, 4, 6, 10, 20, 40, 100, 300, 1_000)
    assert coverage(*bounds(n)) == pytest.approx(0.95, abs=5e-6 if tabulated else 1e-3)


def test_the_coverage_is_that_of_simulated_samples() -> None:
    low, high = bounds(50)
    u = np.sort(np.random.default_rng(0).random((20_000, 50)), axis=1)
    inside = np.mean(np.all((u >= low) & (u <= high), axis=1))
    assert inside == pytest.approx(coverage(low, high), abs=4.0 * np.sqrt(0.95 * 0.05 / 20_000))


def test_the_band_of_rows_is_that_of_their_ranks() -> None:
    x = np.random.default_rng(1).random(30)
    rows = DrawnRows.from_outcomes(x)
    low, high = rows.band(np.arange(30))
    expected = bounds(30)
    np.testing.assert_allclose(low, expected[0], rtol=1e-12)
    np.testing.assert_allclose(high, expected[1], rtol=1e-12)


def test_weights_count_as_so_many_rows() -> None:
    x, weight = np.array([2.0, 1.0, 3.0, 2.0]), np.array([1.0, 2.0, 0.0, 3.0])
    rows, copies = (
        DrawnRows.from_outcomes(x, weight),
        DrawnRows.from_outcomes(np.array([1, 1, 2, 2, 2, 2.0])),
    )
    for name in ("values", "weights", "upto", "middle"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(copies, name))
    np.testing.assert_allclose(rows.upto, [2 / 6, 1.0])
    assert rows.quantile(0.3) == 1.0
    assert rows.quantile(0.4) == 2.0
    assert rows.quantile(1.0) == 2.0


def test_few_points_keep_both_ends() -> None:
    rows = DrawnRows.from_outcomes(np.random.default_rng(2).standard_normal(100_000))
    places = rows.few(400)
    assert places[0] == 0
    assert places[-1] == 99_999
    assert 200 <= places.size <= 400
    assert list(places[:3]) == [0, 1, 2]  # the ends are drawn row by row
