"""Vector scaling of many classes: Newton's method without the Hessian as a matrix.

A Hessian of 2K × 2K takes O(n K²) to add up and O(K³) to decompose: minutes for 200 classes. Its
products with vectors take O(n K), and conjugate gradients in a trust region need some dozens of
them a step. They are preconditioned by each class's own block of two, scale and shift, which are
strongly correlated.

Source: T. Steihaug (1983), The conjugate gradient method and trust regions in large scale
optimization.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from kullback._core.arrays import Vector
from kullback.calibration.inputs import FIRST_ROWS, CalibrationRows, Floats

# As in the search with the whole matrix, and so far as rounding lets it.
_TOLERANCE = 1e-10
_MAX_STEPS = 200
_RADIUS = 1.0
# Conjugate gradients stop where they are exact enough, after some dozens of products; if not, the
# step so far is a descent as well.
_MAX_PRODUCTS = 500


@final
@dataclass(frozen=True, eq=False)
class _Point:
    """The cross-entropy in (log a, b), its gradient, and what products with the Hessian take."""

    value: float
    gradient: Vector
    moments: Floats  # derivatives of the log-normaliser of each row, shape (n, 2K)
    weight: Vector
    diagonal: Vector  # of the Hessian's part without the moments, (log a, log a) then (b, b)
    cross: Vector  # its (log a, b) entries

    def times(self, v: Vector) -> Vector:
        """The Hessian times a vector."""
        classes = len(self.cross)
        out = self.diagonal * v - self.moments.T @ (self.weight * (self.moments @ v))
        out[:classes] += self.cross * v[classes:]
        out[classes:] += self.cross * v[:classes]
        return np.asarray(out)

    def blocks(self) -> tuple[Vector, Vector, Vector]:
        """Each class's own block of the Hessian: (log a, log a), (log a, b) and (b, b)."""
        classes = len(self.cross)
        a, b = self.moments[:, :classes], self.moments[:, classes:]
        own = self.diagonal - np.einsum("i,ij,ij->j", self.weight, self.moments, self.moments)
        both = self.cross - np.einsum("i,ij,ij->j", self.weight, a, b)
        return own[:classes], both, own[classes:]


def search(rows: CalibrationRows, ridge: float, start: Vector) -> tuple[Vector, bool]:
    """Minimise the cross-entropy + ridge (‖log a‖² + ‖b‖²)/2 in (log a, b).

    Args:
        rows: the rows.
        ridge: the prior's precision over the number of rows.
        start: of the search, shape (2K,).

    Returns:
        The estimate, and whether it is a minimum.
    """
    problem = _Problem(rows, ridge)
    step_of_rows = len(rows.logits) // FIRST_ROWS
    if step_of_rows > 1:
        first, _ = search(rows.thinned(step_of_rows), ridge, start)
        # a part of the rows may lack a minimum even if all rows have one
        with np.errstate(all="ignore"):
            start = first if problem(first).value < problem(start).value else start
    at, radius = start, _RADIUS
    with np.errstate(all="ignore"):  # an overflow at a trial point leads to its refusal
        point = problem(at)
        for _ in range(_MAX_STEPS):
            blocks = point.blocks()
            step, promised, slope = _step(point, blocks, radius)
            if slope <= _TOLERANCE:
                return at + step, True
            new = problem(at + step)
            # below this the difference of two values is rounding, and the gradient has to decide
            rounding = promised <= 1e-14 * (1.0 + abs(point.value))
            ratio = (point.value - new.value) / promised
            length = _length(step, blocks)
            if rounding:
                taken = _slope(new.gradient, new.blocks()) < slope
                if not taken:
                    return at, slope <= 1e-6
            else:
                taken = bool(np.isfinite(new.value)) and ratio > 1e-4
                if not (np.isfinite(ratio) and ratio >= 0.25):
                    radius = 0.25 * length
                elif ratio > 0.75 and length > 0.9 * radius:
                    radius *= 4.0
            if taken:
                at, point = at + step, new
    return at, False


