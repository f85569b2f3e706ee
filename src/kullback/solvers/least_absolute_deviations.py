"""The coefficients of least absolute deviations: a linear program's solution, at a vertex.

They minimise Σ_i w_i |y_i − x_i'β|, which has kinks where a row lies on the plane, and its minimum
at a plane through as many rows as there are coefficients. The dual program has one bounded number
a row and one equation a coefficient, which HiGHS solves (R. Koenker and G. Bassett 1978). The rows
on the plane then give the coefficients to all digits.
"""

from __future__ import annotations

import math

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError

# Rows near the plane, for each coefficient, that are looked through for those on it.
_NEAR = 4

# A program of at most so many rows is solved at once: HiGHS takes 0.05 s for 2,000 rows of five
# columns, and 9 s for 50,000.
_AT_ONCE = 2_000

# Standard errors of a plane within which rows count as near it.
_ERRORS = 5.0


def least_absolute_deviations(design: Vector, y: Vector, weights: Vector) -> Vector:
    """Return β, shape (k,).

    Args:
        design: the columns, shape (k, rows), linearly independent.
        y: the outcomes, shape (rows,).
        weights: of the rows, shape (rows,).

    Raises:
        ModelError: where the program is not solved.
    """
    counted = weights > 0.0
    design, y, weights = design[:, counted], y[counted], weights[counted]
    size = np.max(np.abs(design), axis=1)
    middle = float(np.median(y))
    spread = float(np.max(np.abs(y - middle))) or 1.0
    columns, outcomes = design / size[:, None], (y - middle) / spread
    about = _plane(columns, outcomes, weights / np.max(weights)) * spread
    distance = np.abs((y - middle) - about @ columns)
    near = np.argsort(distance, kind="stable")[: _NEAR * len(about)]
    on_plane = near[_independent(columns[:, near])]
    return np.asarray(np.linalg.solve(columns[:, on_plane].T, y[on_plane]) / size)


def _plane(columns: Vector, y: Vector, weights: Vector) -> Vector:
    """Solve for few rows at once, for many from those near the plane of a quarter.

    Rows far from the plane count by their side alone (S. Portnoy and R. Koenker 1997). Where the
    solution changes the side of one, it is solved again with twice the rows near it.
    """
    rows = y.size
    if rows <= _AT_ONCE:
        return _program(columns, y, weights, np.zeros(len(columns)))
    some = slice(None, None, 4)
    about = _plane(columns[:, some], y[some], weights[some])
    # the plane of a quarter of the rows lies within a multiple of 1/√rows of that of all
    kept = max(_AT_ONCE, math.ceil(_ERRORS * math.sqrt(rows * len(columns))))
    while kept < rows:
        residual = y - about @ columns
        distance = np.abs(residual)
        near = distance <= np.partition(distance, kept)[kept]
        side = np.where(near, 0.0, np.sign(residual))
        try:
            found = _program(columns[:, near], y[near], weights[near], columns @ (weights * side))
        except ModelError:  # the plane is not among the rows near it
            kept *= 2
            continue
        if not np.any(side * (y - found @ columns) < 0.0):
            return found
        about, kept = found, 2 * kept
    return _program(columns, y, weights, np.zeros(len(columns)))


def _program(columns: Vector, y: Vector, weights: Vector, others: Vector) -> Vector:
    """Solve the dual program, beside the sum of rows whose side of the plane is known."""
    from scipy.optimize import linprog

    solved = linprog(
        -y,
        A_eq=columns,
        b_eq=-others,
        bounds=np.column_stack([-weights, weights]),
        method="highs",
    )
    if solved.status != 0:
        raise ModelError(
            f"the plane of least absolute deviations was not found: {solved.message} "
            "kl.StudentT is smooth, and as little moved by outliers."
        )
    return np.asarray(-solved.eqlin.marginals)  # the multipliers of the equations


def _independent(columns: Vector) -> list[int]:
    """Return the places of the first linearly independent rows of a design, shape (k, rows)."""
    basis: list[Vector] = []
    places: list[int] = []
    for place, row in enumerate(columns.T):
        left = row.copy()
        for direction in basis:
            left -= (direction @ left) * direction
        length = float(np.linalg.norm(left))
        if length > 1e-9 * float(np.linalg.norm(row)):
            basis.append(left / length)
            places.append(place)
        if len(places) == len(columns):
            break
    return places
