"""Checks that the tests of several families share: against mpmath, of draws and of starts."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
from scipy import stats

from kullback._core.arrays import float64

# The project's bar for values: 1e-12 relative.
BAR = 1e-12


def _relative_error(got: float, exact: mp.mpf) -> float:
    # XLA takes what is below the smallest normal double, 2e-308, to be 0
    if abs(exact) < mp.mpf("1e-300"):
        return 0.0 if abs(got) < 1e-300 else np.inf
    return float(abs((mp.mpf(float(got)) - exact) / exact))


def _check(got: Any, expected: Any) -> None:
    assert max(map(_relative_error, np.ravel(got), expected)) < BAR


@pytest.fixture
def check() -> Callable[..., None]:
    """`check(got, expected)`: every value is within 1e-12, relative, of mpmath's."""
    return _check


@pytest.fixture
def check_tails() -> Callable[..., None]:
    """`check_tails(model, x, lower, upper)`: logs of both tails, each from the smaller one."""

    def logs(lower: mp.mpf, upper: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
        if lower < upper:
            return mp.log(lower), mp.log1p(-lower)
        return mp.log1p(-upper), mp.log(upper)

    def tails(model: Any, x: Any, lower: Any, upper: Any) -> None:
        both = [logs(a, b) for a, b in zip(lower, upper, strict=True)]
        _check(model.log_cdf(x), [a for a, _ in both])
        _check(model.log_survival(x), [b for _, b in both])

    return tails


@pytest.fixture
def derivatives() -> Callable[..., list[np.ndarray]]:
    """`derivatives(model, x, **parameters)`: each row's log-density, scores, second derivatives."""
    return _derivatives


def _derivatives(model: Any, x: Any, **parameters: Any) -> list[np.ndarray]:
    names = list(parameters)

    def rows(x, *numbers):
        def f(*numbers):
            return model.row_log_density_inside(x, dict(zip(names, numbers, strict=True)))

        def along(f, i):
            def slope(*at):
                def one(t):
                    return f(*at[:i], t, *at[i + 1 :])

                return jax.jvp(one, (at[i],), (jnp.ones_like(at[i]),))[1]

            return slope

        first = [along(f, i) for i in range(len(names))]
        second = [along(first[i], j) for i in range(len(names)) for j in range(i + 1)]
        return [f(*numbers), *(g(*numbers) for g in first), *(h(*numbers) for h in second)]

    with float64():
        arrays = [jnp.asarray(a, jnp.float64) for a in np.broadcast_arrays(x, *parameters.values())]
        return [np.asarray(d) for d in jax.jit(rows)(*arrays)]


@pytest.fixture
def check_draws() -> Callable[[Any], None]:
    """`check_draws(model)`: 40,000 draws of counts are as frequent as the model says."""
    return _check_draws


def _check_draws(model: Any) -> None:
    n = 40_000
    x = model.sample(7, n)
    values, counts = np.unique(x, return_counts=True)
    expected = n * model.density(values)
    common = expected > 20.0
    chi = float(np.sum((counts[common] - expected[common]) ** 2 / expected[common]))
    # one fixed seed; a right sampler exceeds this with probability 1e-6
    assert chi < stats.chi2.isf(1e-6, common.sum())
    rest = n - expected[common].sum()
    assert abs((n - counts[common].sum()) - rest) < 5.0 * np.sqrt(rest) + 20.0


@pytest.fixture
def check_starts() -> Callable[..., None]:
    """`check_starts(model, *samples)`: starts lie inside the parameters' supports."""
    return _check_starts


def _check_starts(model: Any, *samples: Any) -> None:
    for outcomes in samples:
        for weights in (np.ones(outcomes.size), np.arange(outcomes.size) * 1e-9):
            for start in model.starts(outcomes, weights):
                assert list(start) == list(model.parameters)
                for name, value in start.items():
                    inside = model.parameters[name]
                    assert inside.lower < value < inside.upper
