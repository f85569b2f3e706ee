"""The activations of ``kl.MLP`` by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array

ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "silu": jax.nn.silu,
    "mish": jax.nn.mish,
    "selu": jax.nn.selu,
    "elu": jax.nn.elu,
    "tanh": jnp.tanh,
    "identity": lambda x: x,
}

OTHER_NAMES: Mapping[str, str] = {"swish": "silu", "linear": "identity"}
"""Names that other libraries use for some of them: errors translate these."""
