"""One function for arrays and for models: where each goes, and refusals."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback.information.estimate import Estimate

HALVES, QUARTERS = [0.5, 0.5], [0.25, 0.75]
ONE, HALF = kl.Exponential(rate=1.0), kl.Exponential(rate=0.5)
PAIRS = ["cross_entropy", "kl_divergence", "jensen_shannon"]


def test_arrays_are_measured():
    table = np.array([HALVES, QUARTERS])
    assert kl.entropy(HALVES, unit="bits") == 1.0
    np.testing.assert_array_equal(kl.entropy(table.T, axis=0), kl.entropy(table))
    assert kl.entropy([1, 3], counts=True) == kl.entropy(QUARTERS)
    for name in PAIRS:
        measure = getattr(kl, name)
        assert isinstance(measure(HALVES, QUARTERS), float)
        bits = measure(HALVES, QUARTERS) / math.log(2.0)
        assert measure(HALVES, QUARTERS, unit="bits") == pytest.approx(bits, rel=1e-15)
        np.testing.assert_array_equal(
            measure(table.T, [1, 1], axis=0, counts="q"), measure(table, HALVES)
        )
        traced = jax.jit(measure)(jnp.array(HALVES), jnp.array(QUARTERS))
        assert isinstance(traced, jax.Array)
        assert float(traced) == pytest.approx(measure(HALVES, QUARTERS), rel=1e-6)  # float32
    # D to the mixture with weights 0.2 and 0.8
    mixture = 0.2 * table[0] + 0.8 * table[1]
    parts = [kl.kl_divergence(row, mixture) for row in table]
    shares = kl.jensen_shannon(HALVES, QUARTERS, weights=(0.2, 0.8))
    assert shares == pytest.approx(0.2 * parts[0] + 0.8 * parts[1], rel=1e-12)
    explained = kl.kl_divergence(HALVES, [1.0, 0.0], explain=True, names=["yes", "no"])
    assert explained.symbols == ("'no'",)


def test_models_are_estimated():
    """Closed forms: H = 1 − log rate, and D = log(a/b) + b/a − 1 for exponentials."""
    found = kl.entropy(HALF, unit="bits")
    assert isinstance(found, Estimate)
    assert found.unit == "bits"
    assert float(found) == pytest.approx((1.0 + math.log(2.0)) / math.log(2.0), rel=1e-15)
    assert float(kl.kl_divergence(ONE, HALF)) == pytest.approx(math.log(2.0) - 0.5, rel=1e-14)
    assert float(kl.cross_entropy(ONE, HALF)) == pytest.approx(math.log(2.0) + 0.5, rel=1e-14)
    simulated = kl.kl_divergence(ONE, HALF, method="monte carlo", draws=1000, seed=3, level=0.9)
    assert simulated.level == 0.9
    assert simulated.stderr > 0.0
    # labels: the sum over the symbols is that of the arrays
    p, q = (kl.Bernoulli(probability=v) for v in (0.5, 0.75))
    for name in PAIRS:
        assert float(getattr(kl, name)(p, q)) == pytest.approx(
            getattr(kl, name)(HALVES, QUARTERS), rel=1e-12
        )
    weighted = kl.jensen_shannon(p, q, weights=(0.2, 0.8))
    assert float(weighted) == pytest.approx(
        kl.jensen_shannon(HALVES, QUARTERS, weights=(0.2, 0.8)), rel=1e-12
    )


def test_a_fit_is_not_its_model():
    fit = kl.fit(kl.Exponential(), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(ModelError, match=r"^p is a Fit: pass its model, fit\.model$"):
        kl.entropy(fit)
    with pytest.raises(ModelError, match=r"^q is a Fit: pass its model"):
        kl.kl_divergence(ONE, fit)
    assert float(kl.entropy(fit.model)) == pytest.approx(1.0 + math.log(2.0), rel=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_a_model_does_not_meet_an_array(name):
    measure = getattr(kl, name)
    with pytest.raises(ModelError, match=r"p is the model Exponential.*q is of type list"):
        measure(ONE, HALVES)
    with pytest.raises(ModelError, match=r"q is the model .*p is of type ndarray.*kl\.Categorical"):
        measure(np.array(HALVES), ONE)
    with pytest.raises(ModelError, match=r"^p is the class Gamma: give a distribution of it"):
        measure(kl.Gamma, ONE)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: kl.entropy(ONE, axis=0), r"^axis= goes with arrays, and entropy was given models"),
        (lambda: kl.entropy(ONE, counts=True), r"^counts= goes with arrays"),
        (lambda: kl.kl_divergence(ONE, HALF, explain=True), r"^explain= goes with arrays"),
        (lambda: kl.cross_entropy(ONE, HALF, names=["a"]), r"^names= goes with arrays"),
        (lambda: kl.jensen_shannon(ONE, HALF, counts="p"), r"^counts= goes with arrays"),
        (
            lambda: kl.entropy(HALVES, draws=10),
            r"^draws= goes with models, and entropy was given arr",
        ),
        (lambda: kl.kl_divergence(HALVES, HALVES, level=0.9), r"^level= goes with models"),
        (lambda: kl.entropy(ONE, unit="bit"), "unit='bit' is not a unit.*bits"),
        (lambda: kl.entropy(HALVES, unit="bit"), "unit='bit' is not a unit.*bits"),
    ],
)
def test_keywords_of_the_other_kind(call, words):
    with pytest.raises(KullbackError, match=words):
        call()


def test_unknown_keywords_and_wrong_arrays():
    with pytest.raises(
        TypeError, match=r"entropy\(\) has no keyword 'sead'; did you mean \"seed\"\?"
    ):
        kl.entropy(ONE, sead=1)
    with pytest.raises(TypeError, match="did you mean"):
        kl.kl_divergence(HALVES, HALVES, axes=0)
    with pytest.raises(DataError, match=r"sums to 7\.0.*counts=True.*kl\.estimate_entropy"):
        kl.entropy([3, 4])


@pytest.mark.parametrize("name", ["entropy", *PAIRS])
def test_the_docstring_lists_every_keyword(name):
    measure = getattr(kl, name)
    words = inspect.getdoc(measure)
    for parameter in inspect.signature(measure).parameters:
        assert f"{parameter}:" in words
    for section in ("Args:", "Returns:", "Raises:", "Source:", "Example:"):
        assert section in words
