"""Fits of few rows are evaluated in NumPy: derivatives of every operation, and no compilation."""

from dataclasses import replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.compilation import COMPILED
from kullback._core.derivatives import first_and_second
from kullback._core.domains import POSITIVE
from kullback._core.numpy_program import NumpyProgram
from kullback.data.blocks import blocks
from kullback.data.observation import Event, Observed
from kullback.data.sample import Chunk
from kullback.models.family import Family
from kullback.objective.kernels import NUMPY_ROWS
from kullback.objective.statistics import LossDerivatives
from kullback.special.gamma import log_gamma, log_gamma_ratio

_FUNCTIONS = {
    "sum, difference, product, quotient": (
        lambda x, y: (x + y) * (x - y) / (x * y + 1.0),
        lambda x, y: (x + y) * (x - y) / (x * y + 1.0),
    ),
    "abs": (lambda x, y: jnp.abs(x - y) * x, lambda x, y: abs(x - y) * x),
    "exp, log": (lambda x, y: jnp.exp(-x) * jnp.log(y), lambda x, y: mp.exp(-x) * mp.log(y)),
    "exp2": (lambda x, y: jnp.exp2(x * y), lambda x, y: mp.mpf(2) ** (x * y)),
    "expm1, log1p": (
        lambda x, y: jnp.expm1(x * y) * jnp.log1p(x),
        lambda x, y: mp.expm1(x * y) * mp.log1p(x),
    ),
    "sqrt, square": (
        lambda x, y: jnp.sqrt(x) * jnp.square(x * y),
        lambda x, y: mp.sqrt(x) * (x * y) ** 2,
    ),
    "rsqrt": (lambda x, y: jax.lax.rsqrt(x + y * y), lambda x, y: 1 / mp.sqrt(x + y * y)),
    "powers": (lambda x, y: x**y + x**3 + y**-2, lambda x, y: x**y + x**3 + y**-2),
    "max, min, where": (
        lambda x, y: jnp.maximum(x, y) ** 2 + jnp.minimum(x, y) + jnp.where(x < y, x * y, y / x),
        lambda x, y: max(x, y) ** 2 + min(x, y) + (x * y if x < y else y / x),
    ),
    "sin, cos, tan": (
        lambda x, y: jnp.sin(x) * jnp.cos(y) + jnp.tan(x * y),
        lambda x, y: mp.sin(x) * mp.cos(y) + mp.tan(x * y),
    ),
    "hyperbolic": (
        lambda x, y: jnp.sinh(x) * jnp.cosh(y) + jnp.tanh(x * y),
        lambda x, y: mp.sinh(x) * mp.cosh(y) + mp.tanh(x * y),
    ),
    "inverse": (
        lambda x, y: jnp.arcsin(0.3 * x) + jnp.arccos(0.2 * x * y) + jnp.arctan(x * y),
        lambda x, y: mp.asin(0.3 * x) + mp.acos(0.2 * x * y) + mp.atan(x * y),
    ),
    "atan2": (lambda x, y: jnp.arctan2(x * x, y), lambda x, y: mp.atan2(x * x, y)),
    "error functions": (
        lambda x, y: jax.lax.erf(x * y) + x * jax.lax.erfc(y) + jax.lax.erf_inv(0.2 * x * y),
        lambda x, y: mp.erf(x * y) + x * mp.erfc(y) + mp.erfinv(mp.mpf(0.2) * x * y),
    ),
    "steps": (lambda x, y: jnp.floor(x) * y + jnp.sign(y) * x, lambda x, y: mp.floor(x) * y + x),
    "functions with partial derivatives": (
        lambda x, y: log_gamma(x) * y + log_gamma_ratio(x, y),
        lambda x, y: mp.loggamma(x) * y + mp.loggamma(x + y) - mp.loggamma(x),
    ),
}


@pytest.mark.parametrize("name", _FUNCTIONS)
def test_derivatives_of_operations_against_mpmath(name):
    function, expected = _FUNCTIONS[name]

    def formula(x, y):
        value, first, lower, _ = first_and_second(function, [x, y])
        return [value, *first, *lower]

    orders = [(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)]
    program = NumpyProgram(formula, 2, rows=0)
    for at in ((0.7, 1.2), (1.3, 0.4)):
        with mp.workdps(60):
            point = tuple(map(mp.mpf, at))
            answers = [float(mp.diff(expected, point, order)) for order in orders]
        found = [float(v) for v in program.of_scalars(*map(np.float64, at))]
        # 1e-13: some ten roundings, of terms that partly cancel
        np.testing.assert_allclose(found, answers, rtol=1e-13, atol=1e-13)


