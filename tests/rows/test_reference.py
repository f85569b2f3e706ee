"""Every univariate reference case of censored and truncated rows, against published answers.

The cases are copies: of R 4.2.2 (fitdistrplus, survival) and SurPyval; each JSON says which.
``refined`` is the same maximum found again by separate code from the definition of the likelihood.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import kullback as kl

CASES = sorted((Path(__file__).parents[1] / "reference" / "rows").glob("*.json"))
# of distributions, the case's parameter names -> ours
FAMILIES = {
    "gamma": (kl.Gamma, {"shape": "shape", "rate": "rate"}),
    "gompertz": (kl.Gompertz, {"shape": "shape", "rate": "rate"}),
    "llogis": (kl.LogLogistic, {"shape": "shape", "scale": "scale"}),
    "lnorm": (kl.LogNormal, {"meanlog": "loc", "sdlog": "scale"}),
    "logis": (kl.Logistic, {"location": "loc", "scale": "scale"}),
    "norm": (kl.Normal, {"mean": "loc", "sd": "scale"}),
    "weibull": (kl.Weibull, {"shape": "shape", "scale": "scale"}),
}
# of accelerated lifetimes, log T = a + s·W: our parameters by a, s and their errors
LIFETIMES = {
    "lognormal": (kl.LogNormal, lambda a, s: {"loc": a, "scale": s}),
    "loglogistic": (kl.LogLogistic, lambda a, s: {"scale": math.exp(a), "shape": 1.0 / s}),
    "weibull": (kl.Weibull, lambda a, s: {"scale": math.exp(a), "shape": 1.0 / s}),
}


def digits(value: float, answer: float) -> float:
    error = abs(value - answer) / abs(answer)
    return 16.0 if error == 0.0 else -math.log10(error)


def columns_of(case: dict[str, Any], table: pd.DataFrame) -> dict[str, Any]:
    """Return the arguments that say how the rows were observed."""
    if case["kind"] == "survreg":  # status 3, intervals, does not occur in these cases
        return {"y": "y", "event": "status"}
    if "agein" in table:
        return {"y": "ageout", "event": "death", "truncation": ("agein", None)}
    ends = ("lower", "upper") if "lower" in table else ("left", "right")
    window = [c if c in table else None for c in ("trunc_left", "trunc_right")]
    weights = "weight" if "weight" in table else None
    return {"y": ends, "truncation": window if any(window) else None, "weights": weights}


def answer(case: dict[str, Any]) -> tuple[kl.Model, dict[str, float], dict[str, float]]:
    """Return the model, the estimates and the standard errors."""
    found = case["refined"]
    if case["kind"].startswith("univariate"):
        model, names = FAMILIES[case["family"]]
        return (
            model(),
            {ours: found["estimate"][theirs] for theirs, ours in names.items()},
            {ours: found["se"][theirs] for theirs, ours in names.items()},
        )
    model, of = LIFETIMES[case["family"].removesuffix("_aft")]
    a, b = [*found["estimate"], None][:2]
    scale = found["scale"] if b is None else math.exp(b)
    # the errors are of a and, but for survreg, of the logarithm of the other
    error_a, error_log = [*found["se"], found.get("se_scale", 0.0) / scale][:2]
    if case["family"] == "weibull" and b is not None:
        scale = 1.0 / scale  # these cases hold log shape
    estimates = of(a, scale)
    errors = {
        name: error_a * (1.0 if name == "loc" else value)
        if (name == "loc" or (name == "scale" and "loc" not in estimates))
        else error_log * value
        for name, value in estimates.items()
    }
    return model(), estimates, errors


def test_no_case_is_missing() -> None:
    assert len(CASES) == 18


@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_case(path: Path) -> None:
    case = json.loads(path.read_text())
    table = pd.read_csv(path.parent / case["data"])
    model, estimates, errors = answer(case)
    fit = kl.fit(model, table, **columns_of(case, table))
    assert fit.convergence.converged
    assert set(estimates) == set(fit.params)
    for name, value in estimates.items():
        assert digits(fit.params[name], value) >= 9, name
        assert digits(fit.stderr[name], errors[name]) >= 8, name
    assert fit.log_likelihood == pytest.approx(case["refined"]["loglik"], rel=1e-10)
