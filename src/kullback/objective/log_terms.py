"""The log-term of a row: log q(row; θ), by dispatch on the kind of row.

A new kind of row registers its term here (or in its own module)::

    @log_term.register
    def _(kind: RightCensored, model, parameters, row):
        return model.row_log_survival(row["y"], parameters)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback.data.observation import Event, Exact, Observed, RowKind, Soft, Window
from kullback.models.interval_probability import log_at_least
from kullback.models.row_functions import RowFunctions


@singledispatch
def log_term(
    kind: RowKind,
    model: RowFunctions,  # noqa: ARG001  # the protocol's
    parameters: Mapping[str, Array],  # noqa: ARG001
    row: Mapping[str, Array],  # noqa: ARG001
) -> Array:
    """Compute log q(row; θ) for every row of a block, elementwise, in JAX.

    Args:
        kind: the kind of row.
        model: the model.
        parameters: its parameters by name, scalars or one value a row.
        row: the columns of the block.

    Raises:
        TypeError: for a kind without a registered term.
    """
    raise TypeError(f"no log-term is registered for rows of kind {type(kind).__name__}")


@log_term.register
def _(
    kind: Exact,  # noqa: ARG001
    model: RowFunctions,
    parameters: Mapping[str, Array],
    row: Mapping[str, Array],
) -> Array:
    # the first pass has checked that every outcome lies in the support
    return model.row_log_density_inside(row["y"], parameters)


@log_term.register
def _(
    kind: Observed,
    model: RowFunctions,
    parameters: Mapping[str, Array],
    row: Mapping[str, Array],
) -> Array:
    # given that the outcome lies in the window, in which the ends of the event lie as well
    lower, upper = row.get("y.lower"), row.get("y.upper")
    term = (
        model.row_log_density_inside(row["y"], parameters)
        if kind.event == Event.EXACT
        else _log_probability(model, lower, upper, parameters)
    )
    if kind.window == Window.NONE:
        return term
    lower, upper = row.get("window.lower"), row.get("window.upper")
    return term - _log_probability(model, lower, upper, parameters)


def _log_probability(
    model: RowFunctions, lower: Array | None, upper: Array | None, parameters: Mapping[str, Array]
) -> Array:
    """Log-probability of an outcome between two ends, None for none."""
    if lower is None:
        assert upper is not None
        return model.row_log_cdf(upper, parameters)
    if upper is None:
        return log_at_least(model, lower, parameters)
    return model.row_log_between(lower, upper, parameters)


@log_term.register
def _(
    kind: Soft,
    model: RowFunctions,
    parameters: Mapping[str, Array],
    row: Mapping[str, Array],
) -> Array:
    # Σ p log q over the classes; a class of share 0 adds nothing, even where q is 0
    total = jnp.zeros(())
    for code, name in enumerate(kind.fields):
        share = row[name]
        log_q = model.row_log_density_inside(jnp.full(share.shape, float(code)), parameters)
        positive = share > 0.0
        total = total + jnp.where(positive, share * jnp.where(positive, log_q, 0.0), 0.0)
    return total


def log_term_anywhere(
    kind: RowKind, model: RowFunctions, parameters: Mapping[str, Array], row: Mapping[str, Array]
) -> Array:
    """Compute the same for unchecked outcomes: −inf outside the support."""
    if isinstance(kind, Exact):
        return model.row_log_density(row["y"], parameters)
    term = log_term(kind, model, parameters, row)
    if isinstance(kind, Observed) and kind.event == Event.EXACT:
        return jnp.where(jnp.isneginf(model.row_log_density(row["y"], parameters)), -jnp.inf, term)
    return term
