"""A starting point for a skew-normal regression whose shape is linear in columns.

Where the skewness of rows changes with columns, that of all residuals together may be of either
sign, and a search that starts there ends in a local maximum. The third moment of the residuals is
regressed on the columns instead; location and scale are then corrected for the skewness of each
row, by the moments of the distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from kullback._core.arrays import Vector
from kullback.models.linear import Linear
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.real.skew_normal import SkewNormal

# The largest skewness of a row that is taken from the moments: that of any shape is below 0.9953.
_MOST = 0.9

# The mean of log |z| of a standard normal z: −(Euler's constant + log 2)/2.
_MEAN_LOG = -0.635181422730739


def varying_skewness(
    model: Model,
    vector: ParameterVector,
    fields: Mapping[str, Vector],
    share: Vector,
    residual: Vector,
    location: Vector,
) -> list[Vector]:
    """Return a starting point; none for other models, and where the user gave starting values.

    Args:
        model: the model.
        vector: its coefficients.
        fields: the columns of some rows.
        share: their weights, which add up to 1.
        residual: of a least-squares fit of the location.
        location: the coefficients of that fit.
    """
    loc, scale, shape = (model.sources.get(name) for name in ("loc", "scale", "shape"))
    if not (isinstance(model, SkewNormal) and isinstance(shape, Linear) and shape.link is None):
        return []
    if not isinstance(loc, Linear) or any(c.start is not None for c in vector.free):
        return []
    if isinstance(scale, Linear) and scale.link is not None:
        return []

    def fitted(source: Linear, values: Vector) -> tuple[Vector, Vector]:
        """The least-squares coefficients of a source, and what it then gives each row."""
        root, design = np.sqrt(share), source.design(fields).to_dense()
        offset = None if source is loc else source.offset_of(fields)  # its residual has none
        own = values if offset is None else values - offset
        at = np.linalg.lstsq((root * design).T, root * own)[0]
        return at, at @ design + (0.0 if offset is None else offset)

    deviation = np.full(residual.size, math.sqrt(float(share @ np.square(residual))))
    if isinstance(scale, Linear):
        # a starting value only: a residual of 0, which has no logarithm, counts as a very small one
        sizes = np.log(np.maximum(np.abs(residual), 1e-6 * deviation))
        deviation = np.exp(fitted(scale, sizes - _MEAN_LOG)[1])
    skewness = np.clip(fitted(shape, (residual / deviation) ** 3)[1], -_MOST, _MOST)
    root = np.cbrt(2.0 * skewness / (4.0 - math.pi))
    mean = root / np.sqrt(1.0 + root * root)  # of the standard distribution: √(2/π) δ
    delta = mean * math.sqrt(math.pi / 2.0)
    sizes = deviation / np.sqrt(1.0 - mean * mean)
    values = {
        "loc": location - fitted(loc, sizes * mean)[0],
        "scale": np.array([float(share @ sizes)]),
        "shape": fitted(shape, delta / np.sqrt(1.0 - delta**2))[0],
    }
    if isinstance(scale, Linear):
        values["scale"] = fitted(scale, np.log(sizes))[0]
    return [vector.unconstrained(values)]
