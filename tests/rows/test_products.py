"""What fits bring, on every kind of row: each number by SciPy, or by another cell of the grid.

The grid is feature × kind of row × model. Models are a list: another joins with its distribution in
SciPy, its true parameters and a reading of the fitted ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

import kullback as kl
from kullback.data.poisson_weights import PoissonWeights

N = 240


@dataclass(frozen=True)
class Case:
    """A model.

    Attributes:
        model: as it is fitted.
        law: its distribution in SciPy, from parameters in the order of ``names``.
        truth: the parameters that samples are drawn with.
        width: of the cells that outcomes are rounded to.
        restriction: a hypothesis for tests, and the model that it leaves.
    """

    model: kl.Model
    law: Callable[..., Any]
    truth: tuple[float, ...]
    width: float
    restriction: tuple[str, kl.Model]


@dataclass(frozen=True)
class Inflated:
    """Zero with a probability of its own, otherwise a count of SciPy's."""

    zero: float
    law: Any

    def cdf(self, x: Any) -> Any:
        return np.where(np.asarray(x) < 0.0, 0.0, self.zero + (1.0 - self.zero) * self.law.cdf(x))

    def sf(self, x: Any) -> Any:
        return 1.0 - self.cdf(x)

    def logsf(self, x: Any) -> Any:
        return np.log(self.sf(x))

    def logpmf(self, x: Any) -> Any:
        return np.log(self.zero * (np.asarray(x) == 0.0) + (1.0 - self.zero) * self.law.pmf(x))

    def rvs(self, size: int, random_state: Any) -> Any:
        counts = self.law.rvs(size, random_state=random_state)
        return counts * (random_state.random(size) >= self.zero)

    def mean(self) -> float:
        return (1.0 - self.zero) * float(self.law.mean())

    def std(self) -> float:
        square = (1.0 - self.zero) * (self.law.var() + self.law.mean() ** 2)
        return float(np.sqrt(square - self.mean() ** 2))


@dataclass(frozen=True)
class Cut:
    """A distribution of SciPy's below an end."""

    law: Any
    upper: float

    @property
    def kept(self) -> float:
        return float(self.law.cdf(self.upper))

    def cdf(self, x: Any) -> Any:
        return np.minimum(self.law.cdf(x) / self.kept, 1.0)

    def sf(self, x: Any) -> Any:
        return np.maximum((self.law.sf(x) - self.law.sf(self.upper)) / self.kept, 0.0)

    def logsf(self, x: Any) -> Any:
        return np.log(self.sf(x))

    def logpdf(self, x: Any) -> Any:
        return self.law.logpdf(x) - np.log(self.kept)

    def rvs(self, size: int, random_state: Any) -> Any:
        return self.law.ppf(self.kept * random_state.random(size))

    def mean(self) -> float:
        return float(self.law.expect(ub=self.upper)) / self.kept

    def std(self) -> float:
        square = float(self.law.expect(lambda x: x * x, ub=self.upper)) / self.kept
        return float(np.sqrt(square - self.mean() ** 2))


MODELS = {
    "Weibull": Case(
        kl.Weibull(),
        lambda shape, scale: stats.weibull_min(shape, scale=scale),
        (1.5, 3.0),
        1.0,
        ("shape = 1.4", kl.Weibull(shape=1.4)),
    ),
    "Normal": Case(kl.Normal(), stats.norm, (5.0, 2.0), 1.0, ("loc = 5.1", kl.Normal(loc=5.1))),
    "Poisson": Case(kl.Poisson(), stats.poisson, (4.0,), 2.0, ("rate = 4.1", kl.Poisson(rate=4.1))),
    "Truncated": Case(
        kl.Truncated(kl.Gamma(), upper=8.0),
        lambda shape, rate: Cut(stats.gamma(shape, scale=1.0 / rate), 8.0),
        (2.0, 0.5),
        1.0,
        ("shape = 2.1", kl.Truncated(kl.Gamma(shape=2.1), upper=8.0)),
    ),
    "ZeroInflated": Case(
        kl.ZeroInflated(kl.Poisson()),
        lambda zero, rate: Inflated(zero, stats.poisson(rate)),
        (0.3, 4.0),
        2.0,
        ("rate = 4.1", kl.ZeroInflated(kl.Poisson(rate=4.1))),
    ),
}
Rows = dict[str, np.ndarray]
# the arguments of kl.fit for each kind of rows, whose columns `rows_of` makes
ROLES: dict[str, dict[str, Any]] = {
    "exact": {"y": "x"},
    "weighted": {"y": "x", "weights": "n"},
    "right-censored": {"y": "time", "event": "seen"},
    "interval-censored": {"y": ("lower", "upper")},
    "binned": {"y": ("lower", "upper"), "weights": "n"},
    "left-truncated": {"y": "x", "truncation": ("entry", None)},
}
# rows in cells one by one take longer than binned ones, which are the same: of one model
GRID = [(m, k) for m in MODELS for k in ROLES if k != "interval-censored" or m == "Weibull"]


