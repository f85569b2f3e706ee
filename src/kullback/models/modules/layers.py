"""Equinox modules of neural networks (Equinox is imported only here and in training)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.models.activations import ACTIVATIONS
from kullback.models.encoding import EMBEDDING
from kullback.models.modules.dropout import dropped

# Standard deviation of the initial frequencies, in periods over the scaled width of a column:
# between a smooth curve and noise. Gorishniy et al. (2022) search 0.01 to 100; training moves them.
_FREQUENCY = 0.3

# Each input has a trained scale, its importance. To be of use it must move faster than the weights
# after it, by this factor (Holzmüller et al. 2024, table B.1).
_STRETCH = 6.0


@jax.custom_vjp
def _stretched(x: Array, stretch: Array, weight: Array) -> Array:
    """(x ⊙ stretch) W, whose gradient in the stretch needs no further matrix product.

    The gradients of z = (x ⊙ c) W are G = (x ⊙ c)ᵀ ∂z in W and Σⱼ Wᵢⱼ Gᵢⱼ / cᵢ in cᵢ, a sum over
    a matrix that is already computed. The usual way needs the gradient in x, a product as large as
    the layer's, which the compiler omits where x is data.
    """
    out: Array = (x * stretch) @ weight
    return out


def _stretched_forward(x: Array, stretch: Array, weight: Array) -> tuple[Array, Any]:
    stretched = x * stretch
    return stretched @ weight, (stretched, stretch, weight)


def _stretched_backward(kept: Any, dz: Array) -> tuple[Any, Array, Array]:
    stretched, stretch, weight = kept
    slope = stretched.T @ dz
    # an input with stretch exactly 0 gets gradient 0 here: the optimiser's momentum moves it on
    inverse = jnp.where(stretch == 0.0, 0.0, 1.0 / jnp.where(stretch == 0.0, 1.0, stretch))
    dx = (dz @ weight.T) * stretch
    return dx, jnp.sum(slope * weight, axis=1) * inverse, slope


_stretched.defvjp(_stretched_forward, _stretched_backward)


class Perceptron(eqx.Module):  # type: ignore[misc]  # Equinox is untyped for the type checker
    """Affine maps with an activation between them, on many rows at once.

    Attributes:
        tables: for each of the last inputs, which are codes, the embedding of each code, shape
            (codes, ``EMBEDDING``), which replaces the input.
        stretch: the factor of each input minus one, in units of ``_STRETCH``; shape (width,).
        weights: matrices of shape (in, out).
        biases: vectors of shape (out,).
        gains: of layer normalisation, or None.
        frequencies: shape (columns, frequencies), or None.
        activation: between the maps: a name or a function.
        dropout: share of hidden units set to zero in training.
        skip: whether layers of equal width add their input.
    """

    tables: list[Array]
    stretch: Array
    weights: list[Array]
    biases: list[Array]
    gains: list[Array] | None
    frequencies: Array | None
    activation: str | Callable[[Array], Array] = eqx.field(static=True)
    dropout: float = eqx.field(static=True)
    skip: bool = eqx.field(static=True)

    def __call__(self, x: Array, key: Any) -> Array:
        """Return the outputs of rows ``x``, shape (rows, width); with a key, as in training."""
        if self.tables:
            x, codes = x[:, : -len(self.tables)], x[:, -len(self.tables) :].astype(jnp.int32)
            looked_up = [table[codes[:, k]] for k, table in enumerate(self.tables)]
            x = jnp.concatenate([x, *looked_up], axis=1)
        stretch = 1.0 + _STRETCH * self.stretch
        h = x
        activation = (
            ACTIVATIONS[self.activation] if isinstance(self.activation, str) else self.activation
        )
        if self.frequencies is not None:
            x = x * stretch
            angle = 2.0 * jnp.pi * (x[:, :, None] * self.frequencies)
            waves = jnp.concatenate([jnp.sin(angle), jnp.cos(angle)], axis=2)
            h = jnp.concatenate([x, waves.reshape(x.shape[0], -1)], axis=1)

        def affine(layer: int, h: Array) -> Array:
            weight, bias = self.weights[layer], self.biases[layer]
            if layer == 0 and self.frequencies is None:
                return _stretched(h, stretch, weight) + bias
            return h @ weight + bias

        for layer in range(len(self.weights) - 1):
            z = affine(layer, h)
            if self.gains is not None:
                centred = z - jnp.mean(z, axis=1, keepdims=True)
                # 1e-5: a row of equal numbers cannot be normalised
                spread = jax.lax.rsqrt(jnp.mean(centred * centred, axis=1, keepdims=True) + 1e-5)
                z = centred * spread * self.gains[layer]
            z = activation(z)
            if key is not None and self.dropout > 0.0:
                z = dropped(z, self.dropout, jax.random.fold_in(key, layer))
            h = h + z if self.skip and z.shape == h.shape else z
        return affine(len(self.weights) - 1, h)


def perceptron(
    widths: Sequence[int],
    *,
    tables: Sequence[int],
    activation: str | Callable[[Array], Array],
    dropout: float,
    normalised: bool,
    skip: bool,
    frequencies: int,
    start: Vector,
    rng: np.random.Generator,
) -> Perceptron:
    """Make a perceptron: weights of variance 2/in (He et al. 2015), and a last layer of zeros.

    With the last layer at zero, training starts from the best constant, ``start``.
    """

    # in NumPy, because JAX would compile a dozen small functions for this
    def normal(spread: float, *shape: int) -> Array:
        drawn: Array = jax.device_put(np.float32(spread) * rng.standard_normal(shape, np.float32))
        return drawn

    def constant(value: float, *shape: int) -> Array:
        filled: Array = jax.device_put(np.full(shape, value, np.float32))
        return filled

    sizes = [widths[0] + EMBEDDING * len(tables), *widths[1:]]
    width, waves = sizes[0], None
    if frequencies:
        waves = normal(_FREQUENCY, width, frequencies)
        sizes[0] = width * (1 + 2 * frequencies)
    weights: list[Array] = []
    biases: list[Array] = []
    for fan_in, fan_out in pairwise(sizes):
        weights.append(normal((2.0 / max(fan_in, 1)) ** 0.5, fan_in, fan_out))
        # biases of the first layer that spread the activations' bends (Holzmüller et al. 2024)
        biases.append(normal(0.0 if biases else 0.5, fan_out))
    weights[-1] = constant(0.0, *weights[-1].shape)
    biases[-1] = jax.device_put(start.astype(np.float32))
    gains = [constant(1.0, size) for size in sizes[1:-1]] if normalised else None
    made: Perceptron
    made = Perceptron(
        # at zero a level changes nothing, and a rare level stays close to zero
        [constant(0.0, size, EMBEDDING) for size in tables],
        constant(0.0, width),
        weights,
        biases,
        gains,
        waves,
        activation,
        dropout,
        skip,
    )
    return made


class RowModule(eqx.Module):  # type: ignore[misc]
    """A user's module for one row, vectorised over rows."""

    module: Any

    def __call__(self, x: Array, key: Any) -> Array:
        """Return the outputs of rows ``x``; with a key, as in training."""
        out: Array
        if key is None:
            module = eqx.nn.inference_mode(self.module)
            out = jax.vmap(module)(x)
        else:
            keys = jax.random.split(key, x.shape[0])
            try:
                out = jax.vmap(lambda row, own: self.module(row, key=own))(x, keys)
            except TypeError:  # a module without randomness does not take a key
                out = jax.vmap(self.module)(x)
        return out[:, None] if out.ndim == 1 else out


def arrays_of(module: Any) -> tuple[Any, Any]:
    """Split a module into its trained arrays and the rest; ``together`` joins them again."""
    parts: tuple[Any, Any] = eqx.partition(module, eqx.is_inexact_array)
    return parts


def together(arrays: Any, rest: Any) -> Any:
    """Join the parts that ``arrays_of`` returned."""
    return eqx.combine(arrays, rest)
