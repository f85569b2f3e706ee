"""Regressions against answers from R 4.2.2, Stata and statsmodels' tests; see conftest.py."""

import json
from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "reference"

# Cases by folder; those that other tests have, or of models to come, are left out.
LEFT_OUT = {
    "reg/mn_housing",  # tests/test_regression_reference.py
    "reg/nomle_iris_sv",  # no maximum: test_no_maximum.py
    "nofinite/nofinite_nb_insurance",
    "profile/binomial_zero_bounded_profile",  # without covariates
}
FOLDERS = ("cens2", "mix2", "newfam", "profile", "reg", "reg2", "robust", "sm", "surv")
NAMES = sorted(
    name
    for folder in FOLDERS
    for path in (CASES / folder).glob("*.json")
    if (name := f"{folder}/{path.stem}") not in LEFT_OUT
)


def test_no_case_is_missing():
    assert len(NAMES) == 102


@pytest.mark.parametrize("name", NAMES)
def test_case(name, reference_case):
    case = reference_case(*name.split("/"))
    fit = case.fit()
    assert fit.convergence.converged
    estimates, errors, log_likelihood = case.digits(fit)
    # no more digits than the reference has, of which its last is not to be trusted
    precision = json.loads((CASES / f"{name}.json").read_text())["precision_digits"] - 1
    assert estimates >= min(9, precision)
    assert errors >= min(8, precision)
    assert log_likelihood >= 10