def is_count(case: Case) -> bool:
    return case.model.discrete


@cache
def rows_of(name: str, kind: str, seed: int = 0) -> Rows:
    """A sample of the true distribution, observed in one way."""
    case = MODELS[name]
    rng, law = np.random.default_rng([seed, len(name), len(kind)]), case.law(*case.truth)
    x = law.rvs(4 * N, random_state=rng) * 1.0
    if kind == "left-truncated":
        entry = law.rvs(4 * N, random_state=rng) - law.std()
        at = np.flatnonzero(x > entry)[:N]
        return {"x": x[at], "entry": entry[at]}
    x = x[:N]
    if kind == "weighted":
        return {"x": x, "n": rng.integers(1, 4, N) * 1.0}
    if kind == "right-censored":
        limit = law.rvs(N, random_state=rng) + 0.7 * law.std()
        if is_count(case):
            limit = np.ceil(limit)
        return {"time": np.minimum(x, limit), "seen": (x < limit) * 1.0}
    lower = np.floor(x / case.width) * case.width
    upper = lower + case.width - (1.0 if is_count(case) else 0.0)
    if kind == "interval-censored":
        return {"lower": lower, "upper": upper}
    if kind == "binned":
        cells, counts = np.unique(np.stack([lower, upper]), axis=1, return_counts=True)
        return {"lower": cells[0], "upper": cells[1], "n": counts * 1.0}
    return {"x": x}


@cache
def fit_of(name: str, kind: str) -> kl.Fit:
    return kl.fit(MODELS[name].model, rows_of(name, kind), **ROLES[kind])


def losses(case: Case, params: Any, rows: Rows, kind: str) -> np.ndarray:
    """−log of the probability of what was observed, by SciPy."""
    law, step = case.law(*params), 1.0 if is_count(case) else 0.0
    log_density = law.logpmf if is_count(case) else law.logpdf
    if "lower" in rows:
        return -np.log(law.cdf(rows["upper"]) - law.cdf(rows["lower"] - step))
    if kind == "right-censored":
        at = rows["time"]
        return -np.where(rows["seen"] == 1.0, log_density(at), law.logsf(at - step))
    own = -log_density(rows["x"])
    if kind == "left-truncated":
        entry = np.ceil(rows["entry"]) if is_count(case) else rows["entry"]
        own = own + law.logsf(entry - step)
    return own


def weights_of(rows: Rows) -> np.ndarray:
    return rows.get("n", np.ones(len(next(iter(rows.values())))))


def total(case: Case, params: Any, rows: Rows, kind: str) -> float:
    return float(np.sum(weights_of(rows) * losses(case, params, rows, kind)))


def gradient(f: Callable[[np.ndarray], Any], at: np.ndarray, step: float = 1e-5) -> np.ndarray:
    """Central differences, with the derivative in each number along the first axis."""
    moves = np.diag(step * np.maximum(np.abs(at), 1.0))
    return np.stack([(f(at + m) - f(at - m)) / (2.0 * m.sum()) for m in moves])


