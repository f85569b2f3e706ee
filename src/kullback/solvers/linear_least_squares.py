"""The estimate of a normal model whose location is linear in columns: least squares, refined.

Newton's steps lose the digits that the condition of the design costs; least squares with residuals
of more digits than a double keep them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeGuard, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import REAL, Reals
from kullback.data.observation import Exact
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.real.normal import Normal
from kullback.models.source import Fixed, Free, Source
from kullback.objective.first_pass import FOR_STARTS, FirstPass
from kullback.objective.sample_summary import MOST_THINNED
from kullback.objective.starting_values import points_from
from kullback.solvers.least_squares import refined
from kullback.solvers.skewness_starts import varying_skewness

# So many numbers of a design are refined: residuals of 80 bits take about 10 ns a number.
_MOST = 1 << 21

# Singular values below this part of the largest are rounding.
_RANK = 1e-13

# Columns explain much where the residuals' deviation is below this part of the outcomes'.
_EXPLAINED = 0.3

# Residuals of at most this many times their rounding are rounding.
_PERFECT = 8.0


@final
@dataclass(frozen=True, eq=False)
class LinearLeastSquares:
    """A least-squares fit.

    Attributes:
        values: the coefficients of the location, and the scale of the residuals.
        rounding: of a row's location and outcome, relative to the scale.
        perfect: whether the residuals are rounding alone.
    """

    values: dict[str, Vector]
    rounding: float
    perfect: bool


def linear_least_squares(
    model: Model, vector: ParameterVector, known: FirstPass
) -> LinearLeastSquares | None:
    """Fit a normal model with a linear location and a constant scale; None for other models.

    None, too, for rows that are not all known exactly, or too many.
    """
    source, scale = model.sources.get("loc"), model.sources.get("scale")
    if not (isinstance(model, Normal) and is_plain(source, vector)):
        return None
    rows = exact_rows(model, source, known, _MOST) if isinstance(scale, Free | Fixed) else None
    return None if rows is None else _fitted(source, *rows)


def residual_starts(model: Model, vector: ParameterVector, known: FirstPass) -> list[Vector]:
    """Return starting points from a least-squares fit of a location, and from its residuals.

    None where the columns explain little of the outcomes, whose own moments then serve as well.
    """
    source = model.sources.get("loc")
    if not (model.support == REAL and is_plain(source, vector)):
        return []
    rows = _rows(model, source, known, FOR_STARTS) if known.summary.all_exact else None
    found = None if rows is None else _fitted(source, *rows)
    if rows is None or found is None or found.perfect:
        return []
    fields, share = rows
    y, at = fields["y"], found.values["loc"]
    offset = source.offset_of(fields)
    residual = y - source.design(fields).dot(at) - (0.0 if offset is None else offset)
    skewed = varying_skewness(model, vector, fields, share, residual, at)
    spread = math.sqrt(float(share @ np.square(y - share @ y)))
    if not float(found.values["scale"][0]) < _EXPLAINED * spread and not skewed:
        return []
    points = points_from(model, vector, model.starts(residual, share * share.size))
    place = next(place for c, place in vector.slices if c.name == "loc")
    for u in points:
        u[place] += at
    return [*points, *skewed]


def exact_rows(
    model: Model, source: Linear, known: FirstPass, most: int
) -> tuple[dict[str, Vector], Vector] | None:
    """Return the outcomes, the columns of a source and the shares of all rows.

    None for rows that are not all known exactly, or with more than so many numbers of columns.
    """
    d = known.summary
    if d.stride > 1 or not d.all_exact or d.rows * len(source.labels) > most:
        return None
    return _rows(model, source, known, MOST_THINNED)


def _rows(
    model: Model, source: Linear, known: FirstPass, most: int
) -> tuple[dict[str, Vector], Vector] | None:
    """The outcomes, the columns of a source and the shares of at most so many rows."""
    chunks = [c for c in known.subsample(model, most).chunks() if c.count]
    if any(c.kind != Exact() for c in chunks):
        return None
    names = ("y", *source.columns, *source.offsets, *source.exposures)
    fields = {n: np.concatenate([c.fields[n] for c in chunks]) for n in names}
    weights = np.concatenate([np.ones(c.count) if c.weight is None else c.weight for c in chunks])
    return fields, weights / np.sum(weights)


def is_plain(source: Source | None, vector: ParameterVector) -> TypeGuard[Linear]:
    """Whether ``loc`` is free and linear in columns, without a link or a penalty."""
    if not isinstance(source, Linear):
        return False
    own = [c for c in vector.free if c.name == "loc"]
    identity = source.link is None or source.link.name == "identity"
    return bool(own) and isinstance(own[0].domain, Reals) and identity and source.penalty is None


def _fitted(source: Linear, fields: dict[str, Vector], share: Vector) -> LinearLeastSquares | None:
    from scipy.linalg import solve_triangular

    design, root = source.design(fields).to_dense(), np.sqrt(share)
    offset = source.offset_of(fields)
    y = fields["y"] - (0.0 if offset is None else offset)
    size = np.sqrt(np.square(design) @ share)
    if len(design) > np.count_nonzero(share) or not (np.isfinite(size) & (size > 0.0)).all():
        return None
    q, r = np.linalg.qr((root * design / size[:, None]).T)
    singular = np.linalg.svd(r, compute_uv=False)
    if not singular[-1] > _RANK * singular[0]:
        return None
    basis = solve_triangular(r, np.eye(len(r))) / size[:, None]
    at = basis @ (q.T @ (root * y))
    wide = design.astype(np.longdouble)

    def evaluate(coefficients: Any) -> tuple[Any, Any]:
        return coefficients @ wide, wide

    found = refined(at, evaluate, basis, y, share)
    at, residual = (at, y - at @ design) if found is None else found
    scale = math.sqrt(float(share @ np.square(residual)))
    terms = 0.5 * np.finfo(np.float64).eps * (np.abs(y) + np.abs(at) @ np.abs(design))
    rounding = math.sqrt(float(share @ np.square(terms)))
    perfect = scale <= _PERFECT * rounding
    values = {"loc": at, "scale": np.array([scale])}
    return LinearLeastSquares(values, rounding / scale if scale else math.inf, perfect)
