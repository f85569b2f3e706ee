"""The sums of a block by its predictors: derivatives of a row in these, then matrix products.

With J_a = ∂η_a/∂θ (the design X_a of a linear source), s_a = ∂ℓ/∂η_a, h_ab = ∂²ℓ/∂η_a∂η_b:

    ∂H/∂θ = Σ_a J_a' (w s_a),    ∂²H/∂θ∂θ' = Σ_ab J_a' diag(w h_ab) J_b + Σ_a Σ_i w s_a ∂²η_a/∂θ∂θ'

and the scores' outer product is Σ_ab J_a' diag(w s_a s_b) J_b.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.blocks import Block
from kullback.models.design_matrix import DesignMatrix
from kullback.objective.class_terms import class_hessian
from kullback.objective.predictors import Predictors
from kullback.objective.row_terms import RowDerivatives, RowTerms


def predictor_sums(
    derivatives: RowDerivatives,
    predictors: Predictors,
    block: Block,
    arguments: Vector,
    *,
    products: bool,
) -> Vector:
    """Return Σ w (1, ℓ, ℓ²), the gradient and the Hessian of a block as one vector.

    Args:
        derivatives: of a row, in the predictors.
        predictors: the model's predictors.
        block: the rows.
        arguments: all constrained numbers.
        products: whether to append the scores' outer product.
    """
    total = None
    for fields, weight, designs in predictors.runs(block):
        values, slopes = predictors.evaluate(arguments, fields, designs)
        terms = predictors.terms(derivatives, block.kind, fields, values, few=block.few)
        with np.errstate(invalid="ignore", over="ignore"):  # where a row is impossible
            sums = _contracted(
                terms, weight, predictors, arguments, fields, slopes, products=products
            )
        total = sums if total is None else total + sums
    assert total is not None  # a block holds at least one row
    return total


def _contracted(
    terms: RowTerms,
    weight: Vector,
    predictors: Predictors,
    arguments: Vector,
    fields: Mapping[str, Vector],
    slopes: Sequence[DesignMatrix | None],
    *,
    products: bool,
) -> Vector:
    """Multiply the terms by the derivatives of the free predictors, and add up over the rows."""
    free = [predictors.each[a] for a in predictors.free]
    jacobians = [slopes[a] for a in predictors.free]
    places = [p.to for p in free if p.to is not None]
    d = max((to.stop for to in places), default=0)
    scores = weight * terms.scores
    gradient = sum_of_slopes(scores, jacobians, places, d)
    design = jacobians[0] if terms.shares is not None else None
    if terms.shares is not None and design is not None and not design.indicators:
        hessian = class_hessian(design.to_dense(), terms.shares, weight)
    else:
        second = (weight * own for own in terms.second)
        hessian = _symmetric_product(second, jacobians, places, d)
    for a, (p, to) in enumerate(zip(free, places, strict=True)):
        if p.function is not None and p.position == 0:
            own = scores[a : a + p.function.size]
            hessian[to, to] += p.function.curvature(arguments[p.where], fields, own)
    loss = weight * terms.loss
    sums = np.array([weight.sum(), loss.sum(), (loss * terms.loss).sum()])
    parts = [sums, gradient, hessian.ravel()]
    if products:
        pairs = _lower(len(free))
        outer = (scores[a] * terms.scores[b] for a, b in pairs)
        parts.append(_symmetric_product(outer, jacobians, places, d).ravel())
    return np.concatenate(parts)


def sum_of_slopes(
    scores: Vector, jacobians: Sequence[DesignMatrix | None], places: Sequence[slice], size: int
) -> Vector:
    """Return Σ_a J_a' s_a; the predictors of one design are multiplied together.

    Args:
        scores: s, shape (predictors, rows).
        jacobians: the derivatives of the predictors, None for 1 in all rows.
        places: of each predictor's coefficients.
        size: the number of coefficients.
    """
    out = np.zeros(size)
    for design, run in groupby(range(len(jacobians)), key=lambda a: jacobians[a]):
        own = list(run)
        parts = (
            design.transpose_dot(scores[own[0] : own[-1] + 1])
            if design is not None and len(own) > 1
            else [dot(design, scores[a]) for a in own]
        )
        for a, part in zip(own, parts, strict=True):
            out[places[a]] += part
    return out


def dot(slope: DesignMatrix | None, values: Vector) -> Vector:
    """Return J'v of a derivative J of a predictor, None for 1 in all rows."""
    return np.array([values.sum()]) if slope is None else slope.transpose_dot(values)


def _symmetric_product(
    weights: Iterable[Vector],
    jacobians: Sequence[DesignMatrix | None],
    places: Sequence[slice],
    size: int,
) -> Vector:
    """Return Σ_ab J_a' diag(weights_ab) J_b, from the lower triangle of weights."""
    out = np.zeros((size, size))
    for (a, b), w in zip(_lower(len(jacobians)), weights, strict=True):
        left, right = jacobians[a], jacobians[b]
        if left is None:
            block = dot(right, w)[None, :]
        elif right is None:
            block = dot(left, w)[:, None]
        else:
            block = left.cross(w, right)
        out[places[a], places[b]] += block
        if a != b:
            out[places[b], places[a]] += block.T
    return out


@lru_cache(maxsize=32)
def _lower(size: int) -> tuple[tuple[int, int], ...]:
    return tuple((a, b) for a in range(size) for b in range(a + 1))