def hessian(f: Callable[[np.ndarray], float], at: np.ndarray) -> np.ndarray:
    return gradient(lambda p: gradient(f, p, 1e-4), at, 1e-4)


def estimate(fit: kl.Fit) -> np.ndarray:
    return np.array([fit.params[name] for name in fit.names])


def copies(rows: Rows) -> Rows:
    """Each row as often as its weight says."""
    times = weights_of(rows).astype(int)
    return {name: np.repeat(values, times) for name, values in rows.items() if name != "n"}


@pytest.mark.parametrize(("name", "kind"), GRID)
def test_estimate_errors_and_likelihood(name: str, kind: str) -> None:
    case, rows, fit = MODELS[name], rows_of(name, kind), fit_of(name, kind)
    at, w = estimate(fit), weights_of(rows)
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(-total(case, at, rows, kind), rel=1e-11)
    scores = gradient(lambda p: losses(case, p, rows, kind), at)
    # differences of a step h = 1e-5 leave h² of the third derivative, and rounding over h
    assert scores @ w / w.sum() == pytest.approx(0.0, abs=1e-7)
    curvature = hessian(lambda p: total(case, p, rows, kind), at)
    observed = np.linalg.inv(curvature)
    assert fit.covariance() == pytest.approx(observed, rel=1e-4, abs=1e-8)
    sandwich = observed @ (scores * w @ scores.T) @ observed
    assert fit.covariance("sandwich") == pytest.approx(sandwich, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize(("name", "kind"), GRID)
def test_quantities_bands_and_tests_by_the_delta_method(name: str, kind: str) -> None:
    case, fit = MODELS[name], fit_of(name, kind)
    at, covariance = estimate(fit), fit.covariance()
    x = case.law(*case.truth).mean()
    slope = gradient(lambda p: case.law(*p).sf(x), at)
    error = float(np.sqrt(slope @ covariance @ slope))
    found = fit.derived(lambda model: model.survival(x))
    assert float(found) == pytest.approx(case.law(*at).sf(x), rel=1e-10)
    assert found.stderr == pytest.approx(error, rel=1e-5)
    band = fit.band("survival", [x])
    s = float(found)  # symmetric on the log odds
    half = stats.norm.ppf(0.975) * error / (s * (1.0 - s))
    ends = 1.0 / (1.0 + np.exp(-(np.log(s / (1.0 - s)) + half * np.array([-1.0, 1.0]))))
    assert [band.lower[0], band.upper[0]] == pytest.approx(ends, rel=1e-5)
    text, small = case.restriction
    value = float(text.split("=")[1])
    own = text.split("=")[0].strip()
    wald = ((fit.params[own] - value) / fit.stderr[own]) ** 2
    assert fit.test(text).statistic == pytest.approx(wald, rel=1e-9)
    restricted = kl.fit(small, rows_of(name, kind), **ROLES[kind])
    rows = rows_of(name, kind)
    free = [n for n in fit.names if n != own]

    def of_free(p: np.ndarray) -> float:
        full = {own: value, **dict(zip(free, p, strict=True))}
        with np.errstate(all="ignore"):  # outside a parameter's domain
            found = total(case, [full[n] for n in fit.names], rows, kind)
        return found if np.isfinite(found) else np.inf

    start = [fit.params[n] for n in free]
    options = {"xatol": 1e-9, "fatol": 1e-11}
    simplex = (
        optimize.minimize(of_free, start, method="Nelder-Mead", options=options) if free else None
    )
    least = of_free(np.zeros(0)) if simplex is None else simplex.fun
    ratio = 2.0 * (least - total(case, at, rows, kind))
    assert kl.likelihood_ratio_test(restricted, fit).statistic == pytest.approx(ratio, abs=1e-6)


@pytest.mark.parametrize(("name", "kind"), GRID)
def test_ends_of_profile_intervals(name: str, kind: str) -> None:
    case, rows, fit = MODELS[name], rows_of(name, kind), fit_of(name, kind)
    at, own = estimate(fit), fit.names[0]
    ends = fit.interval(method="profile", parameters=[own])[own]
    least = total(case, at, rows, kind)

    def deviance(value: float) -> float:
        if at.size == 1:
            return 2.0 * (total(case, [value], rows, kind) - least)
        scale = fit.stderr[fit.names[1]]
        around = (at[1] - 4.0 * scale, at[1] + 4.0 * scale)
        found = optimize.minimize_scalar(
            lambda p: total(case, [value, p], rows, kind),
            bounds=around,
            method="bounded",
            options={"xatol": 1e-9},
        )
        return 2.0 * (found.fun - least)

    for end in ends.tolist():
        assert deviance(end) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-6)


