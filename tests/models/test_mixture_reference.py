"""Every univariate mixture of the reference cases, against answers of R.

The cases are copies: of R 4.2.2 (MASS, mclust, flexmix, mixdist); each JSON says which. ``refined``
is the same maximum found again by separate code from the definition of the likelihood. Where the
likelihood is unbounded, it is the interior maximum.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kullback as kl

FOLDER = Path(__file__).parents[1] / "reference" / "mixtures"
TIE = kl.same_as("components[0].scale")


def digits(value: float, answer: float) -> float:
    error = abs(value - answer) / abs(answer)
    return 16.0 if error == 0.0 else -math.log10(error)


def load(name: str) -> tuple[dict[str, Any], pd.DataFrame]:
    case = json.loads((FOLDER / f"{name}.json").read_text())
    return case, pd.read_csv(FOLDER / case["data"])


def check(fit: kl.Fit, answers: dict[str, float], errors: dict[str, float], loglik: float) -> None:
    """Compare estimates to 9 digits, errors to 8 and the log-likelihood to 1e-10."""
    numbers = dict(zip(fit.names, fit.model.vector.constrained(np.zeros(0)), strict=False))
    numbers = {**numbers, **fit.model.coefficients}
    stderr = dict(zip(fit.names, np.sqrt(np.diag(fit.covariance())), strict=True))
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(loglik, rel=1e-10)
    for name, value in answers.items():
        assert digits(numbers[name], value) >= 9, name
    for name, value in errors.items():
        assert digits(stderr[name], value) >= 8, name


@pytest.mark.parametrize("name", ["acidity_norm2", "geyser_waiting_norm2"])
def test_two_normals(name: str) -> None:
    case, table = load(name)
    fit = kl.fit(kl.Mixture(kl.Normal(), components=2), table.iloc[:, 0].to_numpy(float))
    ours = {
        "p": "weights[0]",
        "mean1": "components[0].loc",
        "sd1": "components[0].scale",
        "mean2": "components[1].loc",
        "sd2": "components[1].scale",
    }
    found = case["refined"]
    check(
        fit,
        {ours[n]: v for n, v in found["estimate"].items()},
        {ours[n]: v for n, v in found["se"].items()},
        found["loglik"],
    )


@pytest.mark.parametrize(
    ("name", "components", "tied"),
    [("galaxies_E3", 3, True), ("galaxies_E4", 4, True), ("galaxies_V3", 3, False)],
)
def test_galaxies(name: str, components: int, tied: bool) -> None:
    case, table = load(name)
    base = kl.Normal(scale=TIE) if tied else kl.Normal()
    fit = kl.fit(kl.Mixture(base, components=components), table.iloc[:, 0].to_numpy(float))
    found = case["refined"]
    answers = {f"weights[{k}]": w for k, w in enumerate(found["weights"])}
    answers |= {f"components[{k}].loc": m for k, m in enumerate(found["means"])}
    scales = np.sqrt(found["covariances"]).tolist()
    answers |= {f"components[{k}].scale": s for k, s in enumerate(scales[:1] if tied else scales)}
    check(fit, answers, {}, found["loglik"])  # these cases have no errors


@pytest.mark.parametrize("name", ["mixlnorm_faithful", "mixweibull_faithful"])
def test_positive_families(name: str) -> None:
    case, table = load(name)
    family = kl.LogNormal() if "lnorm" in name else kl.Weibull()
    fit = kl.fit(kl.Mixture(family, components=2), table.iloc[:, 0].to_numpy(float))
    found = case["refined"]
    logit, *numbers = found["estimate"]
    error, *others = found["se"]
    p = 1.0 / (1.0 + math.exp(-logit))
    answers, errors = {"weights[0]": p}, {"weights[0]": p * (1.0 - p) * error}
    first, second = ("loc", "scale") if "lnorm" in name else ("shape", "scale")
    for k in (0, 1):
        for parameter, i in ((first, 2 * k), (second, 2 * k + 1)):
            own = f"components[{k}].{parameter}"
            logarithm = parameter != "loc"
            answers[own] = math.exp(numbers[i]) if logarithm else numbers[i]
            errors[own] = others[i] * (answers[own] if logarithm else 1.0)
    check(fit, answers, errors, found["loglik"])


def binned(name: str) -> tuple[kl.Sample, dict[str, float], float]:
    """A case of bin counts: the sample, the refined estimates and their log-likelihood."""
    case, table = load(name)
    upper = table["upper"].fillna(np.inf).to_numpy(float)
    sample = kl.Sample(
        table["lower"].to_numpy(float), upper, weights=table["weight"].to_numpy(float)
    )
    refined = case["refined"]
    answers = dict(zip(case["coef_names"], refined["estimate"], strict=True))
    return sample, answers, refined["loglik"]


def test_a_histogram_of_two_gammas() -> None:
    """Pearson's crabs, by R's mixdist: logarithms of means, deviations and the ratio of weights."""
    sample, answer, loglik = binned("binned_gamma_pearson")
    fit = kl.fit(kl.Mixture(kl.Gamma(), components=2), sample)
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(loglik, rel=1e-10)
    for k in (0, 1):
        shape, rate = (fit.params[f"components[{k}].{n}"] for n in ("shape", "rate"))
        assert np.log(shape / rate) == pytest.approx(answer[f"log_mu{k + 1}"], rel=1e-9)
        assert np.log(np.sqrt(shape) / rate) == pytest.approx(answer[f"log_sigma{k + 1}"], rel=1e-9)
    first, second = fit.params["weights"]
    assert np.log(first / second) == pytest.approx(answer["log_pi1_pi2"], rel=1e-9)


def test_a_histogram_of_five_log_normals_of_one_scale() -> None:
    """Lengths of pike, by R's mixdist: a common coefficient of variation is a common scale."""
    sample, answer, loglik = binned("binned_lnorm_pike65_ccv")
    fit = kl.fit(kl.Mixture(kl.LogNormal(scale=TIE), components=5), sample)
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(loglik, rel=1e-10)
    square = fit.params["components[0].scale"] ** 2
    assert 0.5 * np.log(np.expm1(square)) == pytest.approx(answer["log_cv"], rel=1e-9)
    weights = fit.params["weights"]
    for k in range(5):
        mean = fit.params[f"components[{k}].loc"] + 0.5 * square
        assert mean == pytest.approx(answer[f"log_mu{k + 1}"], rel=1e-9)
        if k < 4:
            ratio = np.log(weights[k] / weights[4])
            assert ratio == pytest.approx(answer[f"log_pi{k + 1}_pi5"], rel=1e-9)
