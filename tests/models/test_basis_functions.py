"""Sums from basis functions against the compiled kernel, which differentiates rows, and mpmath."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, final

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback._core.arrays import float64
from kullback._core.domains import POSITIVE, REAL
from kullback.data.blocks import blocks
from kullback.data.sample import ArraySample
from kullback.models.parametrisation import Parametrisation
from kullback.models.registry import own_models
from kullback.objective.basis_functions import basis_sums
from kullback.objective.statistics import LossDerivatives, RowSums
from kullback.special.numerics import reciprocal


@final
class Bell(kl.Family):
    """A normal distribution by basis functions, also by variance: a chain rule of second order."""

    default_parameters: ClassVar[Mapping[str, Any]] = {"loc": REAL, "scale": POSITIVE}
    support = REAL
    basis = ("z", "z²")
    alternatives = (
        Parametrisation(
            {"loc": REAL, "variance": POSITIVE},
            lambda loc, variance: {"loc": loc, "scale": jnp.sqrt(variance)},
            lambda loc, scale: {"loc": loc, "variance": scale * scale},
        ),
    )

    @staticmethod
    def _log_density(x, loc, scale):
        z = (x - loc) / scale
        return Bell._log_density_of_basis((z, z * z), loc, scale)

    @staticmethod
    def _log_density_of_basis(basis, loc, scale):  # noqa: ARG004
        return -0.5 * jnp.log(2.0 * jnp.pi) - jnp.log(scale) - 0.5 * basis[1]

    @staticmethod
    def _basis(x, rows, loc, scale):
        z, square, _ = rows
        np.subtract(x, loc, out=z)
        np.multiply(z, 1.0 / scale, out=z)
        np.multiply(z, z, out=square)
        return True

    @staticmethod
    def _basis_derivatives(basis, loc, scale):  # noqa: ARG004
        z, square = basis
        r = reciprocal(scale)
        return {"loc": (-r, -2.0 * r * z), "scale": (-r * z, -2.0 * r * square)}

    @staticmethod
    def _starts(values, weights):  # noqa: ARG004
        return [{"loc": 1.0, "scale": 2.0}]


def _block(x: Any, weight: Any = None) -> Any:
    (block,) = blocks(ArraySample({"y": np.asarray(x, dtype=np.float64)}, weight).chunks())
    return block


def _outcomes(model: kl.Model, rows: int, seed: int = 1) -> Any:
    x = np.random.default_rng(seed).standard_t(3.0, rows)
    return np.abs(x) if model.support.lower == 0.0 else x


def _close(ours: Any, theirs: Any, size: Any) -> None:
    # 1e-13 of the sum of sizes: a few hundred roundings, which is what sums that cancel keep
    assert np.all(np.abs(ours - theirs) <= 1e-13 * size)


# numbers for the default parameters of any family: a location, then a scale; positive ones first
POINTS = {
    "df": (0.05, 1.0, 4.0, 30.0),
    "loc": (0.3, -2.0, 0.01, 0.0),
    "scale": (0.5, 7.0, 1.0, 1.3),
    "shape": (0.2, 1.0, 1.7, 8.0),
}
STATED = sorted(name for name, family in own_models().items() if getattr(family, "basis", ()))


def _models() -> Sequence[kl.Model]:
    models = [own_models()[name]() for name in STATED]
    return [*models, kl.StudentT(df=4.0), kl.Weibull(scale=1.3), Bell()]


@pytest.mark.parametrize("model", _models(), ids=repr)
@pytest.mark.parametrize("rows", [700, 5_000])  # a tile that is not full, and several tiles
def test_sums_are_those_of_the_compiled_kernel(model: kl.Model, rows: int) -> None:
    x = _outcomes(model, rows)
    curvature = LossDerivatives(model, model.vector.is_free)
    names = [c.name for c in model.vector.coefficients]
    weights = np.random.default_rng(2).integers(0, 3, rows).astype(np.float64)
    for k in range(4):
        known = {c.name: c.value for c in model.vector.coefficients}
        at = [POINTS[n][k] if known[n] is None else float(known[n][0]) for n in names]
        numbers = np.array(at)
        for block in (_block(x), _block(x, weights)):
            with float64():
                ours = basis_sums(curvature, block, numbers)
                theirs = RowSums.of_block(curvature, block, numbers)
            assert ours is not None
            # the outer products' diagonal and ℓ² bound the sums by Cauchy and Schwarz; second
            # derivatives are of the size of products of scores or of inverse parameters
            d = sum(model.vector.is_free)
            weight, square = theirs[0], theirs[2]
            squares = np.diag(_lower(theirs[-(d * (d + 1)) // 2 :], d))
            scores = np.sqrt(weight * squares)
            outer = np.sqrt(np.outer(squares, squares))[np.tril_indices(d)]
            inverse = np.array([1.0 / max(abs(n), 0.1) for n in numbers])
            inverse = inverse[np.array(model.vector.is_free)]
            bent = outer + weight * np.outer(inverse, inverse)[np.tril_indices(d)]
            first = np.sqrt(weight * square) + weight
            size = np.concatenate([[weight, first, square + weight], scores, bent, outer])
            _close(ours, theirs, size)


def _lower(entries: Any, d: int) -> Any:
    matrix = np.zeros((d, d))
    matrix[np.tril_indices(d)] = entries
    return matrix


def test_other_parametrisations_follow_by_the_chain_rule() -> None:
    x = np.random.default_rng(3).normal(2.0, 3.0, 1_000)
    fit = kl.fit(Bell(variance=kl.Param()), x)
    assert fit.convergence.converged
    assert fit.params["variance"] == pytest.approx(np.var(x), rel=1e-12)
    # the inverse information of a normal sample: variance √(2/n)
    assert fit.stderr["variance"] == pytest.approx(np.var(x) * np.sqrt(2.0 / x.size), rel=1e-9)


@pytest.mark.parametrize("df", [0.5, 30.0, 900.0])
def test_student_sums_against_mpmath(df: float) -> None:
    x, loc, scale = [-3.0, -0.4, 0.1, 0.9, 2.2, 7.5], 0.2, 1.1
    model = kl.StudentT()
    curvature = LossDerivatives(model, (True, True, True))
    with float64():
        sums = basis_sums(curvature, _block(x), np.array([df, loc, scale]))
    assert sums is not None
    ours = curvature.unpack(sums)

    def loss(row: float, *at: Any) -> Any:
        v, m, s = at
        z = (row - m) / s
        constant = mp.loggamma((v + 1) / 2) - mp.loggamma(v / 2) - mp.log(v * mp.pi) / 2 - mp.log(s)
        return -constant + (v + 1) / 2 * mp.log1p(z * z / v)

    with mp.workdps(50):
        at = tuple(mp.mpf(value) for value in (df, loc, scale))

        def slope(row: float, *orders: int) -> Any:
            return mp.diff(lambda *p: loss(row, *p), at, orders)

        unit = np.eye(3, dtype=int)
        scores = np.array([[slope(row, *unit[i].tolist()) for i in range(3)] for row in x])
        hessian = np.array(
            [
                [sum(slope(row, *(unit[i] + unit[j]).tolist()) for row in x) for j in range(3)]
                for i in range(3)
            ]
        )
    n = len(x)
    # what is left of differences of basis functions: a factor of df for each derivative in df
    digits = 1e-14 + 1e-16 * df * df
    np.testing.assert_allclose(ours.score, np.sum(scores, axis=0).astype(float) / n, rtol=digits)
    np.testing.assert_allclose(ours.hessian, hessian.astype(float) / n, rtol=10 * digits)
    outer = (scores.T @ scores).astype(float) / n
    np.testing.assert_allclose(ours.outer, outer, rtol=10 * digits)


def test_what_features_cannot_hold_is_left_to_the_kernel() -> None:
    curvature = LossDerivatives(kl.StudentT(), (True, True, True))
    at = np.array([2.0, 0.0, 1.0])
    with float64():
        # w² is beyond the doubles, log(1 + w²) is not
        assert basis_sums(curvature, _block([1e200, 1.0]), at) is None
        sums = curvature.unpack(curvature.of_block(_block([1e200, 1.0]), at))
        # the basis functions' differences lose too many digits
        assert basis_sums(curvature, _block([1.0, 2.0]), np.array([1e4, 0.0, 1.0])) is None
    # scipy.stats.t(2).logpdf([1e200, 1.0]).mean() overflows; in logarithms by hand: the far row is
    # −log q = 1.5 log(z²/2) − log(Γ(1.5)/(Γ(1) √(2π))) up to 1e-400
    far = 1.5 * (2.0 * np.log(1e200) - np.log(2.0)) - np.log(1.0 / (2.0 * np.sqrt(2.0)))
    near = 1.5 * np.log(1.5) - np.log(1.0 / (2.0 * np.sqrt(2.0)))
    assert sums.loss == pytest.approx((far + near) / 2.0, rel=1e-14)


def test_a_family_that_states_features_needs_all_three_formulas() -> None:
    with pytest.raises(TypeError, match="Halfway states basis functions and needs _basis"):

        class Halfway(kl.Family):
            """Lacks its slopes."""

            default_parameters: ClassVar[Mapping[str, Any]] = {"loc": REAL}
            basis = ("x",)
            _log_density = staticmethod(lambda x, loc: x - loc)
