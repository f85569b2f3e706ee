"""Entropy of rounded numbers. Truths: SciPy's entropies of the distributions before rounding."""

import math

import numpy as np
import pytest
from scipy import stats

import kullback as kl
from kullback._core.errors import DataError
from kullback.information.neighbours.cells import cells_of

LAWS = {
    "normal": stats.norm(),
    "exponential": stats.expon(),
    "log-normal": stats.lognorm(1.0),
    "gamma": stats.gamma(2.0),
}


@pytest.mark.parametrize("step", [0.02, 0.1, 0.25])
@pytest.mark.parametrize("rows", [300, 5000])
@pytest.mark.parametrize("name", LAWS)
def test_rounding_to_one_step(name, rows, step):
    law = LAWS[name]
    x = law.rvs(rows, random_state=np.random.default_rng([8, rows]))
    found = kl.estimate_entropy(np.round(x / step) * step)
    # 24 draws of four samples a size: 3 standard errors
    assert abs(found.value - law.entropy()) < 3.0 * found.stderr
    assert found.stderr < 1.8 / math.sqrt(rows)
    assert found.method.startswith("Kozachenko–Leonenko")
    assert any("it is taken as rounded to multiples of" in said for said in found.assumptions)


@pytest.mark.parametrize("steps", [(1, 10, 100), (0.01, 10, 50), (0, 50), (1, 5)])
@pytest.mark.parametrize("rows", [300, 5000])
def test_values_rounded_to_several_steps(rows, steps):
    rng = np.random.default_rng([9, rows])
    x = rng.normal(1000.0, 300.0, rows)
    which = rng.choice(len(steps), rows)
    for place, step in enumerate(steps):
        if step:
            x[which == place] = np.round(x[which == place] / step) * step
    found = kl.estimate_entropy(x) if (x != np.round(x)).any() else None
    found = found or kl.estimate_entropy(x, method="nearest neighbours")
    truth = float(stats.norm(1000.0, 300.0).entropy())
    assert abs(found.value - truth) < 3.0 * found.stderr


def test_the_unit_of_the_values_adds_its_logarithm():
    x = np.random.default_rng(10).lognormal(size=1000).round(2)
    found, cents = kl.estimate_entropy(x), kl.estimate_entropy(x / 64.0)
    # H(aX) = H(X) + log a; 1/64 is exact, and the noise is the same
    assert found.value - cents.value == pytest.approx(math.log(64.0), abs=1e-9)
    assert found.stderr == pytest.approx(cents.stderr, rel=1e-6)


def test_a_bound_leaves_half_a_cell():
    x = np.random.default_rng(11).random(4000).round(1)
    found = kl.estimate_entropy(x)
    assert abs(found.value) < 3.0 * found.stderr  # log 1 = 0
    cells = cells_of(x, "x")
    assert (cells.low.min(), cells.high.max()) == (0.0, 1.0)
    assert sum("taken as half one" in said for said in found.assumptions) == 2


def test_losses_in_the_prices_of_one_year():
    """Rounded amounts divided by a price index, and others: no single step."""
    x = np.loadtxt("examples/data/danish_fire_losses.csv", skiprows=1)
    found = kl.estimate_entropy(x)
    # N. Ebrahimi's spacing estimates (1994), with windows of 20 to 60 rows on either side
    n = x.size
    ordered = np.sort(x)
    for m in (20, 30, 60):
        last, first = np.minimum(np.arange(n) + m, n - 1), np.maximum(np.arange(n) - m, 0)
        spacing = float(np.mean(np.log((ordered[last] - ordered[first]) * n / (last - first))))
        assert abs(found.value - spacing) < 2.5 * found.stderr


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (np.random.default_rng(12).normal(size=500).round() + 0.5, "too few to know the density"),
        (np.maximum(np.random.default_rng(12).normal(size=500), 0.0), "rows are 0: too many"),
        (np.repeat(np.random.default_rng(12).normal(size=300), 2), "lie on no grid"),
    ],
)
def test_no_number_where_rounding_is_not_the_reason_or_too_coarse(values, why):
    with pytest.raises(DataError, match=why) as caught:
        kl.estimate_entropy(values)
    assert 'Give method="grassberger" to count the values instead.' in str(caught.value)
    assert kl.estimate_entropy(values, method="grassberger").value > 0.0


def test_relative_entropy_of_two_rounded_samples():
    rng = np.random.default_rng(13)
    p, q = rng.normal(size=3000).round(1), rng.normal(0.5, 1.2, size=3000).round(1)
    truth = 0.5 * ((1.0 + 0.25) / 1.44 - 1.0) + math.log(1.2)  # of normal distributions
    for one, other in ((p, q), (p, rng.normal(0.5, 1.2, size=3000))):
        found = kl.estimate_kl(one, other)
        assert abs(found.value - truth) < 3.0 * found.stderr