def test_mixed_derivatives_and_rows():
    """∂²/∂θ∂T of θ T², and derivatives for each row of a vector."""

    def mixed(theta, t):
        value, first, lower, both = first_and_second(lambda a, b: a * b * b, [theta], [t])
        return [value, *first, *lower, *both]

    scalars = NumpyProgram(mixed, 2, rows=0).of_scalars(np.float64(3.0), np.float64(5.0))
    assert [float(v) for v in scalars] == [75.0, 25.0, 30.0, 0.0, 10.0]

    def rows(x, theta):
        _, (slope,), (bend,), _ = first_and_second(lambda a: jnp.exp(a * x), [theta])
        return [slope, bend]

    x = np.array([0.0, 1.0, 2.0])
    slope, bend = NumpyProgram(rows, 1)(x, [0.5])
    np.testing.assert_allclose(slope, x * np.exp(0.5 * x), rtol=1e-15)
    np.testing.assert_allclose(bend, x * x * np.exp(0.5 * x), rtol=1e-15)


@pytest.mark.parametrize(
    "model",
    [kl.Gamma(), kl.Weibull(), kl.StudentT(), kl.GeneralizedExtremeValue(), kl.Lomax()],
    ids=lambda model: model.name,
)
def test_fits_of_few_rows_compile_nothing(model):
    x = scipy.stats.lomax(3.0).rvs(400, random_state=2)
    before = COMPILED.count
    fit = kl.fit(model, x)
    assert all(np.isfinite(error) for error in fit.stderr.values())
    assert COMPILED.count == before
    streamed = kl.fit(model, x, engine=kl.StreamingEngine)
    assert streamed.params == fit.params


def test_a_function_that_only_jax_differentiates_is_compiled():
    """Its derivative rule is not that of its operations: the slope of a rate is stated as 1."""

    @jax.custom_jvp
    def same(x):
        return jax.lax.stop_gradient(x)

    same.defjvp(lambda primals, tangents: (same(*primals), tangents[0]))

    class Waiting(Family):
        default_parameters: ClassVar = {"rate": POSITIVE}
        support = POSITIVE

        @staticmethod
        def _log_density(x, rate):
            return jnp.log(rate) - same(rate) * x

        @staticmethod
        def _starts(values, weights):  # noqa: ARG004
            return [{"rate": 1.0}]

    x = scipy.stats.expon().rvs(50, random_state=1)
    before = COMPILED.count
    with float64():
        fit = kl.fit(Waiting(), x)
    # the maximum of Σ log rate − rate x
    assert fit.params["rate"] == pytest.approx(1.0 / x.mean(), rel=1e-13)
    assert COMPILED.count > before


def test_thousands_of_intervals_compile_nothing_and_agree_with_compiled_code():
    x = np.random.default_rng(5).gamma(2.5, size=NUMPY_ROWS)
    before = COMPILED.count
    fit = kl.fit(kl.Gamma(), {"low": x, "high": x + 0.5}, ("low", "high"))
    assert COMPILED.count == before
    # one row more is compiled: of weight 1e-12, which changes the estimate by less than 1e-11
    more = np.append(x, 1.0)
    table = {"low": more, "high": more + 0.5, "w": np.append(np.ones(NUMPY_ROWS), 1e-12)}
    other = kl.fit(kl.Gamma(), table, ("low", "high"), weights="w")
    assert COMPILED.count == before + 1
    assert other.params["shape"] == pytest.approx(fit.params["shape"], rel=1e-9)
    assert other.params["rate"] == pytest.approx(fit.params["rate"], rel=1e-9)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-12)


def test_more_of_them_compile_loops_alone_and_agree_with_compiled_code():
    rows = NUMPY_ROWS + 3_000
    x = np.random.default_rng(6).gamma(2.5, size=rows)
    before = COMPILED.count
    fit = kl.fit(kl.Gamma(), {"low": x, "high": x + 0.5}, ("low", "high"))
    assert COMPILED.count <= before + 1  # another test may have compiled the same loop
    # the whole kernel, by the same sums at the estimate: rounding of 2,000 sums a lane
    kind, ends = Observed(Event.INTERVAL), {"y.lower": x, "y.upper": x + 0.5}
    numbers = np.array([fit.params["shape"], fit.params["rate"]])
    derivatives = LossDerivatives(kl.Gamma(), (True, True))
    (block,) = blocks([Chunk(kind, ends, None, 0)])
    with float64():
        compiled = derivatives.of_block(block, numbers)
        light = replace(derivatives, light=True).of_block(block, numbers)
    np.testing.assert_allclose(light, compiled, rtol=1e-12, atol=1e-9)
    assert fit.log_likelihood == pytest.approx(-compiled[1], rel=1e-12)


def test_a_predictor_of_zero_has_its_derivatives() -> None:
    """At 0, where searches start, |η| within 1/(1 + e^−η) has JAX's derivative, 1."""
    rows = {"x": [0.0, 1, 2, 3, 4, 5, 6, 7], "y": [0.0, 0, 1, 0, 1, 1, 0, 1]}
    fit = kl.fit(kl.Bernoulli(probability="~ x"), rows, "y")
    other = kl.fit(kl.Bernoulli(logit="~ x"), rows, "y")
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(other.log_likelihood, rel=1e-14)
    # scikit-learn's LogisticRegression without a penalty
    assert fit.params["probability"]["x"] == pytest.approx(0.4332014766600125, rel=1e-9)
    assert fit.stderr["probability"]["x"] == pytest.approx(other.stderr["logit"]["x"], rel=1e-9)
