"""Formulas compared by name: held-out losses by SciPy's densities, and levels that folds lack."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.data.folds import RowFolds
from kullback.data.sample import ArraySample

RNG = np.random.default_rng(11)
N = 200
ROWS = {
    "a": RNG.normal(size=N),
    "b": RNG.normal(size=N),
    "g": np.array(["x", "y", "z"], dtype=object)[RNG.integers(0, 3, N)],
    "w": RNG.integers(1, 3, N).astype(float),
    "died": RNG.integers(0, 2, N),
}
ROWS["y"] = RNG.poisson(np.exp(1.0 + 0.5 * ROWS["a"]))
ROWS["t"] = RNG.exponential(np.exp(0.5 * ROWS["a"])) + 0.01
ROWS["y"][7] = 3  # one row of a level, without a count, would have a rate of 0


def with_level(name: str) -> dict:
    """The rows, the eighth of which has a level of its own."""
    here = np.arange(N) == 7
    return {**ROWS, "g": np.where(here, name, ROWS["g"]), "died": ROWS["died"] | here}


def folds_of_rows(count: int) -> np.ndarray:
    """The fold of each row, which depends on its number alone."""
    folds = RowFolds(ArraySample({"y": ROWS["y"].astype(float)}), count, 0)
    (chunk,) = ArraySample({"y": ROWS["y"].astype(float)}).chunks()
    return folds.of_chunk(chunk)


@pytest.mark.parametrize("weights", [None, "w"])
def test_held_out_losses_of_two_formulas(weights):
    models = {"small": kl.Poisson(rate="~ a"), "large": kl.Poisson(rate="~ a + b")}
    found = kl.compare(models, ROWS, "y", weights=weights, folds=4)
    fold, w = folds_of_rows(4), ROWS["w"] if weights else np.ones(N)
    for name, model in models.items():
        losses = np.empty(N)
        for k in range(4):
            rows = {c: v[fold != k] for c, v in ROWS.items()}
            b = kl.fit(model, rows, "y", weights=weights).params["rate"]
            eta = b["Intercept"] + b["a"] * ROWS["a"] + b.get("b", 0.0) * ROWS["b"]
            own = -scipy.stats.poisson(np.exp(eta)).logpmf(ROWS["y"])
            losses[fold == k] = own[fold == k]
        entry = next(e for e in found.models if e.model == name)
        # 1e-7: fits of folds end at a scaled gradient of 1e-5, which the last correction squares
        assert entry.held_out == pytest.approx((w * losses).sum() / w.sum(), rel=1e-7)
    assert set(found.fits) == {"small", "large"}
    assert found.fits["large"].params["rate"].keys() == {"Intercept", "a", "b"}


CASES = {
    "Poisson": (lambda f: kl.Poisson(rate=f), "y", {}),
    "weighted": (lambda f: kl.Poisson(rate=f), "y", {"weights": "w"}),
    "censored": (lambda f: kl.Weibull(scale=f), "t", {"event": "died"}),
    "at its limit": (lambda f: kl.NegativeBinomial(mean=f), "y", {}),
}


@pytest.mark.parametrize("name", CASES)
def test_a_level_that_one_row_has_is_the_reference_without_it(name):
    make, y, more = CASES[name]
    models = {"none": make("~ a"), "levels": make("~ a + g")}
    found = kl.compare(models, with_level("zz"), y, folds=5, **more)
    assert all(np.isfinite(entry.held_out) for entry in found.models)
    entry = next(e for e in found.models if e.model == "levels")
    assert "g[T.zz]" in entry.reason
    assert entry.reason.endswith("taken as 0 there")
    # the fit to all rows has the level
    parameter = next(iter({"rate", "scale", "mean"} & set(found.fits["levels"].params)))
    assert "g[T.zz]" in found.fits["levels"].params[parameter]


def test_the_loss_of_a_row_whose_level_no_other_has():
    rows = with_level("zz")
    found = kl.compare({"levels": kl.Poisson(rate="~ g")}, rows, "y", folds=5)
    fold, g, y = folds_of_rows(5), rows["g"], rows["y"]
    losses = np.empty(N)
    for k in range(5):
        means = {level: y[(fold != k) & (g == level)].mean() for level in ("x", "y", "z")}
        rate = np.array([means.get(level, means["x"]) for level in g])  # x is the reference
        losses[fold == k] = -scipy.stats.poisson(rate).logpmf(y)[fold == k]
    # 1e-7, as above
    assert found.models[0].held_out == pytest.approx(losses.mean(), rel=1e-7)


def test_the_reference_level_may_be_the_rare_one():
    found = kl.compare({"levels": kl.Poisson(rate="~ g")}, with_level("rare"), "y", folds=5)
    assert np.isfinite(found.models[0].held_out)
    assert "taken as 0 there" in found.models[0].reason