@pytest.mark.parametrize(("name", "kind"), GRID)
def test_losses_of_new_rows_and_criteria(name: str, kind: str, tmp_path: Path) -> None:
    case, fit = MODELS[name], fit_of(name, kind)
    at, new = estimate(fit), rows_of(name, kind, 1)
    own, w = losses(case, at, new, kind), weights_of(new)
    found = kl.estimate_cross_entropy(fit.model, new, **ROLES[kind])
    mean = np.average(own, weights=w)
    assert float(found) == pytest.approx(mean, rel=1e-11)
    variance = np.average((own - mean) ** 2, weights=w) / (w.sum() - 1.0)
    assert found.stderr == pytest.approx(np.sqrt(variance), rel=1e-8)
    other = kl.fit(case.restriction[1], rows_of(name, kind), **ROLES[kind]).model
    theirs = losses(case, [other.params[n] for n in fit.names], new, kind)
    difference = kl.estimate_cross_entropy_difference(fit.model, other, new, **ROLES[kind])
    assert float(difference) == pytest.approx(np.average(own - theirs, weights=w), abs=1e-11)
    (entry,) = kl.compare([case.model], rows_of(name, kind), **ROLES[kind], criterion="aic").models
    deviance = 2.0 * total(case, at, rows_of(name, kind), kind)
    assert entry.criterion("aic") == pytest.approx(deviance + 2.0 * at.size, rel=1e-10)
    # a saved fit has the same numbers
    fit.save(tmp_path / "fit.json")
    loaded = kl.load(tmp_path / "fit.json")
    assert loaded == fit
    assert loaded.params == fit.params
    assert str(loaded.covariance("sandwich")) == str(fit.covariance("sandwich"))
    # and the summary counts the rows by kind
    text, rows = str(fit.summary()), rows_of(name, kind)
    assert f"{weights_of(rows).size} rows" in text
    assert f"log-likelihood {fit.log_likelihood:,.6f}" in " ".join(text.split())
    words = {"binned": "interval-censored"}.get(kind, kind)
    if kind == "right-censored":
        assert f"{np.count_nonzero(rows['seen'] == 0.0)} of {N} rows are {kind}" in text
    if kind not in ("exact", "weighted"):  # the entropy of what was not seen is unknown
        assert words in text
        assert np.isnan(fit.decomposition()["entropy"])


@pytest.mark.parametrize(("name", "kind"), GRID)
def test_replicates_of_poisson_weights(name: str, kind: str) -> None:
    case, rows, fit = MODELS[name], rows_of(name, kind), fit_of(name, kind)
    found = fit.bootstrap(3, kind="poisson", seed=5)
    w = weights_of(rows)
    own = PoissonWeights(5).of(np.arange(w.size), None if "n" not in rows else w, np.arange(3))
    for i in range(3):
        roles = {**ROLES[kind], "weights": "n"}
        again = kl.fit(case.model, {**rows, "n": own[:, i] * 1.0}, **roles)
        for number, values in found.params.items():
            assert values[i] == pytest.approx(again.params[number], rel=1e-7)


