"""Designs that are kept with the rows in memory: made once, and no bit depends on them."""

import numpy as np
import pytest

import kullback as kl
from kullback.data.sample import ArraySample
from kullback.models.design_matrix import DesignMatrix
from kullback.models.linear import Linear
from kullback.objective import predictors
from kullback.objective.statistics import LossDerivatives

RANDOM = np.random.default_rng(5)
N = 70_000  # two blocks
COLUMNS = {name: RANDOM.normal(size=N) for name in "ab"}
SAMPLE = ArraySample({"y": COLUMNS["a"] + RANDOM.standard_t(4.0, N), **COLUMNS})
MODEL = kl.StudentT(df=4.0, loc=Linear(("a", "b")), scale=Linear(("a", "b")))
AT = np.array([4.0, 0.1, 0.9, -0.1, 0.2, 0.0, 0.3])


def sums(engine):
    return engine.reduce(LossDerivatives(MODEL, MODEL.vector.is_free), AT)


@pytest.fixture
def made(monkeypatch):
    """The numbers of rows of which the design was made."""
    rows, design = [], Linear.design

    def counted(self, row):
        matrix = design(self, row)
        rows.append(matrix.shape[1])
        return matrix

    monkeypatch.setattr(Linear, "design", counted)
    return rows


def test_two_parameters_of_the_same_columns_share_one_design_in_all_passes(made):
    engine = kl.LocalEngine(SAMPLE, threads=1)
    first, second = sums(engine), sums(engine)
    np.testing.assert_array_equal(first, second)
    # beside one row of a block, by which the length of runs is chosen
    padded = 2 * 65_536
    assert N <= sum(n for n in made if n > 1) <= padded


def test_no_bit_depends_on_whether_designs_are_kept(monkeypatch, made):
    kept = sums(kl.LocalEngine(SAMPLE))
    monkeypatch.setattr(predictors, "_KEPT", 0)
    engine = kl.LocalEngine(SAMPLE)
    made.clear()
    for other in (sums(engine), sums(engine), sums(kl.StreamingEngine(SAMPLE))):
        np.testing.assert_array_equal(other, kept)
    assert sum(made) > 3 * N - 1


def test_the_sums_of_a_kept_design_are_those_of_the_formula():
    matrix = DesignMatrix(np.stack([np.ones(N), *COLUMNS.values()]))
    loc, scale = matrix.dot(AT[1:4]), np.exp(matrix.dot(AT[4:]))
    z = (SAMPLE.fields["y"] - loc) / scale
    # ∂ℓ/∂loc of −log q = … + (df + 1)/2 log(1 + z²/df) + log scale
    slope = -(5.0 / 4.0) * z / (1.0 + z * z / 4.0) / scale
    engine = kl.LocalEngine(SAMPLE)
    for found in (sums(engine), sums(engine)):
        # numbers of order one, added up 70,000 times
        np.testing.assert_allclose(found[3:6], matrix.transpose_dot(slope), rtol=1e-10, atol=1e-7)
