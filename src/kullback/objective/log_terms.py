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
from kullback.data.observation import Exact, RowKind, Soft
from kullback.models.model import Model


@singledispatch
def log_term(
    kind: RowKind,
    model: Model,  # noqa: ARG001  # the protocol's
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
    model: Model,
    parameters: Mapping[str, Array],
    row: Mapping[str, Array],
) -> Array:
    # the first pass has checked that every outcome lies in the support
    return model.row_log_density_inside(row["y"], parameters)


@log_term.register
def _(
    kind: Soft,
    model: Model,
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
    kind: RowKind, model: Model, parameters: Mapping[str, Array], row: Mapping[str, Array]
) -> Array:
    """Compute the same for unchecked outcomes: −inf outside the support."""
    if isinstance(kind, Exact):
        return model.row_log_density(row["y"], parameters)
    return log_term(kind, model, parameters, row)
