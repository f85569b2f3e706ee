"""Rounded columns: the step of their grid, and mutual information of rounded and whole numbers."""

import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback.information.neighbours.grid import grid_step


def generator(seed):
    return np.random.default_rng(seed)


def normal_pair(seed, rows, rho):
    x, noise = generator(seed).standard_normal((2, rows))
    return x, rho * x + math.sqrt(1.0 - rho * rho) * noise


def rounded_information(rho, step):
    """Mutual information of a normal pair rounded to multiples of a step: SciPy's cell masses."""
    edges = np.arange(-6.0 - step / 2.0, 6.0 + step, step)
    # within a cell of x, y's cells by the midpoint rule over 20 slices
    slices = edges[:-1, None] + (np.arange(20) + 0.5) * step / 20
    cells = np.diff(
        stats.norm.cdf((edges - rho * slices[:, :, None]) / math.sqrt(1.0 - rho * rho)), axis=2
    )
    with np.errstate(under="ignore"):
        joint = np.sum(cells * stats.norm.pdf(slices)[:, :, None], axis=1)
        joint /= joint.sum()
        independent = np.outer(joint.sum(axis=1), joint.sum(axis=0))
        return float(stats.entropy(joint.ravel(), independent.ravel()))


@pytest.mark.parametrize("step", [0.01, 0.05, 0.1, 0.25, 1.0, 3.0, 1000.0])
def test_the_step_is_the_one_rounded_to(step):
    values = np.round(generator(1).standard_normal(2000) * 20.0) * step
    assert grid_step(values) == pytest.approx(step, rel=1e-9)
    assert grid_step(values + 5e3 * step) == pytest.approx(step, rel=1e-9)


def test_numbers_that_lie_on_no_grid_have_no_step():
    x = generator(2).standard_normal(1000)
    assert grid_step(x) is None
    assert grid_step(np.maximum(x, 0.0)) is None  # half of them zeros
    assert grid_step(np.repeat(x, 2)) is None  # every row twice
    assert grid_step(np.float64(np.float32(x)).clip(-1.0, 1.0)) is None
    assert grid_step(np.zeros(10)) is None
    assert grid_step(np.array([1.0, 2.0] * 20)) is None


@pytest.mark.parametrize("seed", range(5))
def test_independent_rounded_and_whole_columns_inform_nothing(seed):
    g = generator([seed, 7])
    pairs = [
        (g.standard_normal(1000).round(1), g.standard_normal(1000).round(1)),
        (g.integers(18, 80, 1000), g.standard_normal(1000)),
        (g.standard_normal(1000), g.integers(18, 80, 1000)),
        (g.poisson(50, 5000), g.poisson(50, 5000)),
        (g.integers(0, 100, 1000), g.integers(0, 100, 1000)),
        (g.integers(18, 80, 500), np.array(["a", "b"])[g.integers(0, 2, 500)]),
        (g.standard_normal((1000, 2)).round(1), g.standard_normal(1000).round(1)),
    ]
    for x, y in pairs:
        found = kl.estimate_mutual_information(x, y)
        # 35 seeded draws: 3.3 standard errors, which one normal draw in 1,000 exceeds
        assert found.value <= 3.3 * found.stderr
        assert found.value >= -1.96 * found.stderr
        assert found.stderr < 0.06


def test_the_columns_of_the_report():
    r = generator
    found = kl.estimate_mutual_information(
        r(0).standard_normal(1000).round(1), r(1).standard_normal(1000).round(1)
    )
    assert abs(found.value) <= 1.96 * found.stderr
    assert found.method.startswith("Kraskov–Stögbauer–Grassberger")
    assert 'column "x" is rounded to multiples of 0.1' in " ".join(found.assumptions)


@pytest.mark.parametrize("rho", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("step", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("rows", [300, 1000, 5000])
def test_dependent_rounded_columns_are_near_the_sum_over_cells(rho, step, rows):
    x, y = normal_pair(3, rows, rho)
    truth = rounded_information(rho, step)
    found = kl.estimate_mutual_information(np.round(x / step) * step, np.round(y / step) * step)
    # 27 seeded draws: 3.3 standard errors, which one normal draw in 1,000 exceeds
    assert abs(found.value - truth) < 3.3 * found.stderr
    whole = kl.estimate_mutual_information(np.round(x / step), np.round(y / step))
    assert abs(whole.value - truth) < 3.3 * whole.stderr


def test_full_cells_are_counted():
    x, y = normal_pair(4, 20_000, 0.6)
    found = kl.estimate_mutual_information(np.round(x / 1.5) * 1.5, np.round(y / 1.5) * 1.5)
    assert "both columns hold values that repeat, which are counted" in found.assumptions
    assert abs(found.value - rounded_information(0.6, 1.5)) < 3.0 * found.stderr


def test_the_same_values_give_the_same_estimate():
    x, y = (column.round(1) for column in normal_pair(5, 500, 0.5))
    first, again = (kl.estimate_mutual_information(x, y) for _ in range(2))
    assert (first.value, first.stderr) == (again.value, again.stderr)


def test_near_zero_and_strong_dependence_are_said_to_be_covered_otherwise():
    """Where COVERAGE.md has 97 to 100%, or about 90%, instead of 95%."""
    x, y = normal_pair(21, 300, 0.0)
    near = kl.estimate_mutual_information(x.round(1), y.round(1))
    assert any("wider than it says" in said for said in near.assumptions)
    x, y = normal_pair(21, 2000, 0.5)
    between = kl.estimate_mutual_information(x.round(1), y.round(1))
    assert not any("than it says" in said for said in between.assumptions)
    x, y = normal_pair(21, 1000, 0.9)
    coarse = kl.estimate_mutual_information(np.round(2 * x), np.round(2 * y))
    assert any("less often than it says" in said for said in coarse.assumptions)


def test_a_step_is_found_among_gaps_of_a_hundred_thousand_steps():
    x = generator(22).lognormal(7.0, 1.0, 3000)
    x[::2] = np.round(x[::2], -1)
    assert grid_step(np.round(x / 0.01) * 0.01) == pytest.approx(0.01, rel=1e-9)
