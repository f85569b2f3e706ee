"""A model's functions at any number of points up to 65,536 compile nothing."""

import numpy as np
import pytest

import kullback as kl
from kullback._core.compilation import COMPILED
from kullback._core.numpy_program import NumpyProgram
from kullback.models.evaluation import _compiled, blockwise

_MODELS = [
    kl.Gamma(shape=2.5, rate=1.5),
    kl.InverseGamma(shape=2.5, scale=1.5),
    kl.Beta(alpha=2.5, beta=1.5),
    kl.StudentT(df=4.0, loc=0.0, scale=1.0),
    kl.VonMises(loc=0.3, concentration=2.0),
    kl.InverseGaussian(mean=1.5, shape=2.0),
    kl.GeneralizedExtremeValue(loc=0.0, scale=1.0, shape=0.1),
    kl.Normal(loc=0.0, scale=1.0),
    kl.Poisson(rate=3.5),
    kl.NegativeBinomial(mean=3.0, size=2.0),
    kl.Binomial(trials=10, probability=0.3),
    kl.LogSeries(probability=0.3),
]


@pytest.mark.parametrize("model", _MODELS, ids=lambda model: model.name)
def test_no_length_is_compiled(model):
    before = COMPILED.count
    for length in (1, 20, 3_000):
        u = (np.arange(length) + 0.5) / length
        x = model.quantile(u)
        assert x.shape == (length,)
        # by its definition; 1e-12: the tolerance of every family's distribution function
        assert (model.cdf(x) >= u * (1.0 - 1e-12)).all()
        assert np.isfinite(model.log_density(x)).all()
        np.testing.assert_allclose(model.cdf(x) + model.survival(x), 1.0, rtol=1e-12)
        assert np.isfinite(model.sample(length, seed=1)).all()
    assert model.quantile(0.3) == model.quantile([0.3])[0]
    assert COMPILED.count == before


@pytest.mark.parametrize("hook", ["row_log_density", "row_log_cdf", "row_log_survival"])
@pytest.mark.parametrize("name", ["Gamma", "Poisson", "Normal"])
def test_numpy_and_compiled_code_agree(name, hook):
    """The same formula compiled by XLA, whose log1p is wrong by 3e-14 between −0.41 and −0.35."""
    model = next(model for model in _MODELS if model.name == name)
    x = np.array([0.0, 1e-300, 0.3, 1.0, 2.0, 7.0, 40.0, 1e3, np.inf, np.nan, -1.0])
    numbers = model._constrained()
    expected = _compiled(model, hook, x, numbers)
    np.testing.assert_allclose(blockwise(model, hook, x, numbers), expected, rtol=1e-12)
    one_by_one = [float(blockwise(model, hook, np.asarray(v), numbers)) for v in x]
    np.testing.assert_allclose(one_by_one, expected, rtol=1e-12)


def test_rows_end_a_loop_one_by_one():
    """Halvings until a number is below 1, then as many doublings of 1, in Python's floats."""
    import jax
    import jax.numpy as jnp

    def formula(x, least):
        def halve(state):
            return state[0] + 1, 0.5 * state[1]

        start = (jnp.zeros((), int), x)
        steps, rest = jax.lax.while_loop(lambda s: jnp.any(s[1] >= least), halve, start)
        doubled = jax.lax.fori_loop(0, steps, lambda _, y: 2.0 * y, jnp.ones_like(x))
        return [rest, doubled]

    program = NumpyProgram(formula, 1)
    # in one tile and in several, and few
    for x in (np.geomspace(0.1, 1e6, 30_000), np.array([1e5] * 20 + [0.5] * 3), np.array([9.0])):
        halvings = [next(k for k in range(30) if v / 2**k < 1.0) for v in x.tolist()]
        rest, doubled = program(x, [1.0])
        # a row may go on with its neighbours, in both loops
        np.testing.assert_array_equal(rest * doubled, x)
        assert (doubled >= 2.0 ** np.array(halvings)).all()


def test_a_loop_and_a_choice_in_a_formula():
    """A sum of powers, 1 + x + … + xⁿ, in Python's floats."""
    import jax
    import jax.numpy as jnp

    def formula(x, n):
        def add(state):
            k, power, total = state
            return k + 1.0, power * x, total + power * x

        one = jnp.ones_like(x)
        total = jax.lax.while_loop(lambda s: s[0] < n, add, (jnp.zeros(()), one, one))[2]
        return [jnp.where(x < 0.0, -1.0 / x, total), jnp.maximum(x, n)]

    program = NumpyProgram(formula, 1)
    x = np.array([-0.5, 0.0, 0.5, 2.0])
    expected = [2.0, 1.0, 1.875, 15.0]
    assert program(x, [3.0])[0].tolist() == expected
    assert [float(program(np.asarray(v), [3.0])[0]) for v in x] == expected
    assert program(x, [1.0])[1].tolist() == [1.0, 1.0, 1.0, 2.0]
