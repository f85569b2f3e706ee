"""NIST's linear regressions and analyses of variance, by formulas, against the certified values.

Digits are LRE = −log10(|estimate − answer| / |answer|). Where the condition of the data costs more
than nine, the reason stands beside.
"""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import kullback as kl

CASES = Path(__file__).parents[1] / "reference"
POLYNOMIAL = "~ " + " + ".join(["x", *(f"I(x**{k})" for k in range(2, 6))])
LINEAR = {
    "NoInt1": "~ x - 1",
    "Norris": "~ x",
    "Wampler1": POLYNOMIAL,
    "Wampler3": POLYNOMIAL,
    "Wampler5": POLYNOMIAL,
    "Filip": "~ " + " + ".join(["x", *(f"I(x**{k})" for k in range(2, 11))]),
}


def read(folder, name):
    case = json.loads((CASES / folder / f"{name}.json").read_text())
    with (CASES / folder / case["data"]).open() as file:
        header, *rows = list(csv.reader(file))
    table = np.array(rows, dtype=float)
    return case, {name: table[:, k].copy() for k, name in enumerate(header)}


def digits(values, answers):
    values, answers = np.asarray(values), np.array([float(a) for a in answers])
    error = np.abs(values - answers) / np.abs(answers)
    return -np.log10(np.maximum(error, 1e-17).max())


@pytest.mark.parametrize("name", [n for n in LINEAR if n != "Wampler1"])
def test_linear(name):
    case, data = read("nist_lls", name)
    fit = kl.fit(kl.Normal(loc=LINEAR[name]), data, "y")
    assert fit.convergence.converged
    # a double holds a power of x to 1e-16, and the scaled powers up to 10 have a condition of 5e9
    hard = name == "Filip"
    estimates = list(fit.params["loc"].values())
    assert digits(estimates, case["certified_b"].values()) >= (7 if hard else 9)
    answer = case["derived_gaussian_mle"]
    assert digits([fit.params["scale"]], [answer["sigma"]]) >= 9
    assert digits([fit.log_likelihood], [answer["loglik"]]) >= (9 if hard else 10)
    size = np.sqrt(1.0 - case["p"] / case["n"])  # NIST's errors divide by n − p
    errors = size * np.array(list(case["certified_sd"].values()))
    assert digits(list(fit.stderr["loc"].values()), errors) >= (7 if hard else 8)


def test_filip_by_orthogonal_polynomials():
    case, data = read("nist_lls", "Filip")
    fit = kl.fit(kl.Normal(loc="~ poly(x, 10)"), data, "y")
    answer = case["derived_gaussian_mle"]
    assert fit.convergence.converged
    assert digits([fit.params["scale"]], [answer["sigma"]]) >= 9
    assert digits([fit.log_likelihood], [answer["loglik"]]) >= 10
    fitted = fit.predict(data)
    powers = np.array([data["x"] ** k for k in range(11)], dtype=np.longdouble)
    certified = np.array(list(case["certified_b"].values()), dtype=np.longdouble) @ powers
    # NIST's 14 digits of each coefficient leave 7 of the sum of terms of up to a million
    np.testing.assert_allclose(fitted, certified.astype(float), rtol=1e-7)


def test_a_perfect_fit_has_no_maximum():
    _, data = read("nist_lls", "Wampler1")
    fit = kl.fit(kl.Normal(loc=POLYNOMIAL), data, "y")
    assert not fit.convergence.converged
    assert fit.convergence.reason == (
        "no maximum: the fit is perfect, and the likelihood is unbounded in scale"
    )
    assert "The formula of loc passes through every outcome" in fit.convergence.advice[0]
    np.testing.assert_allclose(list(fit.params["loc"].values()), 1.0, rtol=1e-9)  # certified


@pytest.mark.parametrize(
    ("name", "of_sigma"),
    [("AtmWtAg", 9), ("SmLs01", 9), ("SmLs03", 9), ("SmLs05", 9), ("SmLs07", 4), ("SmLs09", 4)],
)
def test_analysis_of_variance(name, of_sigma):
    case, data = read("nist_anova", name)
    group = next(n for n in data if n != "y")
    fit = kl.fit(kl.Normal(loc=f"~ C({group})"), data, "y")
    answer = case["derived_gaussian_mle"]
    assert fit.convergence.converged
    first, *others = fit.params["loc"].values()
    means = [first, *(first + other for other in others)]
    assert digits(means, answer["group_means"].values()) >= 9
    # near 1e12 a double is rounded to 1e-4, and sigma is 0.1
    assert digits([fit.params["scale"]], [answer["sigma"]]) >= of_sigma
