"""Terms and designs of formulas against formulaic's, which are R's and patsy's.

Formulas are parsed by our own grammar, which has nothing that could be evaluated; what a formula
means is compared here with the library of the field. Columns are compared as the space that they
span and in number, since labels and the order of interactions differ between libraries.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from formulaic import model_matrix
from formulaic.parser import DefaultFormulaParser

from kullback.data.schema import Column, Schema
from kullback.models.formula.design import design_of
from kullback.models.formula.syntax import parse
from kullback.models.formula.terms import terms_of

FORMULAS = (
    "1",
    "a",
    "a + b",
    "a - 1",
    "0 + a",
    "a + 0",
    "a + b - a",
    "a:b",
    "a*b",
    "a/b",
    "(a + b)*c",
    "(a + b)/c",
    "a/(b + c)",
    "(a + b + c)**2",
    "(a + b + c)**3 - a:b:c",
    "a*b*c - a",
    "g",
    "g - 1",
    "g + h",
    "g + h - 1",
    "g:h",
    "g*h",
    "g/h",
    "g:h - 1",
    "a:g",
    "a*g",
    "a:g - 1",
    "g + a:g",
    "a*g*h",
    "g*h*a - g:h",
    "a + g:h",
    "(g + h)**2 + a",
    "I(a**2) + a",
    "log(c) + exp(a):g",
    "a:b + a:g:h",
    "a + a:g",
)


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 120
    return pd.DataFrame(
        {
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
            "c": rng.uniform(1.0, 2.0, size=n),
            "g": rng.choice(["x", "y", "z"], size=n),
            "h": rng.choice(["u", "v"], size=n),
        }
    )


@pytest.mark.parametrize("formula", FORMULAS)
def test_terms(formula: str) -> None:
    theirs = DefaultFormulaParser(include_intercept=True).get_terms(formula)
    expected = {frozenset(str(f.expr) for f in t.factors) - {"1"} for t in theirs}
    own = {frozenset(str(node) for node in term) for term in terms_of(parse(f"~ {formula}"))}
    assert {frozenset(s.replace(" ", "") for s in term) for term in own} == {
        frozenset(s.replace(" ", "") for s in term) for term in expected
    }


@pytest.mark.parametrize("formula", FORMULAS)
def test_designs(formula: str, frame: pd.DataFrame) -> None:
    levels = {"g": ("x", "y", "z"), "h": ("u", "v")}
    schema = Schema.of(Column(name, levels.get(name)) for name in frame.columns)
    row = {
        name: frame[name].map(levels[name].index).to_numpy(float)
        if name in levels
        else frame[name].to_numpy()
        for name in frame.columns
    }
    design = design_of(formula, terms_of(parse(f"~ {formula}")), schema)
    own = design.matrix(row).to_dense().T
    # log and exp are NumPy's there
    theirs = model_matrix(formula, frame, context={"log": np.log, "exp": np.exp})
    expected = np.asarray(theirs, dtype=float)
    assert own.shape == expected.shape
    rank = np.linalg.matrix_rank(expected)
    assert rank == expected.shape[1]
    assert np.linalg.matrix_rank(own) == rank
    # each column of ours is a combination of theirs
    residual = own - expected @ np.linalg.lstsq(expected, own, rcond=None)[0]
    np.testing.assert_allclose(residual, 0.0, atol=1e-10)