@final
class _Problem:
    """The cross-entropy of vector scaling as a function of (log a, b)."""

    def __init__(self, rows: CalibrationRows, ridge: float) -> None:
        self.rows, self.ridge = rows, ridge
        self.logits = rows.logits + rows.largest[:, None]
        if rows.impossible is not None:
            self.logits[rows.impossible] = 0.0
        parts = ((rows.targets * self.logits).sum(axis=0), rows.targets.sum(axis=0))
        self.linear = np.concatenate(parts)

    def __call__(self, at: Vector) -> _Point:
        z, weight = self.logits, self.rows.weight
        classes = z.shape[1]
        scale, shift = np.exp(at[:classes]), at[classes:]
        u = z * scale + shift
        if self.rows.impossible is not None:
            u[self.rows.impossible] = -np.inf
        largest = u.max(axis=1)
        p = np.exp(u - largest[:, None])
        total = p.sum(axis=1)
        moments = np.empty((len(p), 2 * classes))
        np.divide(p, total[:, None], out=moments[:, classes:])
        np.multiply(moments[:, classes:], z * scale, out=moments[:, :classes])
        first = weight @ moments
        second = scale * np.einsum("i,ij,ij->j", weight, moments[:, :classes], z)
        ab = np.concatenate([scale, shift])
        value = float(weight @ (largest + np.log(total)) - self.linear @ ab)
        factor = np.concatenate([scale, np.ones(classes)])
        slope = first - factor * self.linear
        diagonal = np.concatenate([second + slope[:classes], first[classes:]]) + self.ridge
        return _Point(
            value + 0.5 * self.ridge * float(at @ at),
            slope + self.ridge * at,
            moments,
            weight,
            diagonal,
            first[:classes],
        )


def _step(
    point: _Point, blocks: tuple[Vector, Vector, Vector], radius: float
) -> tuple[Vector, float, float]:
    """The step of conjugate gradients in the region, what it promises, and the scaled gradient."""
    solve = _Preconditioner(blocks)
    slope = _slope(point.gradient, blocks)
    step, left = np.zeros_like(point.gradient), point.gradient.copy()
    moved = np.zeros_like(step)  # the Hessian times the step
    direction = -solve(left)
    size = -float(left @ direction)
    # Newton's steps square the error if those of conjugate gradients are as exact
    enough = size * min(0.01, slope) ** 2
    for _ in range(_MAX_PRODUCTS):
        product = point.times(direction)
        curvature = float(direction @ product)
        length = size / curvature if curvature > 0.0 else np.inf
        room = _to_border(step, direction, blocks, radius)
        moved += min(length, room) * product
        step = step + min(length, room) * direction
        if room <= length:
            break
        left += length * product
        preconditioned = solve(left)
        new = float(left @ preconditioned)
        if not new > enough:
            break
        direction = (new / size) * direction - preconditioned
        size = new
    return step, -float(point.gradient @ step + 0.5 * step @ moved), slope


def _sizes(blocks: tuple[Vector, Vector, Vector]) -> Vector:
    """The Hessian's diagonal without signs, in which lengths are measured."""
    size = np.abs(np.concatenate([blocks[0], blocks[2]]))
    return np.where(size > 0.0, size, 1.0)


def _slope(gradient: Vector, blocks: tuple[Vector, Vector, Vector]) -> float:
    return float(np.sqrt(np.sum(gradient * gradient / _sizes(blocks))))


def _length(step: Vector, blocks: tuple[Vector, Vector, Vector]) -> float:
    return float(np.sqrt(np.sum(step * step * _sizes(blocks))))


def _to_border(
    step: Vector, direction: Vector, blocks: tuple[Vector, Vector, Vector], radius: float
) -> float:
    """How far along the direction the region ends."""
    sizes = _sizes(blocks)
    a = float(direction @ (sizes * direction))
    b = float(step @ (sizes * direction))
    c = radius * radius - float(step @ (sizes * step))
    return float((np.sqrt(b * b + a * max(c, 0.0)) - b) / a)


@final
class _Preconditioner:
    """Solve each class's block of two, with absolute values of its eigenvalues."""

    def __init__(self, blocks: tuple[Vector, Vector, Vector]) -> None:
        a, both, b = blocks
        matrices = np.stack([np.stack([a, both], axis=-1), np.stack([both, b], axis=-1)], axis=-2)
        values, vectors = np.linalg.eigh(matrices)
        size = np.abs(values)
        size = np.where(size > 1e-12 * size.max(), size, size.max())
        self.inverse = np.einsum("kij,kj,klj->kil", vectors, 1.0 / size, vectors)

    def __call__(self, v: Vector) -> Vector:
        pairs = v.reshape(2, -1)
        solved: Vector = np.einsum("kij,jk->ik", self.inverse, pairs).reshape(-1)
        return solved