@pytest.mark.parametrize(("name", "kind"), GRID)
def test_replicates_of_the_fitted_distribution(name: str, kind: str) -> None:
    # tests/resampling/test_observed_draws.py has what is drawn
    fit, n = fit_of(name, kind), 19  # as many as a level of 90% needs
    found = fit.bootstrap(n, kind="parametric", seed=1)
    assert found.failed == 0
    for number, error in found.stderr.items():
        # 4 errors of a standard deviation and of a mean
        assert error == pytest.approx(fit.stderr[number], rel=4.0 / np.sqrt(2.0 * n))
        shift = np.mean(found.params[number]) - fit.params[number]
        assert abs(shift) < 4.0 / np.sqrt(n) * fit.stderr[number]
    ends = fit.interval(method="bootstrap", bootstrap=found, level=0.9)
    for number, (low, high) in ends.items():
        assert min(found.params[number]) <= low < fit.params[number] < high
        assert high <= max(found.params[number])


@pytest.mark.parametrize(
    ("name", "kind"),
    [(n, k) for n, k in GRID if not MODELS[n].model.discrete or "truncated" not in k],
)
def test_statistics_of_goodness_of_fit(name: str, kind: str) -> None:
    case, rows, fit = MODELS[name], rows_of(name, kind), fit_of(name, kind)
    law = case.law(*estimate(fit))
    if is_count(case) and kind == "right-censored":
        with pytest.raises(kl.KullbackError, match="counts must be exact and not truncated, or"):
            fit.goodness_of_fit(9)
        return
    found = fit.goodness_of_fit(9)
    assert found.n == weights_of(rows).sum()
    if "lower" in rows or is_count(case):
        expected = chi_square_of(case, law, copies(rows))
        assert found.chi_square is not None
        assert found.chi_square.statistic == pytest.approx(expected, rel=1e-9)
        return
    assert found.kolmogorov_smirnov is not None
    assert found.cramer_von_mises is not None
    if kind == "right-censored":  # the largest distance to SciPy's product-limit estimate
        seen = rows["seen"] == 1.0
        data = stats.CensoredData(uncensored=rows["time"][seen], right=rows["time"][~seen])
        curve = stats.ecdf(data).cdf
        q, p = curve.quantiles, curve.probabilities
        before = np.concatenate([[0.0], p[:-1]])
        distance = max(np.max(p - law.cdf(q)), np.max(law.cdf(q) - before))
        assert found.kolmogorov_smirnov.statistic == pytest.approx(distance, rel=1e-9)
        last = int(np.argmax(rows["time"]))
        top = 1.0 if seen[last] else law.cdf(rows["time"][last])
        grid = np.linspace(0.0, top, 200_001)
        grid = 0.5 * (grid[1:] + grid[:-1])
        steps = np.concatenate([[0.0], p])[np.searchsorted(law.cdf(q), grid, side="right")]
        squares = N * np.mean((steps - grid) ** 2) * top
        assert found.cramer_von_mises.statistic == pytest.approx(squares, rel=1e-4)
        return
    own = copies(rows)
    u = law.cdf(own["x"])
    if kind == "left-truncated":
        u = 1.0 - law.sf(own["x"]) / law.sf(own["entry"])
    statistic = stats.kstest(u, "uniform").statistic
    assert found.kolmogorov_smirnov.statistic == pytest.approx(statistic, rel=1e-9)
    statistic = stats.cramervonmises(u, "uniform").statistic
    assert found.cramer_von_mises.statistic == pytest.approx(statistic, rel=1e-9)
    u.sort()
    i = np.arange(1, u.size + 1)
    squares = -u.size - np.mean((2 * i - 1) * (np.log(u) + np.log1p(-u[::-1])))
    assert found.anderson_darling is not None
    assert found.anderson_darling.statistic == pytest.approx(squares, rel=1e-7)


