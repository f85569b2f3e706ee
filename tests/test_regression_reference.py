"""Regressions against answers that nobody on this project computed: R 4.2.2's nnet.

``refined`` is the same maximum found again by separate code from the definition of the likelihood,
in double precision with exact derivatives.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import kullback as kl
from kullback.models.labels.categorical import Categorical
from kullback.models.linear import Linear
from kullback.results.by_parameter import flat

CASES = Path(__file__).parent / "reference"


def read(case: dict, folder: str) -> dict[str, np.ndarray]:
    table = np.genfromtxt(CASES / folder / case["data"], delimiter=",", names=True)
    return {name: table[name] for name in table.dtype.names}


def test_multinomial_logit() -> None:
    case = json.loads((CASES / "reg" / "mn_housing.json").read_text())
    data = read(case, "reg")
    columns = tuple(k for k in data if k.startswith("X") and k != "X1")  # X1 is the constant
    data["class"] = np.array(case["classes"])[data.pop("y").astype(int)]
    model = Categorical(logits=Linear(columns), levels=case["classes"])
    fit = kl.fit(model, data, "class", weights="weight")
    answer = case["refined"]
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(answer["loglik"], rel=1e-11)
    # the refined answers have 14 digits; the errors' condition costs some
    np.testing.assert_allclose(flat(fit.params["logits"]), np.ravel(answer["estimate"]), rtol=1e-8)
    np.testing.assert_allclose(flat(fit.stderr["logits"]), np.ravel(answer["se"]), rtol=1e-8)
    assert fit.names[len(columns) + 2] == f"logits[{case['classes'][2]}[{columns[0]}]]"
