"""NIST's regressions by ``kl.Function``, from near and far starts.

``derived_gaussian_mle`` is the maximum found again from the data at 60 digits.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.optimize

import kullback as kl

CASES = Path(__file__).parents[1] / "reference"
FUNCTIONS = {"exp": jnp.exp, "atan": jnp.arctan, "cos": jnp.cos, "sin": jnp.sin, "pi": np.pi}


def read(folder: str, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    case = json.loads((CASES / folder / f"{name}.json").read_text())
    table = np.genfromtxt(CASES / folder / case["data"], delimiter=",", names=True)
    return case, {name: table[name] for name in table.dtype.names}


def function(formula: str, start: dict[str, float], columns: tuple[str, ...] = ("x",)):
    """A lambda of a formula of NIST's, with coefficients b1, b2, ..."""
    text = f"lambda {', '.join((*columns, *start))}: {formula}"
    return kl.Function(eval(text, dict(FUNCTIONS)), start=start)


def digits(value: Any, answer: Any) -> float:
    """The smallest number of digits that agree, LRE."""
    value, answer = np.ravel(np.array(value, float)), np.ravel(np.array(answer, float))
    return float(-np.log10(np.max(np.abs(value - answer) / np.abs(answer)) + 1e-17))


def start(*numbers: Any) -> dict[str, Any]:
    return {f"b{i + 1}": number for i, number in enumerate(numbers)}


def estimates(fit: kl.Fit) -> list[float]:
    return list(fit.params["loc"].values())


NONLINEAR = sorted(path.stem for path in (CASES / "nist_nls").glob("*.json"))

# generated to 13 digits: its residuals are 400 roundings of a double
NO_NOISE = "Lanczos1"


def test_no_case_is_missing() -> None:
    # a test without cases would be skipped without a word
    assert len(NONLINEAR) == 13


@pytest.mark.parametrize("start", ["start1", "start2"])
@pytest.mark.parametrize("name", NONLINEAR)
def test_nonlinear(name: str, start: str) -> None:
    case, data = read("nist_nls", name)
    fit = kl.fit(kl.Normal(loc=function(case["model"], case[start])), data, "y")
    answer = case["derived_gaussian_mle"]
    assert fit.convergence.converged
    assert digits(estimates(fit), answer["b"]) >= 9
    assert digits(fit.params["scale"], answer["sigma"]) >= (3 if name == NO_NOISE else 9)
    assert digits(fit.log_likelihood, answer["loglik"]) >= (4 if name == NO_NOISE else 10)


@pytest.mark.parametrize("name", ["Bennett5", "BoxBOD", "Misra1a", "Rat42"])
def test_errors_of_the_observed_information(name: str) -> None:
    case, data = read("nist_nls", name)
    fit = kl.fit(kl.Normal(loc=function(case["model"], case["start2"])), data, "y")
    with mp.workdps(40):
        names = {"exp": mp.exp, "atan": mp.atan, "pi": mp.pi}
        rows = [(mp.mpf(x), mp.mpf(y)) for x, y in zip(data["x"], data["y"], strict=True)]
        code = compile(case["model"], name, "eval")

        def half_square(*b):
            at = names | start(*b)
            return sum((y - eval(code, at | {"x": x})) ** 2 for x, y in rows) / 2

        at = [mp.mpf(b) for b in case["derived_gaussian_mle"]["b"]]
        p = len(at)
        hessian = mp.matrix(p, p)
        for i in range(p):
            for j in range(i + 1):
                order = [int(k == i) + int(k == j) for k in range(p)]
                hessian[i, j] = hessian[j, i] = mp.diff(half_square, at, order)
        variance = mp.mpf(case["derived_gaussian_mle"]["sigma"]) ** 2
        inverse = hessian**-1  # sigma and the coefficients are uncorrelated
        errors = [float(mp.sqrt(variance * inverse[i, i])) for i in range(p)]
    # Bennett5's scaled condition is 1e6, and its curvature comes from residuals in doubles
    assert digits(list(fit.stderr["loc"].values()), errors) >= (7 if name == "Bennett5" else 8)


@pytest.mark.parametrize("name", ["NoInt1", "Norris", "Wampler3", "Wampler5", "Filip"])
def test_linear(name: str) -> None:
    case, data = read("nist_lls", name)
    start = dict.fromkeys(case["certified_b"], 0.0)
    fit = kl.fit(kl.Normal(loc=function(case["model"], start)), data, "y")
    answer = case["derived_gaussian_mle"]
    assert fit.convergence.converged
    # the powers up to 10 of Filip have a condition of 5e9 when scaled
    hard = name == "Filip"
    assert digits(estimates(fit), list(case["certified_b"].values())) >= (7 if hard else 9)
    assert digits(fit.params["scale"], answer["sigma"]) >= 9
    assert digits(fit.log_likelihood, answer["loglik"]) >= (9 if hard else 10)
    size = np.sqrt(1.0 - case["p"] / case["n"])  # NIST's divide by n − p
    errors = size * np.array(list(case["certified_sd"].values()))
    assert digits(list(fit.stderr["loc"].values()), errors) >= (7 if hard else 8)


def test_a_perfect_fit_has_no_maximum() -> None:
    case, data = read("nist_lls", "Wampler1")
    start = dict.fromkeys(case["certified_b"], 0.0)
    fit = kl.fit(kl.Normal(loc=function(case["model"], start)), data, "y")
    assert not fit.convergence.converged
    assert fit.convergence.reason == (
        "no maximum: the fit is perfect, and the likelihood is unbounded in scale"
    )
    assert np.isnan(fit.stderr["scale"])
    # all certified estimates are 1
    np.testing.assert_allclose(estimates(fit), 1.0, rtol=1e-9)


@pytest.mark.parametrize(("name", "of_sigma"), [("AtmWtAg", 9), ("SmLs07", 4), ("SmLs09", 4)])
def test_group_means(name: str, of_sigma: int) -> None:
    # near 1e12 a double is rounded to 1e-4, and sigma is 0.1
    case, data = read("nist_anova", name)
    count = case["groups"]
    means = kl.Function(
        lambda group, mean: mean[(group - 1).astype(int)], start={"mean": np.zeros(count)}
    )
    fit = kl.fit(kl.Normal(loc=means), data, "y")
    answer = case["derived_gaussian_mle"]
    assert fit.convergence.converged
    assert fit.params["loc"]["mean"].shape == (count,)
    assert digits(fit.params["loc"]["mean"], list(answer["group_means"].values())) >= 9
    assert digits(fit.params["scale"], answer["sigma"]) >= of_sigma


def numbers(text: str) -> np.ndarray:
    return np.array(text.split(), float)


def test_starts_whose_function_overflows() -> None:
    x = np.linspace(0.0, 10.0, 40)
    y = 3.0 * np.exp(0.4 * x) + np.random.default_rng(1).standard_normal(40)
    for b in (1e5, -1e5, 1e-7):  # e^(10⁶) is beyond the doubles
        curve = kl.Function(lambda x, a, b: a * jnp.exp(b * x), start={"a": 1.0, "b": b})
        fit = kl.fit(kl.Normal(loc=curve), {"x": x, "y": y}, "y")
        found = scipy.optimize.curve_fit(lambda x, a, b: a * np.exp(b * x), x, y, p0=(3.0, 0.4))[0]
        assert fit.convergence.converged
        # SciPy stops at a relative change of 1e-8
        np.testing.assert_allclose(estimates(fit), found, rtol=1e-6)