def chi_square_of(case: Case, law: Any, rows: Rows) -> float:
    """Pearson's statistic in the cells of the rows, joined upwards to 5 expected rows or more."""
    step = 1.0 if is_count(case) else 0.0
    if "x" in rows:  # every count is a cell
        lower = np.arange(0.0, rows["x"].max() + 1.0)
        upper, at = lower, rows["x"]
    else:
        (lower, upper), at = np.unique([rows["lower"], rows["upper"]], axis=1), rows["lower"]
        gaps = [[-np.inf, lower[0] - step], [upper[-1] + step, np.inf]]
        edges = np.unique(np.concatenate([lower, upper + step]))
        inner = [[a, b - step] for a, b in pairwise(edges)]
        cells = np.array([gaps[0], *inner, gaps[1]])
        lower, upper = cells.T
    expected = at.size * (law.cdf(upper) - law.cdf(lower - step))
    if "x" in rows:
        expected[-1] += at.size * law.sf(upper[-1])
    observed = np.array([np.count_nonzero(at == v) for v in lower])
    joined = [[0.0, 0.0]]
    for i, (o, e) in enumerate(zip(observed, expected, strict=True)):
        joined[-1][0] += o
        joined[-1][1] += e
        if joined[-1][1] >= 5.0 and expected[i + 1 :].sum() >= 5.0:
            joined.append([0.0, 0.0])
    return sum((o - e) ** 2 / e for o, e in joined)


@pytest.mark.parametrize("kind", ROLES)
def test_vuongs_statistic(kind: str) -> None:
    case, rows = MODELS["Weibull"], rows_of("Weibull", kind)
    first = fit_of("Weibull", kind)
    second = kl.fit(kl.LogNormal(), rows, **ROLES[kind])
    other = Case(
        kl.LogNormal(), lambda m, s: stats.lognorm(s, scale=np.exp(m)), (), 1.0, case.restriction
    )
    gap = losses(other, estimate(second), rows, kind) - losses(case, estimate(first), rows, kind)
    w = weights_of(rows)
    mean = np.average(gap, weights=w)
    z = np.sqrt(w.sum()) * mean / np.sqrt(np.average((gap - mean) ** 2, weights=w))
    assert kl.vuong_test(first, second).statistic == pytest.approx(z, rel=1e-8)


def test_fits_of_other_censored_rows_are_not_compared() -> None:
    other = kl.fit(
        kl.LogNormal(), rows_of("Weibull", "left-truncated", 1), **ROLES["left-truncated"]
    )
    with pytest.raises(kl.KullbackError, match="the fits are of different rows: the losses"):
        kl.vuong_test(fit_of("Weibull", "left-truncated"), other)


# ---- identities between cells of the grid ------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["weighted", "binned"])
def test_weights_are_copies(name: str, kind: str) -> None:
    fit, rows = fit_of(name, kind), rows_of(name, kind)
    roles = {role: value for role, value in ROLES[kind].items() if role != "weights"}
    plain = kl.fit(MODELS[name].model, copies(rows), **roles)
    assert plain.params == pytest.approx(fit.params, rel=1e-9)
    assert plain.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-12)
    assert plain.stderr == pytest.approx(fit.stderr, rel=1e-7)
    one, two = plain.goodness_of_fit(9), fit.goodness_of_fit(9)
    for test, other in zip(one.tests.values(), two.tests.values(), strict=True):
        assert test.statistic == pytest.approx(other.statistic, rel=1e-6)
        assert test.p_value == other.p_value


@pytest.mark.parametrize("name", MODELS)
def test_events_are_ends_and_limits_never_reached_are_none(name: str) -> None:
    model, rows = MODELS[name].model, rows_of(name, "right-censored")
    fit = fit_of(name, "right-censored")
    upper = np.where(rows["seen"] == 1.0, rows["time"], np.inf)
    pair = kl.fit(model, {"a": rows["time"], "b": upper}, ("a", "b"))
    assert (pair.params, pair.log_likelihood) == (fit.params, fit.log_likelihood)
    assert pair.stderr == fit.stderr
    x = rows_of(name, "exact")["x"]
    exact = fit_of(name, "exact")
    seen = kl.fit(model, {"x": x, "e": np.ones(N)}, "x", event="e", truncation=(-np.inf, None))
    assert (seen.params, seen.log_likelihood) == (exact.params, exact.log_likelihood)
    one, two = exact.goodness_of_fit(19), seen.goodness_of_fit(19)
    assert [t.statistic for t in one.tests.values()] == [t.statistic for t in two.tests.values()]
    draws = [f.bootstrap(5, kind="parametric").params for f in (exact, seen)]
    for number, values in draws[0].items():
        np.testing.assert_array_equal(values, draws[1][number])
