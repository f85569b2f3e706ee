"""Parameters whose estimate is the minimum, the maximum or the median of the sample: no search.

A median that is linear in columns is the plane of least absolute deviations.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Interval
from kullback._core.errors import DataError, ModelError
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.source import Fixed, Free, Param
from kullback.objective.collinearity import nearly_singular
from kullback.objective.first_pass import FirstPass
from kullback.objective.rows_in_range import weighted_median
from kullback.objective.sample_summary import MOST_THINNED, SampleSummary
from kullback.solvers.least_absolute_deviations import least_absolute_deviations
from kullback.solvers.linear_least_squares import exact_rows, is_plain

# The design of a plane of least absolute deviations has at most so many numbers, half a gigabyte.
_MOST_NUMBERS = 1 << 26


def fix_order_statistics(
    model: Model, known: FirstPass, reduce: Callable[..., Any]
) -> ParameterVector:
    """Fix free parameters whose estimate is an extreme or the median of the sample.

    Raises:
        DataError: where the user fixed such a parameter at a value that makes rows impossible.
    """
    vector = model.vector
    d = known.summary
    on_bound: dict[str, Vector] = {}
    for c in vector.coefficients:
        which = model.order_statistics.get(c.name)
        if which is None:
            continue
        source = model.sources[c.name]
        if not isinstance(source, Free | Fixed | Param):
            if c.value is None and which == "median":
                on_bound[c.name] = _plane(model, c.name, known, reduce)
            elif c.value is None:
                raise ModelError(
                    f"{model.name} cannot be fitted with {c.name}={source!r}: the estimate of "
                    f"{c.name} is the {which} of the sample, where the likelihood has a jump, and "
                    f"of coefficients there is none. Leave {c.name} out, or fix it."
                )
            continue
        if c.value is not None:
            value = float(c.value[0])
        elif not d.all_exact:
            raise ModelError(
                f"{model.name} cannot be fitted to these rows: the estimate of {c.name} is the "
                f"{which} of the sample, which needs exact rows, but {d.inexact}. Fix {c.name}."
            )
        else:
            extreme = {"minimum": d.minimum, "maximum": d.maximum}
            value = extreme[which] if which in extreme else weighted_median(d, reduce)
            bounds = c.domain
            if isinstance(bounds, Interval):  # the nearest value within the user's bounds
                value = min(max(value, bounds.lower), bounds.upper)
            on_bound[c.name] = np.array([value])
        _refuse_beyond(model, c.name, which, value, d)
    return replace(vector, on_bound=on_bound) if on_bound else vector


def _refuse_beyond(model: Model, name: str, which: str, value: float, d: SampleSummary) -> None:
    """Raise where an end of the support lies inside the sample: rows beyond it are impossible."""
    low = which == "minimum" and value > d.minimum
    high = which == "maximum" and value < d.maximum
    if low or high:
        extreme = d.minimum if low else d.maximum
        # a parameter that is fixed by default is not freed by leaving it out
        free = f"Give {name}=kl.Param()" if name in model.fixed_by_default else f"Leave {name} out"
        raise DataError(
            f"{model.name} with {name} = {value:g} gives probability zero to rows "
            f"{'below' if low else 'above'} it: the {which} of the sample is {extreme!r}. {free} "
            f"to estimate it, or leave those rows out."
        )


def _plane(model: Model, name: str, known: FirstPass, reduce: Callable[..., Any]) -> Vector:
    """Return the coefficients of a median that is linear in columns.

    Raises:
        CollinearError: for collinear columns.
        ModelError: where it is not the plane of least absolute deviations, or of too many rows.
    """
    source, scale = model.sources[name], model.sources.get("scale")
    if is_plain(source, model.vector) and isinstance(scale, Free | Fixed | Param):
        nearly_singular(model, model.vector, known, reduce)  # raises for collinear columns
        rows = exact_rows(model, source, known, _MOST_NUMBERS)
        if rows is not None:
            fields, share = rows
            offset = source.offset_of(fields)
            y = fields["y"] - (0.0 if offset is None else offset)
            return least_absolute_deviations(source.design(fields).to_dense(), y, share)
    raise ModelError(
        f"{model.name} cannot be fitted with {name}={source!r}: the likelihood has kinks, and its "
        "maximum is found for a formula with the identity link, without a penalty, beside a "
        f"constant scale, and for at most {MOST_THINNED:,} exact rows and {_MOST_NUMBERS:,} "
        "numbers of columns. kl.StudentT is smooth, and as little moved by outliers."
    )
