"""Checks that the tests of several families share: against mpmath, of draws and of starts."""

import math
from collections.abc import Callable
from dataclasses import dataclass
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
    x = model.sample(n, seed=7)
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


# ---- families on the whole line ------------------------------------------------------------------

# Samples that starts must survive.
UGLY = {
    "two rows": [1.0, 2.0],
    "constant": [5.0] * 6,
    "constant zero": [0.0] * 6,
    "mostly ties": [1.0] * 20 + [2.0, 3.0],
    "huge": [1e12, 1.5e12, 3e12, 1.1e12],
    "tiny": [1e-12, -2e-12, 3e-12, 0.0],
    "far from zero": [1e12 + k for k in range(10)],
    "an outlier": [*np.linspace(-1.0, 1.0, 30).tolist(), 1e15],
    "heavy tails": np.tan(np.linspace(-1.57, 1.57, 60)).tolist(),
    "vast": [-1e300, 1e290, 1e300],
}


@pytest.fixture
def check_starts_on_the_line() -> Callable[[Any], None]:
    """`check_starts_on_the_line(family)`: its starts make every row of ugly samples possible."""

    def check(family: Any) -> None:
        for data in UGLY.values():
            values = np.array(data)
            uneven = np.ones(values.size)
            uneven[-1] = 0.0  # a row that does not count
            for weights in (np.ones(values.size), uneven):
                starts = family._starts(values, weights)
                assert 1 <= len(starts) <= 4
                for start in starts:
                    assert list(start) == list(family.default_parameters)
                    model = family(**start)  # raises outside the parameters' supports
                    assert np.all(np.isfinite(model.log_density(values[weights > 0.0])))

    return check


@pytest.fixture
def check_numbers_drawn() -> Callable[[Any], None]:
    """`check_numbers_drawn(model)`: 20,000 draws of a continuous model follow its cdf."""

    def check(model: Any) -> None:
        n = 20_000
        u = model.cdf(np.sort(model.sample(n, seed=0)))
        # Kolmogorov–Smirnov: √n D exceeds 2.2 with probability 1e-4, and the seed is fixed
        distance = max(np.max(np.arange(1, n + 1) / n - u), np.max(u - np.arange(n) / n))
        assert math.sqrt(n) * distance < 2.2

    return check


@pytest.fixture
def on_the_line() -> type["OnTheLine"]:
    """`on_the_line(family, log_density, upper)`: checks of a symmetric location-scale family."""
    return OnTheLine


