"""What a fit gives × kinds of rows, for models with a formula.

The same rows are fitted with the column z = 2x + 1 in place of x: the maximum is the same, so that
losses are equal, and the coefficient of z, its errors, intervals and bootstrap are half of x's.
"""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

import kullback as kl

mpl.use("agg")
RNG = np.random.default_rng(0)
N = 120
X = RNG.normal(size=N)
T = np.exp(0.5 + 0.4 * X) * RNG.weibull(1.5, N)
DATA = {
    "x": X,
    "z": 2.0 * X + 1.0,
    "y": np.minimum(T, 3.0),
    "seen": (T < 3.0).astype(float),
    "w": RNG.integers(1, 3, N).astype(float),
    "g": np.repeat(["a", "b", "c"], N // 3),
    "half": np.repeat([0, 1], N // 2),
    "k": RNG.poisson(np.exp(0.5 + 0.3 * X)).astype(float),
}


@dataclass(frozen=True)
class Case:
    make: Any  # the model, from the formula
    parameter: str
    y: Any
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    "censored and weighted": Case(
        lambda f: kl.Weibull(scale=f), "scale", "y", {"event": "seen", "weights": "w"}
    ),
    "counts with zeros": Case(lambda f: kl.Hurdle(kl.Poisson(rate=f)), "rate", "k"),
}


@cache
def fitted(name: str, column: str) -> Any:
    case = CASES[name]
    return kl.fit(case.make(f"~ {column}"), DATA, case.y, **case.options)


@pytest.fixture(params=CASES)
def pair(request):
    """The case, and its fits in x and in z."""
    return CASES[request.param], fitted(request.param, "x"), fitted(request.param, "z")


def test_estimates_errors_and_losses(pair):
    case, fit, other = pair
    own, half = fit.params[case.parameter], other.params[case.parameter]
    assert half["z"] == pytest.approx(own["x"] / 2.0, rel=1e-8)
    assert half["Intercept"] == pytest.approx(own["Intercept"] - own["x"] / 2.0, rel=1e-8)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-12)
    for kind in ("observed", "sandwich"):
        places = fit.names.index(f"{case.parameter}[x]"), other.names.index(f"{case.parameter}[z]")
        errors = [f.covariance(kind)[i, i] for f, i in zip((fit, other), places, strict=True)]
        assert errors[1] == pytest.approx(errors[0] / 4.0, rel=1e-7)


def test_intervals_and_bootstrap(pair):
    case, fit, other = pair
    name, half = f"{case.parameter}[x]", f"{case.parameter}[z]"
    for method in ("wald", "profile"):
        own = fit.interval(method=method, parameters=[name])[name]
        found = other.interval(method=method, parameters=[half])[half]
        # the ends of a profile are roots, to 1e-6 of a width
        np.testing.assert_allclose(2.0 * found, own, atol=1e-5 * np.ptp(own))
    own, found = (f.bootstrap(9, seed=1).stderr for f in (fit, other))
    assert found[half] == pytest.approx(own[name] / 2.0, rel=1e-6)


def test_derived(pair):
    case, fit, other = pair

    def last(model):
        return model.sources[case.parameter].estimate[1]

    own, half = fit.derived(last), other.derived(last)
    assert half.value == pytest.approx(own.value / 2.0, rel=1e-8)
    assert half.stderr == pytest.approx(own.stderr / 2.0, rel=1e-6)


def test_groups(pair):
    case, _, _ = pair
    table = kl.fit(case.make("~ x"), DATA, case.y, by="g", **case.options)
    rows = DATA["g"] == "b"
    part = {name: column[rows] for name, column in DATA.items()}
    own = kl.fit(case.make("~ x"), part, case.y, **case.options)
    assert table["b"].log_likelihood == pytest.approx(own.log_likelihood, rel=1e-12)
    assert table["b"].params[case.parameter] == pytest.approx(own.params[case.parameter], rel=1e-7)


def test_comparisons():
    case = CASES["counts with zeros"]
    models = {"x": case.make("~ x"), "z": case.make("~ z"), "none": case.make(None)}
    found = kl.compare(models, DATA, case.y, folds=2, groups="half", **case.options)
    losses = {entry.model: entry.held_out for entry in found.models}
    assert losses["x"] == pytest.approx(losses["z"], rel=1e-8)
    assert losses["x"] < losses["none"]


def test_pages_and_what_one_distribution_alone_has(pair, tmp_path):
    _, fit, _ = pair
    fit.report(tmp_path / "fit.html")
    assert (tmp_path / "fit.html").stat().st_size > 1_000
    assert fit.plot("likelihood", parameters=fit.names[:1]).axes
    assert fit.plot().axes
    for call, message in [
        (lambda: fit.band("cdf"), "of rows with x"),
        (lambda: fit.goodness_of_fit(9), r"depend on the row \(x\)"),
        (lambda: fit.bootstrap(9, kind="parametric"), "Use kind='poisson'"),
    ]:
        with pytest.raises(kl.KullbackError, match=message):
            call()
