"""One name for arrays and for models: what goes where, and what is refused in words."""

import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import kullback as kl
from kullback._core.errors import DataError, KullbackError, ModelError
from kullback.information import measures as k
from kullback.information.arrays import entropy as measures
from kullback.information.estimate import Estimate

HALVES, QUARTERS = [0.5, 0.5], [0.25, 0.75]
ONE, HALF = kl.Exponential(rate=1.0), kl.Exponential(rate=0.5)
PAIRS = ["cross_entropy", "kl_divergence", "jensen_shannon"]


def test_arrays_are_measured():
    table = np.array([HALVES, QUARTERS])
    assert k.entropy(HALVES, unit="bits") == 1.0
    np.testing.assert_array_equal(k.entropy(table.T, axis=0), measures.entropy(table))
    assert k.entropy([1, 3], counts=True) == measures.entropy(QUARTERS)
    for name in PAIRS:
        ours, theirs = getattr(k, name), getattr(measures, name)
        assert isinstance(ours(HALVES, QUARTERS), float)
        assert ours(HALVES, QUARTERS, unit="bits") == theirs(HALVES, QUARTERS, unit="bits")
        np.testing.assert_array_equal(
            ours(table.T, [1, 1], axis=0, counts="q"), theirs(table, HALVES)
        )
        traced = jax.jit(ours)(jnp.array(HALVES), jnp.array(QUARTERS))
        assert isinstance(traced, jax.Array)
        assert float(traced) == pytest.approx(ours(HALVES, QUARTERS), rel=1e-6)  # float32
    shares = k.jensen_shannon(HALVES, QUARTERS, weights=(0.2, 0.8))
    assert shares == measures.jensen_shannon(HALVES, QUARTERS, weights=(0.2, 0.8))
    said = k.kl_divergence(HALVES, [1.0, 0.0], explain=True, names=["yes", "no"])
    assert said.symbols == ("'no'",)


def test_models_are_estimated():
    """Closed forms: H = 1 − log rate, and D = log(a/b) + b/a − 1 for exponentials."""
    found = k.entropy(HALF, unit="bits")
    assert isinstance(found, Estimate)
    assert found.unit == "bits"
    assert float(found) == pytest.approx((1.0 + math.log(2.0)) / math.log(2.0), rel=1e-15)
    assert float(k.kl_divergence(ONE, HALF)) == pytest.approx(math.log(2.0) - 0.5, rel=1e-14)
    assert float(k.cross_entropy(ONE, HALF)) == pytest.approx(math.log(2.0) + 0.5, rel=1e-14)
    simulated = k.kl_divergence(ONE, HALF, method="monte carlo", draws=1000, seed=3, level=0.9)
    assert simulated.level == 0.9
    assert simulated.stderr > 0.0
    # labels: the sum over the symbols is that of the arrays
    p, q = (kl.Bernoulli(probability=v) for v in (0.5, 0.75))
    for name in PAIRS:
        assert float(getattr(k, name)(p, q)) == pytest.approx(
            getattr(k, name)(HALVES, QUARTERS), rel=1e-12
        )
    weighted = k.jensen_shannon(p, q, weights=(0.2, 0.8))
    assert float(weighted) == pytest.approx(
        k.jensen_shannon(HALVES, QUARTERS, weights=(0.2, 0.8)), rel=1e-12
    )


def test_a_fit_is_not_its_model():
    fit = kl.fit(kl.Exponential(), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(ModelError, match=r"^p is a Fit: pass its model, fit\.model$"):
        k.entropy(fit)
    with pytest.raises(ModelError, match=r"^q is a Fit: pass its model"):
        k.kl_divergence(ONE, fit)
    assert float(k.entropy(fit.model)) == pytest.approx(1.0 + math.log(2.0), rel=1e-14)


@pytest.mark.parametrize("name", PAIRS)
def test_a_model_does_not_meet_an_array(name):
    measure = getattr(k, name)
    with pytest.raises(ModelError, match=r"p is the model Exponential.*q is of type list"):
        measure(ONE, HALVES)
    with pytest.raises(ModelError, match=r"q is the model .*p is of type ndarray.*kl\.Categorical"):
        measure(np.array(HALVES), ONE)
    with pytest.raises(ModelError, match=r"^p is the class Gamma: give a distribution of it"):
        measure(kl.Gamma, ONE)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: k.entropy(ONE, axis=0), r"^axis= goes with arrays, and entropy was given models"),
        (lambda: k.entropy(ONE, counts=True), r"^counts= goes with arrays"),
        (lambda: k.kl_divergence(ONE, HALF, explain=True), r"^explain= goes with arrays"),
        (lambda: k.cross_entropy(ONE, HALF, names=["a"]), r"^names= goes with arrays"),
        (lambda: k.jensen_shannon(ONE, HALF, counts="p"), r"^counts= goes with arrays"),
        (
            lambda: k.entropy(HALVES, draws=10),
            r"^draws= goes with models, and entropy was given arr",
        ),
        (lambda: k.kl_divergence(HALVES, HALVES, level=0.9), r"^level= goes with models"),
        (lambda: k.entropy(ONE, unit="bit"), "unit='bit' is not a unit.*bits"),
        (lambda: k.entropy(HALVES, unit="bit"), "unit='bit' is not a unit.*bits"),
    ],
)
def test_keywords_of_the_other_kind(call, words):
    with pytest.raises(KullbackError, match=words):
        call()


def test_unknown_keywords_and_wrong_arrays():
    with pytest.raises(
        TypeError, match=r"entropy\(\) has no keyword 'sead'; did you mean \"seed\"\?"
    ):
        k.entropy(ONE, sead=1)
    with pytest.raises(TypeError, match="did you mean"):
        k.kl_divergence(HALVES, HALVES, axes=0)
    with pytest.raises(DataError, match=r"sums to 7\.0.*counts=True.*kl\.estimate_entropy"):
        k.entropy([3, 4])


@pytest.mark.parametrize("name", ["entropy", *PAIRS])
def test_the_docstring_tells_every_keyword(name):
    measure = getattr(k, name)
    words = inspect.getdoc(measure)
    for parameter in inspect.signature(measure).parameters:
        assert f"{parameter}:" in words
    for section in ("Args:", "Returns:", "Raises:", "Source:", "Example:"):
        assert section in words