@dataclass
class OnTheLine:
    """A symmetric location-scale family beside its textbook formulas in mpmath.

    Attributes:
        family: the class.
        log_density: of z at loc 0, scale 1, and of the shape, if there is one.
        upper: the probability beyond z ≥ 0, of the same arguments.
    """

    family: Any
    log_density: Callable[..., Any]
    upper: Callable[..., Any]

    def model(self, loc: float = 0.0, scale: float = 1.0, *shape: float) -> Any:
        return self.family(
            **dict(zip(self.family.default_parameters, (*shape, loc, scale), strict=True))
        )

    def check_values(self, z: np.ndarray, *shape: float) -> None:
        """Log-density and both tails, at z and −z."""
        model, exact = self.model(0.0, 1.0, *shape), [mp.mpf(v) for v in shape]
        both = np.concatenate([z, -z])
        _check(model.log_density(both), [self.log_density(mp.mpf(float(v)), *exact) for v in both])
        tails = [self.upper(mp.mpf(float(v)), *exact) for v in z]
        far, near = [mp.log(tail) for tail in tails], [mp.log1p(-tail) for tail in tails]
        _check(model.log_survival(both), [*far, *near])
        _check(model.log_cdf(both), [*near, *far])

    def check_loc_and_scale(self, *shape: float) -> None:
        x = np.array([-3e9, 1e9, 1e9 + 0.5, 2e9])
        z = (x - 1e9) / 1e8
        # x − loc is exact here; 1e-13 is a few roundings of the quotient in the density
        shifted, standard = self.model(1e9, 1e8, *shape), self.model(0.0, 1.0, *shape)
        np.testing.assert_allclose(
            shifted.log_density(x), standard.log_density(z) - math.log(1e8), rtol=1e-13
        )
        np.testing.assert_allclose(shifted.log_cdf(x), standard.log_cdf(z), rtol=1e-13)

    def check_quantiles(self, *shape: float) -> None:
        """They invert the nearer tail."""
        model = self.model(0.0, 1.0, *shape)
        u = np.array([1e-300, 1e-20, 1e-3, 0.2, 0.25, 0.3, 0.49, 0.51, 0.75, 0.9, 1.0 - 1e-10])
        x = model.quantile(u)
        low = u <= 0.5
        # ln u = −691 has an absolute rounding of 1e-13, which is the tail's relative one
        np.testing.assert_allclose(model.log_cdf(x)[low], np.log(u[low]), rtol=1e-13)
        np.testing.assert_allclose(model.log_survival(x)[~low], np.log1p(-u[~low]), rtol=1e-12)
        np.testing.assert_array_equal(model.quantile([0.0, 1.0]), [-np.inf, np.inf])
        assert abs(model.quantile(0.5)) < 1e-15

    def check_moments(self, *shape: float) -> None:
        """Mean, variance and entropy, by quadrature."""
        model, exact = self.model(2.0, 3.0, *shape), [mp.mpf(v) for v in shape]

        def expected(term: Callable[[Any, Any], Any]) -> Any:
            def integrand(z: Any) -> Any:
                q = self.log_density(z, *exact)
                return mp.exp(q) * term(z, q)

            return mp.quad(integrand, [-mp.inf, -50, -5, 0, 5, 50, mp.inf])

        with mp.workdps(25):
            variance = 9 * expected(lambda z, _: z**2)
            entropy = mp.log(3) + expected(lambda _, q: -q)
        # 1e-9: the quadrature over the heavy tail of t
        assert model.mean() == 2.0
        assert model.variance() == pytest.approx(float(variance), rel=1e-9)
        assert model.entropy() == pytest.approx(float(entropy), rel=1e-9)

    def check_derivatives(self, *shapes: float, smooth: bool = True) -> None:
        """Scores, and (where the density is smooth) Hessians, by mpmath's differences."""
        points = [(0.3, -1.0, 2.0), (8.0, 1.0, 0.5), (1.0, 1.0 + 1e-9, 1.0), (-1e6, 1.0, 3.0)]
        rows = [(x, t) for x, *at in points for t in self._with(shapes, at)]
        values, scores, hessians = self._rows(self.family._log_density, rows)

        def exact(x: Any, *theta: Any) -> Any:
            *shape, loc, scale = theta
            return self.log_density((mp.mpf(x) - loc) / scale, *shape) - mp.log(scale)

        for (x, theta), value, score, hessian in zip(rows, values, scores, hessians, strict=True):
            k = len(theta)
            one = [tuple(int(i == j) for i in range(k)) for j in range(k)]
            at = tuple(mp.mpf(t) for t in theta)

            def along(*t: Any, x: float = x) -> Any:
                return exact(x, *t)

            assert abs(float(along(*at)) - value) < 1e-12 * max(1.0, abs(value))
            # Scores in the parameter's own unit (θ ∂ℓ/∂θ): the two halves of ∂/∂df cancel to 1/df
            # of themselves at df = 1e4, hence 1e-11 and not 1e-13.
            unit = np.array([float(t) if j != k - 2 else theta[-1] for j, t in enumerate(theta)])
            first = np.array([mp.diff(along, at, n) for n in one], float)
            error = np.abs(score - first) * unit
            np.testing.assert_array_less(error, 1e-11 * (1.0 + np.abs(score * unit)))
            if not smooth:
                continue
            pairs = [[tuple(np.add(a, b).tolist()) for b in one] for a in one]
            second = np.array([[mp.diff(along, at, n) for n in pair] for pair in pairs], float)
            units = np.outer(unit, unit)
            error = np.abs(hessian - second) * units
            np.testing.assert_array_less(error, 1e-9 * (1.0 + np.abs(second) * units))

    def check_finite_derivatives(self, *shapes: float, largest: float = math.inf) -> None:
        """Scores are finite where the log-density is; Hessians where it is below ``largest``."""
        x, scales = [0.0, 1.0, -1e5, 1e5, 1e12, 1e150], [1e-12, 1.0, 1e12]
        rows = [(v, t) for v in x for scale in scales for t in self._with(shapes, (1.0, scale))]
        value, score, hessian = self._rows(self.family._log_density, rows)
        finite = np.isfinite(value)
        # a normal row 1e150 scales away is beyond the doubles
        assert finite.sum() >= 0.7 * finite.size
        assert np.all(np.isfinite(score[finite]))
        assert np.all(np.isfinite(hessian[finite & (np.abs(value) < largest)]))

    def check_tail_derivatives(self, *shape: float) -> None:
        """A censored row's derivatives, at both sides of loc and on it."""
        x = [-7.0, 0.0, 1.0, 2.0, 30.0]
        _, score, hessian = self._rows(
            self.family._log_survival, [(v, [*shape, 1.0, 2.0]) for v in x]
        )
        parameters = [mp.mpf(v) for v in shape]

        def exact(x: float, loc: Any, scale: Any) -> Any:
            z = (mp.mpf(x) - loc) / scale
            tail = self.upper(abs(z), *parameters)
            return mp.log(tail if z >= 0 else 1 - tail)

        loc, scale = len(shape), len(shape) + 1
        for row, value in enumerate(x):
            if value == 1.0:
                continue  # the oracle's |z| has a kink at loc; finiteness is checked below
            first = mp.diff(lambda s, v=value: exact(v, 1, s), 2)
            second = mp.diff(lambda s, v=value: exact(v, 1, s), 2, 2)
            mixed = mp.diff(lambda m, s, v=value: exact(v, m, s), (1, 2), (1, 1))
            np.testing.assert_allclose(score[row, scale], float(first), rtol=1e-10)
            np.testing.assert_allclose(hessian[row, scale, scale], float(second), rtol=1e-9)
            np.testing.assert_allclose(hessian[row, loc, scale], float(mixed), rtol=1e-9)
        assert np.all(np.isfinite(score))
        assert np.all(np.isfinite(hessian))
        # at loc the slope in loc is the density over a half
        density = self.model(1.0, 2.0, *shape).density(1.0)
        np.testing.assert_allclose(score[2, loc], 2.0 * density, rtol=1e-13)

    @staticmethod
    def _with(shapes: Any, at: Any) -> list[list[float]]:
        return [[shape, *at] for shape in shapes] if shapes else [list(at)]

    def _rows(self, formula: Callable[..., Any], rows: Any) -> list[np.ndarray]:
        """Value, scores and Hessians in the parameters, one compilation for all rows."""
        names = list(self.family.default_parameters)

        def one(x, theta):
            return formula(x, **dict(zip(names, theta, strict=True)))

        def three(x, theta):
            slope = jax.jacfwd(one, 1)
            return one(x, theta), slope(x, theta), jax.jacfwd(slope, 1)(x, theta)

        x, theta = (np.array(v) for v in zip(*rows, strict=True))
        with float64():
            out = jax.jit(jax.vmap(three))(jnp.asarray(x), jnp.asarray(theta))
            return [np.asarray(v) for v in out]
