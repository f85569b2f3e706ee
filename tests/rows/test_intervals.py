"""Log-probabilities between two ends with both derivatives, against mpmath at the same doubles.

Widths from one ulp to the whole support, in the middle and in tails of 1e-300, and on both sides of
where the density takes over from the difference of the tails.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.numpy_program import NumpyProgram
from kullback.special.shared import pairs, shared_derivatives

Cdf = Callable[..., Any]


def normal(z: Any) -> Any:
    return mp.erfc(-z / mp.sqrt(2)) / 2


# the distribution function and the survival function at (x, parameters), as formulas
LAWS: dict[str, tuple[Any, dict[str, float], Cdf, Cdf, list[float]]] = {
    "Exponential": (
        kl.Exponential,
        {"rate": 0.7},
        lambda x, rate: -mp.expm1(-rate * x),
        lambda x, rate: mp.exp(-rate * x),
        [1e-200, 1e-3, 0.5, 3.0, 40.0, 950.0],
    ),
    "Weibull": (
        kl.Weibull,
        {"shape": 0.3, "scale": 2.0},
        lambda x, shape, scale: -mp.expm1(-((x / scale) ** shape)),
        lambda x, shape, scale: mp.exp(-((x / scale) ** shape)),
        [1e-100, 1e-8, 0.4, 3.0, 1e4, 1e8],
    ),
    "Normal": (
        kl.Normal,
        {"loc": 0.4, "scale": 1.3},
        lambda x, loc, scale: normal((x - loc) / scale),
        lambda x, loc, scale: normal((loc - x) / scale),
        [-45.0, -6.0, -0.1, 0.4, 2.0, 48.0],
    ),
    "Logistic": (
        kl.Logistic,
        {"loc": -1.0, "scale": 0.8},
        lambda x, loc, scale: 1 / (1 + mp.exp((loc - x) / scale)),
        lambda x, loc, scale: 1 / (1 + mp.exp((x - loc) / scale)),
        [-500.0, -5.0, -1.0, 0.7, 500.0],
    ),
    "Laplace": (
        kl.Laplace,
        {"loc": 0.5, "scale": 2.0},
        lambda x, loc, scale: (
            mp.exp((x - loc) / scale) / 2 if x < loc else 1 - mp.exp((loc - x) / scale) / 2
        ),
        lambda x, loc, scale: (
            mp.exp((loc - x) / scale) / 2 if x > loc else 1 - mp.exp((x - loc) / scale) / 2
        ),
        [-900.0, -3.0, 0.4, 0.6, 900.0],
    ),
    "Cauchy": (
        kl.Cauchy,
        {"loc": 0.3, "scale": 0.7},
        lambda x, loc, scale: mp.atan2(scale, loc - x) / mp.pi,
        lambda x, loc, scale: mp.atan2(scale, x - loc) / mp.pi,
        [-1e9, -4.0, 0.2, 1.0, 1e9],
    ),
    "GeneralizedPareto": (
        kl.GeneralizedPareto,
        {"scale": 1.5, "shape": 0.4},
        lambda x, scale, shape: 1 - (1 + shape * x / scale) ** (-1 / shape),
        lambda x, scale, shape: (1 + shape * x / scale) ** (-1 / shape),
        [1e-9, 0.2, 2.0, 1e5, 1e60],
    ),
}
# the other families are evaluated in NumPy
COMPILED = ("Exponential", "Normal")
WIDTHS = [0.0, 1e-13, 1e-6, 0.05, 0.09, 0.11, 0.5, 3.0, 1e3]


def cases(points: list[float], *, positive: bool) -> list[tuple[float, float]]:
    """Intervals from a point, of widths in units of it; of 0, to the next double."""
    found = []
    for x in points:
        for width in WIDTHS:
            unit = abs(x) if positive else max(abs(x) ** -1 if abs(x) > 5.0 else 1.0, 1e-6 * abs(x))
            high = float(np.nextafter(x, np.inf)) if width == 0.0 else x + width * unit
            if high > x:
                found.append((x, high))
    return found


@pytest.mark.parametrize("name", LAWS)
@mp.workdps(60)  # a difference of one ulp takes 16 digits, its second derivative twice as many
def test_value_score_and_hessian(name: str) -> None:
    kind, numbers, cdf, survival, points = LAWS[name]
    model, names = kind(), list(numbers)
    intervals = np.array(cases(points, positive=model.support.lower == 0.0))

    def of(low: Any, high: Any, *theta: Any) -> Any:
        own = dict(zip(names, theta, strict=True))
        fixed = {n: jnp.asarray(v) for n, v in model.fixed_by_default.items()}
        return model.row_log_between(low, high, own | fixed)

    def jets(low: Any, high: Any, *theta: Any) -> list[Any]:
        value, slopes, curvatures = shared_derivatives(lambda *at: of(low, high, *at), theta)
        return [value, *slopes, *curvatures]

    at = [np.float64(v) for v in numbers.values()]
    if name in COMPILED:
        with float64():
            found = jax.jit(jets)(*intervals.T, *at)
    else:  # few rows are evaluated in NumPy
        with np.errstate(all="ignore"):  # in the branches that a row does not take
            found = NumpyProgram(jets, len(at), 2).of_rows(*intervals.T, *at)
    d, rows = len(at), [np.broadcast_to(v, len(intervals)) for v in found]
    value, score = rows[0], np.stack(rows[1 : 1 + d], -1)
    hessian = np.empty((len(intervals), d, d))
    for (k, j), entry in zip(pairs(d), rows[1 + d :], strict=True):
        hessian[:, k, j] = hessian[:, j, k] = entry

    def exact(low: Any, high: Any) -> Callable[..., Any]:
        def log_probability(*theta: Any) -> Any:
            own = dict(zip(names, theta, strict=True))
            if cdf(low, **own) > mp.mpf(1) / 2:
                return mp.log(survival(low, **own) - survival(high, **own))
            return mp.log(cdf(high, **own) - cdf(low, **own))

        return log_probability

    at = [mp.mpf(v) for v in numbers.values()]
    for i, (low, high) in enumerate(intervals.tolist()):
        f = exact(mp.mpf(low), mp.mpf(high))
        orders = zip(range(3), (value, score, hessian), (1e-13, 1e-11, 1e-9), strict=True)
        for order, ours, tolerance in orders:
            for place in np.ndindex((len(names),) * order):
                n = tuple(place.count(j) for j in range(len(names)))
                expected = float(f(*at) if order == 0 else mp.diff(f, tuple(at), n))
                error = abs(float(ours[(i, *place)]) - expected)
                assert error <= tolerance * max(1.0, abs(expected)), (low, high, n, expected)


@pytest.mark.parametrize("compiled", [True, False])
def test_ends_that_move_with_a_parameter(compiled: bool) -> None:
    model, ends, numbers = (
        kl.Weibull(),
        np.array([[1.0, 2.0, 3.0], [1.5, 2.1, 9.0]]),
        (0.3, 1.7, 2.0),
    )

    def ours(low: Any, high: Any, loc: Any, shape: Any, scale: Any) -> Any:
        own = {"shape": shape, "scale": scale}
        return model.row_log_between(low - loc, high - loc, own)

    def expected(low: Any, high: Any, loc: Any, shape: Any, scale: Any) -> Any:
        return jnp.log(
            jnp.exp(-(((low - loc) / scale) ** shape)) - jnp.exp(-(((high - loc) / scale) ** shape))
        )

    def jets(formula: Any) -> Any:
        def derivatives(low: Any, high: Any, *theta: Any) -> list[Any]:
            found = shared_derivatives(lambda *at: formula(low, high, *at), theta)
            return [found[0], *found[1], *found[2]]

        return derivatives

    with float64():
        right = jax.jit(jets(expected))(*ends, *map(np.float64, numbers))
        if compiled:
            found = jax.jit(jets(ours))(*ends, *map(np.float64, numbers))
    if not compiled:
        with np.errstate(all="ignore"):  # in the branches that a row does not take
            program = NumpyProgram(jets(ours), len(numbers), 2)
            found = program.of_rows(*ends, *map(np.float64, numbers))
    # 1e-12: the tails' difference loses a digit of 15 at the narrowest interval
    np.testing.assert_allclose(np.array(found), np.array(right), rtol=1e-12)
