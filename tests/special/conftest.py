"""Float64 and mpmath for the tests of the special functions."""

from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True), mpmath.workdps(60):
        yield


@pytest.fixture
def worst_error() -> Callable[..., float]:
    """The largest relative error of computed values against mpmath at 60 digits.

    `worst_error(function, reference, columns...)`: `function` of arrays, jitted here unless it is
    `compiled`; `reference` of mpmath numbers, one row at a time.
    """

    def measure(
        function: Callable[..., jax.Array],
        reference: Callable[..., mpmath.mpf],
        *columns: Sequence[float] | np.ndarray,
        compiled: bool = False,
    ) -> float:
        arrays = [np.asarray(column, float) for column in columns]
        computed = np.asarray((function if compiled else jax.jit(function))(*arrays))
        assert np.isfinite(computed).all()
        worst = 0.0
        for value, *row in zip(computed, *arrays, strict=True):
            expected = reference(*(mpmath.mpf(float(x)) for x in row))
            error = abs(mpmath.mpf(float(value)) - expected)
            # Below 1e-300 the error is absolute: XLA flushes subnormal numbers to zero.
            normal = abs(expected) > 1e-300
            worst = max(worst, float(error / abs(expected) if normal else error))
        return worst

    return measure


@pytest.fixture
def derivative() -> Callable[..., Callable[..., jax.Array]]:
    """`derivative(f, i, j)`: forward-mode ∂f/∂x_i, or ∂²f/∂x_i∂x_j, elementwise and jitted."""

    def along(function: Callable[..., jax.Array], i: int) -> Callable[..., jax.Array]:
        def partial(*args: jax.Array) -> jax.Array:
            def of_one(x: jax.Array) -> jax.Array:
                return function(*args[:i], x, *args[i + 1 :])

            return jax.jvp(of_one, (args[i],), (jnp.ones_like(args[i]),))[1]

        return partial

    def build(function: Callable[..., jax.Array], *which: int) -> Callable[..., jax.Array]:
        for i in which:
            function = along(function, i)
        return jax.jit(function)  # without it, each operation is compiled by itself

    return build
