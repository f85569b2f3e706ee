"""Turnbull's estimate: a published case, an independent optimiser, and bins."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import optimize

import kullback as kl
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.nonparametric.codes import coded
from kullback.nonparametric.distinct_ends import distinct_ends
from kullback.nonparametric.product_limit import product_limit
from kullback.nonparametric.turnbull import turnbull

INF = np.inf
# Months until the breasts of 46 women with radiotherapy deteriorated: D. M. Finkelstein & R. A.
# Wolfe (1985), Biometrics 41, 933–945; bcdeter of the R package KMsurv
REFERENCE = Path(__file__).parents[1] / "reference" / "nonparametric" / "bcdeter_radiotherapy.csv"


def test_breast_cosmesis_of_radiotherapy() -> None:
    table = pd.read_csv(REFERENCE)
    found = kl.empirical(table, ("lower", "upper"))
    # icfit of the R package interval prints these, after M. P. Fay & P. A. Shaw (2010), J. Stat.
    # Software 36(2), section 4: intervals (lower, upper]
    frame = found.to_frame()
    ends = [(4, 5), (6, 7), (7, 8), (11, 12), (24, 25), (33, 34), (38, 40), (46, 48)]
    np.testing.assert_array_equal(frame[["lower", "upper"]], ends)
    mass = [0.0463, 0.0334, 0.0887, 0.0708, 0.0926, 0.0818, 0.1209, 0.4656]
    np.testing.assert_allclose(frame["mass"], mass, atol=5.1e-5)
    assert found.kinds == {"interval-censored": 18, "left-censored": 3, "right-censored": 25}
    assert found.method == "Turnbull estimate"
    assert found.cdf(20.0) == pytest.approx(0.2392, abs=2e-4)  # flat between 12 and 24
    assert np.isnan(found.cdf(4.5))  # inside an interval
    assert np.isnan(found.quantile(0.9))
    # of 14 intervals that may hold mass 8 do: errors from their information would be too small
    assert "some intervals that may hold mass hold none" in found.notes[-1]
    assert np.all(np.isnan(found.band().lower))
    with pytest.raises(kl.KullbackError, match="no simultaneous band of a Turnbull estimate is kn"):
        found.band(simultaneous=True)


def rows(seed: int, windows: str) -> dict[str, np.ndarray]:
    """Rows of all kinds, with ties; windows: "", "lower" or "both"."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.weibull(1.5, 22) * 10.0, 0) + 1.0
    low = np.where(rng.random(22) < 0.5, np.round(rng.uniform(0.0, 4.0, 22)), -INF)
    high = np.where(rng.random(22) < 0.5, np.round(rng.uniform(12.0, 20.0, 22)), INF)
    low = low if windows else np.full(22, -INF)
    high = high if windows == "both" else np.full(22, INF)
    kept = (x > low) & (x <= high)
    x, low, high = x[kept], low[kept], high[kept]
    how = rng.integers(0, 4, x.size)
    lower = np.maximum(np.where(how == 2, -INF, x - rng.integers(1, 4, x.size)), low)
    upper = np.minimum(np.where(how == 1, INF, x + rng.integers(0, 4, x.size)), high)
    lower, upper = (np.where(how == 0, x, end) for end in (lower, upper))
    weight = rng.integers(1, 4, x.size).astype(float)
    kept = np.isfinite(lower) | np.isfinite(upper)
    columns = {"a": lower, "b": upper, "low": low, "high": high, "w": weight}
    return {name: column[kept] for name, column in columns.items()}


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("windows", ["", "lower", "both"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_the_maximum_of_the_likelihood(seed: int, windows: str, closed: bool) -> None:
    data = rows(seed, windows)
    window = ("low" if windows else None, "high" if windows == "both" else None)
    given = {"truncation": window} if windows else {}
    found = kl.empirical(data, ("a", "b"), weights="w", closed=closed, **given)
    assert not any("NOT CONVERGED" in note for note in found.notes)
    # SciPy's SLSQP over the probability of every value of a lattice: one at each whole number for
    # what lies there, one between each two for what lies above and below
    lattice = np.arange(-1.0, 40.0, 0.5)

    def holds(lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
        start = lower if closed else np.where(lower < upper, lower + 0.25, lower)
        return ((lattice >= start[:, None]) & (lattice <= upper[:, None])).astype(float)

    own = holds(data["a"], data["b"])
    low = np.where(data["low"] == data["a"], data["low"] - (data["a"] == data["b"]), data["low"])
    seen = holds(low, data["high"])
    kept = own.any(axis=0)
    own, seen, w = own[:, kept], seen[:, kept], data["w"] / data["w"].sum()

    def loss(p: np.ndarray) -> float:
        return float(w @ (np.log(seen @ p) - np.log(own @ p)))

    def slope(p: np.ndarray) -> np.ndarray:
        return (w / (seen @ p)) @ seen - (w / (own @ p)) @ own

    size = int(kept.sum())
    best = optimize.minimize(
        loss,
        np.full(size, 1.0 / size),
        jac=slope,
        method="SLSQP",
        bounds=[(1e-13, 1.0)] * size,
        constraints={"type": "eq", "fun": lambda p: p.sum() - 1.0, "jac": np.ones_like},
        options={"maxiter": 2_000, "ftol": 1e-15},
    )
    assert found.steps.mass.sum() == pytest.approx(1.0, abs=1e-12)
    ours = _mean_log_likelihood(found, data, closed=closed)
    assert ours == pytest.approx(-best.fun, abs=1e-7)  # SLSQP's own accuracy
    assert ours >= -best.fun - 1e-10


def _mean_log_likelihood(found: kl.Empirical, data: dict[str, Any], *, closed: bool) -> float:
    s = found.steps

    def probability(lower: float, upper: float, *, point: bool) -> float:
        if point:
            return float(s.mass[(s.lower == lower) & (s.upper == lower)].sum())
        # a mass lies in the row if its interval does
        begins = (
            (s.lower >= lower)
            if closed
            else (s.lower >= lower) & ~((s.lower == lower) & (s.upper == lower))
        )
        return float(s.mass[begins & (s.upper <= upper)].sum())

    total = 0.0
    for a, b, low, high, w in zip(*data.values(), strict=True):
        own = probability(a, b, point=a == b)
        seen = probability(low, high, point=False)
        if low == a == b and not closed:
            seen += probability(a, a, point=True)
        total += w * (np.log(own) - np.log(seen))
    return total / data["w"].sum()


def test_bins_are_their_shares() -> None:
    data = {"a": [0.0, 1.0, 3.0, 7.0], "b": [1.0, 3.0, 7.0, INF], "n": [5, 3, 8, 4]}
    found = kl.empirical(data, ("a", "b"), weights="n")
    np.testing.assert_allclose(found.cdf([1.0, 3.0, 7.0]), [0.25, 0.4, 0.8], rtol=1e-12)
    # a multinomial distribution's: √(F(1 − F)/n)
    expected = np.sqrt(np.array([0.25 * 0.75, 0.4 * 0.6, 0.8 * 0.2]) / 20.0)
    np.testing.assert_allclose(found.stderr([1.0, 3.0, 7.0]), expected, rtol=1e-9)
    assert np.isnan(found.cdf(2.0))


def test_the_product_limit_is_a_case_of_it() -> None:
    rng = np.random.default_rng(4)
    t, seen = np.round(rng.weibull(1.5, 80) * 20.0) + 1.0, rng.random(80) < 0.6
    entry = np.where(rng.random(80) < 0.5, np.floor(t * rng.random(80) * 0.5), 0.0)
    roles = Roles(y="t", event="seen", truncation=("entry", None))
    rows = coded(
        distinct_ends(open_sample({"t": t, "seen": seen, "entry": entry}, roles)), closed=False
    )
    other, found = product_limit(rows), turnbull(rows, closed=False)
    np.testing.assert_array_equal(found.upper, other.upper)
    np.testing.assert_allclose(found.mass, other.mass, atol=1e-8)
    # Greenwood's formula is the information of the masses
    np.testing.assert_allclose(found.stderr[:-1], other.stderr[:-1], rtol=1e-6)


def test_many_rows_converge() -> None:
    rng = np.random.default_rng(1)
    x = rng.weibull(1.5, 5_000)
    visits = np.cumsum(rng.exponential(0.4, (5_000, 3)), axis=1)
    ends = np.column_stack([np.zeros(5_000), visits, np.full(5_000, INF)])
    place = (ends < x[:, None]).sum(axis=1)
    which = np.arange(5_000)
    found = kl.empirical({"a": ends[which, place - 1], "b": ends[which, place]}, ("a", "b"))
    assert not any("NOT CONVERGED" in note for note in found.notes)
    # such estimates converge like n^(−1/3): 0.058
    at = found.at[(found.at > 0.3) & (found.at < 1.5)]
    assert at.size > 20
    np.testing.assert_allclose(found.survival(at), np.exp(-(at**1.5)), atol=0.06)
