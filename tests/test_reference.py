"""Every uncensored univariate reference case, against answers that nobody on this project computed.

The cases and their data are copies of published ones (R 4.2.2's fitdistrplus, MASS, evd, actuar;
NIST StRD); each JSON says which. ``refined`` is the same maximum found again by separate 40-digit
code from the definition of the likelihood. Digits are LRE = −log10(|estimate − answer| / |answer|).
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

import kullback as kl

CASES = Path(__file__).parent / "reference"
# the case's family -> our model, and the case's parameter names -> ours
FAMILIES = {
    "beta": (kl.Beta, {"shape1": "alpha", "shape2": "beta"}),
    "cauchy": (kl.Cauchy, {"location": "loc", "scale": "scale"}),
    "exp": (kl.Exponential, {"rate": "rate"}),
    "gamma": (kl.Gamma, {"shape": "shape", "rate": "rate"}),
    "geom": (kl.Geometric, {"prob": "probability"}),
    "gev": (kl.GeneralizedExtremeValue, {"loc": "loc", "scale": "scale", "shape": "shape"}),
    "gpd": (kl.GeneralizedPareto, {"scale": "scale", "shape": "shape"}),
    "gumbel": (kl.Gumbel, {"loc": "loc", "scale": "scale"}),
    "invgauss": (kl.InverseGaussian, {"mean": "mean", "shape": "shape"}),
    "llogis": (kl.LogLogistic, {"shape": "shape", "scale": "scale"}),
    "lnorm": (kl.LogNormal, {"meanlog": "loc", "sdlog": "scale"}),
    "logis": (kl.Logistic, {"location": "loc", "scale": "scale"}),
    "nbinom": (kl.NegativeBinomial, {"size": "size", "mu": "mean"}),
    "norm": (kl.Normal, {"mean": "loc", "sd": "scale"}),
    "pareto": (kl.Lomax, {"shape": "shape", "scale": "scale"}),
    "pois": (kl.Poisson, {"lambda": "rate"}),
    "tls": (kl.StudentT, {"m": "loc", "s": "scale", "df": "df"}),
    "weibull": (kl.Weibull, {"shape": "shape", "scale": "scale"}),
}


def read(case: Path) -> np.ndarray:
    return np.genfromtxt(case, delimiter=",", skip_header=1, ndmin=1)


def digits(value: float, answer: float) -> float:
    error = abs(value - answer) / abs(answer) if answer else abs(value)
    return 16.0 if error == 0.0 else -math.log10(error)


@pytest.mark.parametrize(("folder", "number"), [("dist", 39), ("nist_univ", 4)])
def test_no_case_is_missing(folder: str, number: int) -> None:
    # a test without cases would be skipped without a word
    assert len(list((CASES / folder).glob("*.json"))) == number


@pytest.mark.parametrize("path", sorted((CASES / "dist").glob("*.json")), ids=lambda p: p.stem)
def test_distribution(path: Path) -> None:
    case = json.loads(path.read_text())
    model, names = FAMILIES[case["family"]]
    fit = kl.fit(model(), read(path.parent / case["data"]))
    answer = case["refined"]
    assert fit.convergence.converged
    assert fit.n == case["n"]
    for theirs, ours in names.items():
        assert digits(fit.params[ours], answer["estimate"][theirs]) >= 9, ours
        assert digits(fit.stderr[ours], answer["se"][theirs]) >= 8, ours
    assert fit.log_likelihood == pytest.approx(answer["loglik"], rel=1e-11)
    assert fit.aic == pytest.approx(answer["aic"], rel=1e-11)
    assert fit.bic == pytest.approx(answer["bic"], rel=1e-11)


@pytest.mark.parametrize("path", sorted((CASES / "nist_univ").glob("*.json")), ids=lambda p: p.stem)
def test_nist_univariate(path: Path) -> None:
    case = json.loads(path.read_text())
    fit = kl.fit(kl.Normal(), read(path.parent / case["data"]))
    answer = {k: float(v) for k, v in case["derived_gaussian_mle"].items() if k != "note"}
    assert fit.convergence.converged
    assert digits(fit.params["loc"], float(case["certified"]["mean"])) >= 9
    # NIST's deviation divides by n − 1, the maximum-likelihood one by n
    n = case["n"]
    certified = float(case["certified"]["sd_n_minus_1"]) * math.sqrt((n - 1) / n)
    assert digits(fit.params["scale"], certified) >= 9
    assert digits(fit.params["loc"], answer["mu"]) >= 9
    assert digits(fit.params["scale"], answer["sigma"]) >= 9
    assert digits(fit.stderr["loc"], answer["se_mu"]) >= 8
    assert digits(fit.stderr["scale"], answer["se_sigma"]) >= 8
    assert fit.log_likelihood == pytest.approx(answer["loglik"], rel=1e-11)
