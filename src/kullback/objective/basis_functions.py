"""Sums of a family's basis functions: a pass without derivatives of rows.

Some log-densities are affine in a few *basis functions* of the outcome at the present parameters
(Student's t: log(1 + w²), w²/(1 + w²) and w/(1 + w²), w the scaled distance from ``loc``), and so
are their scores, while their own derivatives are polynomials of degree two in them.
Then the loss, its scores and Hessian, the squared loss and the scores' outer product are all linear
in the sums of the basis functions and of their products, with coefficients that depend on the
parameters alone. They are computed by NumPy, whose logarithm and exponential are four times as fast
as XLA's on a CPU. The coefficients come from automatic differentiation, once for a pass; only the
basis functions' slopes are written by hand. (A million Student-t rows, one thread: the compiled
kernel of second derivatives 21 ms, this form 5 ms.)
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback._core.memory import Scratch
from kullback._core.numpy_sums import ROW, total
from kullback.data.blocks import TILE, Block
from kullback.data.observation import Exact
from kullback.models.basis_form import BasisForm, Monomial
from kullback.models.forms import BasisFunctions
from kullback.models.model import Model

# Rows in one NumPy call: their basis functions stay in a core's second cache, and the cost of the
# call is negligible (a million Student-t rows, one thread: 8 tiles 4.7 ms, 16 tiles
# 4.4 ms, 32 tiles 5.0 ms).
_RUN = 16 * TILE

# Passes whose coefficients are cached: all blocks of a pass use the same.
_KEPT = 8


@runtime_checkable
class Differentiated(Hashable, Protocol):
    """A model, and the numbers to differentiate in."""

    @property
    def model(self) -> Model:
        """The model."""

    @property
    def is_free(self) -> tuple[bool, ...]:
        """For each of its constrained numbers, whether it is free."""

    @property
    def structure(self) -> Hashable:
        """The key of compiled code."""


def basis_sums(derivatives: Differentiated, block: Block, arguments: Vector) -> Vector | None:
    """Return Σ w (1, ℓ, ℓ², ∂ℓ, ∂²ℓ, ∂ℓ ∂ℓ') over a block, lower triangles only.

    None for a family without basis functions, and where they lose digits or exceed the range of
    doubles at these parameters: the compiled kernel then computes the sums.
    """
    family = derivatives.model.basis_functions
    if family is None or not isinstance(block.kind, Exact):
        return None
    with np.errstate(all="ignore"):  # overflow is left to the compiled kernel
        matrix, parameters = _at(derivatives, arguments.tobytes())
        moments = _moments(family, block, parameters)
        if moments is None or not np.all(np.isfinite(moments)):
            return None
        sums: Vector = matrix @ moments
    return sums


# ---- the basis functions of the rows -------------------------------------------------------------


_SCRATCH = Scratch()


def _moments(
    family: BasisFunctions, block: Block, parameters: Mapping[str, float]
) -> Vector | None:
    """Return Σ w (1, f_i, f_i f_j), j ≤ i; None where the basis functions lose digits."""
    m, length = len(family.basis), block.tiles * TILE if block.count > TILE else block.count
    moments: Any = 0.0
    for begin in range(0, length, _RUN):
        run = slice(begin, min(begin + _RUN, length))
        x, w = block.fields["y"][run], block.weight[run] if block.weighted else None
        rows = _SCRATCH.rows(m + 2, x.size)
        if not family.write_basis(x, rows[: m + 1], parameters):
            return None
        moments = moments + _products_of(rows[:m], w, rows[m + 1])
    sums: Vector = moments
    return sums


def _products_of(rows: Vector, w: Vector | None, work: Vector) -> Vector:
    m, length = rows.shape
    shape = (-1, min(ROW, length))
    f = [row.reshape(shape) for row in rows]
    add = np.add.reduce
    if w is None:
        sums = [float(length), *(total(row) for row in f)]
        sums += [add(np.vecdot(f[i], f[j])) for i in range(m) for j in range(i + 1)]
        return np.array(sums)
    w, v = w.reshape(shape), work.reshape(shape)
    firsts, seconds = [total(w)], []
    for i in range(m):
        np.multiply(f[i], w, out=v)
        firsts.append(total(v))
        seconds += [add(np.vecdot(v, f[j])) for j in range(i + 1)]
    return np.array(firsts + seconds)


# ---- the coefficients of a pass ----------------------------------------------------------------


@lru_cache(maxsize=_KEPT)
def _at(derivatives: Differentiated, numbers: bytes) -> tuple[Vector, Mapping[str, float]]:
    """Return the matrix from basis functions' moments to the sums, and the default parameters."""
    model, family = derivatives.model, derivatives.model.basis_functions
    assert family is not None
    found = np.asarray(
        COMPILED.call(
            ("basis", derivatives.structure),
            lambda: coefficients(model, family, derivatives.is_free),
            np.frombuffer(numbers),
        )
    )
    k, m = len(family.default_parameters), len(family.basis)
    parameters = dict(zip(family.default_parameters, found[:k].tolist(), strict=True))
    values, positions = found[k:].reshape(2, -1)
    d, width = sum(derivatives.is_free), (m + 1) * (m + 2) // 2
    linear = np.zeros((1 + d + d * (d + 1) // 2, width))
    linear.flat[positions.astype(np.intp)] = -values
    left, right, i, j, times = _products(d, m)
    # the product of two affine functions a and b: the coefficient of f_i f_j is a_i b_j + a_j b_i
    a, b = linear[left], linear[right]
    squares = times * (a[:, i] * b[:, j] + a[:, j] * b[:, i])
    weight = np.zeros((1, width))
    weight[0, 0] = 1.0
    every = [weight, linear[:1], squares[:1], linear[1:], squares[1:]]
    return np.concatenate(every), parameters


@lru_cache(maxsize=_KEPT)
def _products(d: int, m: int) -> tuple[Any, ...]:
    """Return the index arrays that multiply affine functions a and b: ℓ², and scores by scores.

    Which functions are multiplied, and for each monomial the unknowns in it (0 for the constant)
    and the factor of a_i b_j + a_j b_i.
    """
    rows, columns = np.tril_indices(d)
    left, right = np.concatenate([[0], 1 + rows]), np.concatenate([[0], 1 + columns])
    i, j = np.tril_indices(m)
    first = np.concatenate([np.arange(m + 1), 1 + i])
    second = np.concatenate([np.zeros(m + 1, dtype=np.intp), 1 + j])
    return left, right, first, second, np.where(first == second, 0.5, 1.0)


def coefficients(
    model: Model, family: BasisFunctions, is_free: Sequence[bool]
) -> Callable[[Array], Array]:
    """Return the function from the constrained numbers to all coefficients, in one vector.

    It holds the default parameters, and the non-zero coefficients of log q, ∂ log q and the lower
    triangle of ∂² log q, with their positions among all.
    """
    free, m = [i for i, yes in enumerate(is_free) if yes], len(family.basis)
    basis = [BasisForm({(i,): 1.0}) for i in range(m)]

    def default(*theta: Array) -> Mapping[str, Array]:
        return family.to_default(model.row_parameters(theta, {}))

    def log_density(*theta: Array) -> BasisForm:
        return family.log_density_of_basis(basis, default(*theta))

    moving = _dependence(default, len(is_free))

    def derivative(of: Callable[..., BasisForm], k: int) -> Callable[..., BasisForm]:
        """In the constrained number k, the basis functions moving along their slopes."""
        changing = _dependence(lambda *theta: of(*theta).coefficients, len(is_free))

        def total(*theta: Array) -> BasisForm:
            def along(t: Array) -> tuple[Mapping[Monomial, Any], Mapping[str, Array]]:
                moved = (*theta[:k], t, *theta[k + 1 :])
                return of(*moved).coefficients, default(*moved)

            one = jnp.ones(())
            (at, parameters), (tangents, steps) = jax.jvp(along, (theta[k],), (one,))
            slopes = family.basis_derivatives(basis, parameters)
            result = BasisForm({key: t for key, t in tangents.items() if k in changing[key]})
            bends = [BasisForm(at).slope(i) for i in range(m)]
            for name, own in slopes.items():
                if k not in moving[name]:
                    continue
                for bend, slope in zip(bends, own, strict=True):
                    result = result + bend * slope * steps[name]
            return result

        return total

    def found(numbers: Array) -> Array:
        theta = [numbers[i] for i in range(len(is_free))]
        first = [derivative(log_density, k) for k in free]
        second = [derivative(first[i], free[j]) for i in range(len(free)) for j in range(i + 1)]
        rows = [f(*theta).dense(m) for f in (log_density, *first, *second)]
        # only non-zero entries, with positions: the time of the call grows with the numbers stacked
        entries = {i: c for i, c in enumerate(chain(*rows)) if c is not None}
        parameters = default(*theta)
        values = jnp.stack(
            [*(parameters[name] for name in family.default_parameters), *entries.values()]
        )
        return jnp.concatenate([values, jnp.array(list(entries), dtype=values.dtype)])

    return found


def _dependence(function: Callable[..., Mapping[Any, Array]], count: int) -> Mapping[Any, set[int]]:
    """Return on which of the numbers each output depends: other derivatives are zero."""
    closed, shapes = jax.make_jaxpr(function, return_shape=True)(*[1.0] * count)
    reads: dict[Any, set[int]] = {v: {i} for i, v in enumerate(closed.jaxpr.invars)}

    def read(variables: Sequence[Any]) -> set[int]:
        # a literal has a value; its class is in jax.extend, whose import loads Pallas as well, a
        # tenth of the time that importing kullback takes besides JAX
        known = [reads.get(v, set()) for v in variables if not hasattr(v, "val")]
        return set().union(*known)

    for equation in closed.jaxpr.eqns:
        found = read(equation.invars)
        reads.update((v, found) for v in equation.outvars)
    outputs = zip(sorted(shapes), closed.jaxpr.outvars, strict=True)  # JAX sorts the keys
    return {key: read([v]) for key, v in outputs}
