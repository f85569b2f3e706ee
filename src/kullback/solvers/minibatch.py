"""Minibatches: how a network is trained, and one epoch of it as one compiled program."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, NamedTuple, final

import jax
import jax.numpy as jnp

from kullback._core.arrays import Array
from kullback._core.errors import ModelError
from kullback._core.options import translate_options

# The rules below were chosen by held-out cross-entropy on the sets of benchmarks/NETWORKS.md: about
# forty steps an epoch, a thousand in all, and no fewer than 25 epochs, so that many rows take more.
_STEPS_AN_EPOCH = 40
_STEPS = 1_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 25, 40
_SMALLEST_BATCH, _LARGEST_BATCH = 32, 256


@final
@translate_options(
    lr="learning_rate",
    learning_rate_init="learning_rate",
    batch_size="batch",
    n_epochs="epochs",
    num_epochs="epochs",
    max_epochs="epochs",
    max_iter="epochs",
    optimiser="optimizer",
    validation_fraction="held_out",
    validation_split="held_out",
    n_iter_no_change="patience",
    class_weights="class_weight",
    random_state="seed",
)
@dataclass(frozen=True, eq=False)
class Minibatch:
    """How a network is trained: minibatches, an Optax optimiser, early stopping, calibration.

    Args:
        epochs: how often every row is used; None chooses by the number of rows.
        batch: rows a step; None chooses by the number of rows.
        learning_rate: the largest one; it rises over the first steps and falls along a cosine.
        weight_decay: AdamW's, of matrices only.
        optimizer: an Optax ``GradientTransformation`` in place of AdamW and its schedule.
        held_out: what early stopping and calibration look at: a share of the rows, or other rows
            as they would be given to ``kl.fit``: a table or files with the same columns; beside
            arrays a pair ``(X, y)`` or a triple ``(X, y, weights)``.
        patience: epochs without improvement after which training ends.
        calibration: None, "temperature" or "vector": fitted to the held-out rows, for logits.
        label_smoothing: share of every label that is spread over all classes while training.
        class_weight: None, "balanced", or a weight for each class by its label, while training.
        seed: of everything random; the same seed gives the same bits.
        checkpoint: a file in which training puts down where it stands after every epoch. Where it
            is there already, the same training goes on from it, with the bits that it would have
            had without the break; another training's is refused.

    Raises:
        ModelError: for options out of range.
    """

    epochs: int | None = None
    batch: int | None = None
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    optimizer: Any = None
    held_out: Any = 0.1
    patience: int = 25
    calibration: Literal["temperature", "vector"] | None = "temperature"
    label_smoothing: float = 0.0
    class_weight: Any = None
    seed: int = 0
    checkpoint: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        for name in ("epochs", "batch"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ModelError(f"{name}={value!r} must be at least 1.")
        if not self.learning_rate > 0.0:
            raise ModelError(f"learning_rate={self.learning_rate!r} must be positive.")
        share = self.held_out_share
        if share is not None and not 0.0 < share < 1.0:
            raise ModelError(
                f"held_out={self.held_out!r}: the share of rows to hold out lies between 0 and 1."
            )
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ModelError(f"label_smoothing={self.label_smoothing!r} must lie in [0, 1).")
        if self.calibration not in (None, "temperature", "vector"):
            raise ModelError(
                f'calibration={self.calibration!r} must be None, "temperature" or "vector".'
            )

    @property
    def held_out_share(self) -> float | None:
        """The share of the rows that is held out; None where other rows were given."""
        return float(self.held_out) if isinstance(self.held_out, Real) else None

    def batch_for(self, rows: int) -> int:
        """Rows a step, for that many rows: about forty steps an epoch."""
        if self.batch is not None:
            return min(self.batch, rows)
        power: int = 2 ** round(math.log2(max(rows / _STEPS_AN_EPOCH, 1.0)))
        return min(max(_SMALLEST_BATCH, min(power, _LARGEST_BATCH)), rows)

    def epochs_for(self, rows: int) -> int:
        """How many epochs, for that many rows: a fixed number of steps, within limits."""
        if self.epochs is not None:
            return self.epochs
        wanted = round(_STEPS * self.batch_for(rows) / rows)
        return max(_FEWEST_EPOCHS, min(wanted, _MOST_EPOCHS))

    def transformation(self, steps: int) -> Any:
        """Give the Optax transformation for a training of so many steps."""
        import optax

        if self.optimizer is not None:
            return self.optimizer
        rising = max(steps // 20, 1)
        schedule = optax.schedules.warmup_cosine_decay_schedule(
            0.0 if steps > 1 else self.learning_rate,  # a single step has no other to rise to
            self.learning_rate,
            rising,
            max(steps, rising + 1),
            0.0,
        )
        # b2: the gradients' size changes quickly in so few steps (Holzmüller et al. 2024)
        return optax.adamw(
            schedule,
            b2=0.95,
            weight_decay=self.weight_decay,
            mask=lambda arrays: jax.tree.map(lambda a: a.ndim > 1, arrays),
        )


class State(NamedTuple):
    """Where a training stands: arrays only, so that it can be saved and resumed.

    Attributes:
        weights: what is trained.
        memory: the optimiser's.
    """

    weights: Any
    memory: Any


def start(transformation: Any, weights: Any) -> State:
    """Begin a training."""
    return State(weights, transformation.init(weights))


def window_program(
    loss: Callable[[Any, Mapping[str, Array], Array, Array], Array],
    transformation: Any,
    batch: int,
) -> Callable[[State, Mapping[str, Array], Array, Array, Array], tuple[State, Array]]:
    """Make the function that goes through a window of rows: to be compiled, once for a shape.

    An epoch over rows in memory is one window; one over a stream has several of equal size.

    Args:
        loss: of weights, the rows of a batch, whether each is real, and a random key.
        transformation: an Optax transformation.
        batch: rows a step.

    Returns:
        A function of a state, the rows as columns, their order (a multiple of ``batch`` long, −1
        where there is no row, at its end), a seed and how many steps to make. It gives the
        state after them and the loss at each step. Nothing is looked at on the way: from the first
        loss that is no number the weights are worthless, and who wants those before it calls again
        with as many steps.
    """

    def window(
        state: State, columns: Mapping[str, Array], order: Array, seed: Array, steps: Array
    ) -> tuple[State, Array]:
        key = jax.random.key(seed)

        def step(k: Array, carried: tuple[State, Array]) -> tuple[State, Array]:
            now, values = carried
            index = jax.lax.dynamic_slice(order, (k * batch,), (batch,))
            part = {name: column[jnp.maximum(index, 0)] for name, column in columns.items()}
            own = jax.random.fold_in(key, k)
            value, slope = jax.value_and_grad(loss)(now.weights, part, index >= 0, own)
            updates, memory = transformation.update(slope, now.memory, now.weights)
            moved = jax.tree.map(lambda w, u: w + u.astype(w.dtype), now.weights, updates)
            return State(moved, memory), values.at[k].set(value)

        values = jnp.zeros(order.shape[0] // batch, jnp.float64)
        out: tuple[State, Array] = jax.lax.fori_loop(0, steps, step, (state, values))
        return out

    return window
