"""AdamW with a rising and falling learning rate: what trains a network unless the user says else.

    m ← b₁ m + (1 − b₁) g        v ← b₂ v + (1 − b₂) g²
    w ← w − η (m̂ / (√v̂ + ε) + λ w)        m̂ = m / (1 − b₁ᵗ), v̂ = v / (1 − b₂ᵗ); λ of matrices only

It is called as an Optax transformation is, which can take its place. Optax has the same update; but
to import it, and to trace the four transformations that it chains there, took a tenth of the second
in which a small network is trained as a whole process.

Source: I. Loshchilov, F. Hutter (2019), Decoupled weight decay regularization, algorithm 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array

# b₂ below the usual 0.999: the gradients' size changes quickly in so few steps (Holzmüller et al.
# 2024). The others are Loshchilov & Hutter's.
_FIRST, _SECOND, _EPSILON = 0.9, 0.95, 1e-8
# The share of the steps over which the learning rate rises.
_RISING = 20


class Moments(NamedTuple):
    """What AdamW remembers: arrays only.

    Attributes:
        made: how many steps were made.
        first: moving average of the gradient.
        second: moving average of its square.
    """

    made: Array
    first: Any
    second: Any


@final
@dataclass(frozen=True)
class AdamW:
    """AdamW for a training of so many steps.

    Args:
        learning_rate: the largest one: it rises to it in a line over a twentieth of the steps, and
            falls to zero along a cosine.
        weight_decay: λ.
        steps: how many will be made.
    """

    learning_rate: float
    weight_decay: float
    steps: int

    def init(self, weights: Any) -> Moments:
        """Begin with moments of zero; nothing is compiled for it."""

        def zeros() -> Any:
            return jax.tree.map(lambda w: jax.device_put(np.zeros(w.shape, w.dtype)), weights)

        return Moments(jax.device_put(np.int32(0)), zeros(), zeros())

    def rate(self, count: Array) -> Array:
        """The learning rate of the step after ``count`` others."""
        rising = max(self.steps // _RISING, 1)
        if self.steps == 1:  # there is no other one to rise to
            return jnp.full((), self.learning_rate)
        fallen = jnp.minimum((count - rising) / max(self.steps - rising, 1), 1.0)
        share = jnp.where(count < rising, count / rising, 0.5 + 0.5 * jnp.cos(jnp.pi * fallen))
        return self.learning_rate * share

    def update(self, slope: Any, memory: Moments, weights: Any) -> tuple[Any, Moments]:
        """What is to be added to the weights, and the new moments."""
        count = memory.made + 1
        rate = self.rate(memory.made)
        # the corrections of both moments, taken out of the matrices: one division an element
        step = rate / (1.0 - _FIRST**count)
        size = 1.0 / jnp.sqrt(1.0 - _SECOND**count)
        first = jax.tree.map(lambda m, g: _FIRST * m + (1.0 - _FIRST) * g, memory.first, slope)
        second = jax.tree.map(
            lambda v, g: _SECOND * v + (1.0 - _SECOND) * (g * g), memory.second, slope
        )

        def move(w: Array, m: Array, v: Array) -> Array:
            scale, root = step.astype(w.dtype), jnp.sqrt(v) * size.astype(w.dtype)
            moved: Array = -scale * m / (root + _EPSILON)
            if w.ndim > 1:
                moved = moved - (rate * self.weight_decay).astype(w.dtype) * w
            return moved

        return jax.tree.map(move, weights, first, second), Moments(count, first, second)
