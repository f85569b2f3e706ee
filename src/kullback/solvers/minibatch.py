"""Minibatch training: its options, and one epoch as one compiled program."""

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
from kullback._core.validation import check_number, whole_number

# The rules below were chosen by held-out cross-entropy on the sets of benchmarks/NETWORKS.md: about
# forty steps an epoch, a thousand in all, and no fewer than 25 epochs, so that many rows take more.
_STEPS_AN_EPOCH = 40
_STEPS = 1_000
_FEWEST_EPOCHS, _MOST_EPOCHS = 25, 40
_SMALLEST_BATCH, _LARGEST_BATCH = 32, 256
# No training takes so many epochs, nor a batch so many rows; 32 bits hold their number.
_MOST = 2**31 - 1


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
    """Options of training a network: minibatches, an Optax optimiser, early stopping, calibration.

    Args:
        epochs: number of epochs; None chooses by the number of rows.
        batch: rows in a batch; None chooses by the number of rows.
        learning_rate: the largest; it rises over the first steps and falls along a cosine.
        weight_decay: AdamW's, of matrices only.
        optimizer: an Optax ``GradientTransformation`` in place of AdamW and its schedule.
        held_out: rows for early stopping and calibration: a share of the rows, or other rows in the
            form that ``kl.fit`` takes: a table or files with the same columns; for arrays a pair
            ``(X, y)`` or a triple ``(X, y, weights)``.
        patience: number of epochs without improvement after which training stops.
        calibration: None, "temperature" or "vector" scaling of the logits, fitted to the held-out
            rows.
        label_smoothing: share of every label that training spreads over all classes.
        class_weight: None, "balanced", or weights by class label, in training only: losses are
            of the rows as they are, and a calibration puts the probabilities back to their shares.
            With ``calibration=None`` the probabilities remain those of weighted rows. A class of
            weight 0 is not trained: nothing can put its probability back.
        seed: of all random numbers; the same seed gives the same bits.
        checkpoint: a file that stores the state of training after every epoch. If it exists, the
            same training resumes from it, to the same bits as without the break; the checkpoint of
            another training is refused.

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
        for name, none in (("epochs", True), ("batch", True), ("patience", False)):
            value = getattr(self, name)
            if not (none and value is None):
                object.__setattr__(self, name, whole_number(name, value, 1, _MOST))
        object.__setattr__(self, "seed", whole_number("seed", self.seed, 0, 2**63 - 1))
        check_number("learning_rate", self.learning_rate, zero=False)
        check_number("weight_decay", self.weight_decay, zero=True)
        share = self.held_out_share
        if share is not None and not 0.0 < share < 1.0:
            raise ModelError(
                f"held_out, a share of rows to hold out, must lie in (0, 1), got {self.held_out!r}."
            )
        if not 0.0 <= self.label_smoothing < 1.0:
            raise ModelError(f"label_smoothing must lie in [0, 1), got {self.label_smoothing!r}.")
        if self.calibration not in (None, "temperature", "vector"):
            raise ModelError(
                f'calibration must be None, "temperature" or "vector", got {self.calibration!r}.'
            )

    @property
    def held_out_share(self) -> float | None:
        """The share of the rows that is held out; None where ``held_out`` holds other rows."""
        return float(self.held_out) if isinstance(self.held_out, Real) else None

    def batch_for(self, rows: int) -> int:
        """Return the batch size for a number of rows: about forty steps an epoch."""
        if self.batch is not None:
            return min(self.batch, rows)
        power: int = 2 ** round(math.log2(max(rows / _STEPS_AN_EPOCH, 1.0)))
        return min(max(_SMALLEST_BATCH, min(power, _LARGEST_BATCH)), rows)

    def epochs_for(self, rows: int) -> int:
        """Return the number of epochs for a number of rows: so many steps, within limits."""
        if self.epochs is not None:
            return self.epochs
        epochs = round(_STEPS * self.batch_for(rows) / rows)
        return max(_FEWEST_EPOCHS, min(epochs, _MOST_EPOCHS))

    def transformation(self, steps: int) -> Any:
        """Return the Optax transformation for a number of steps."""
        import optax

        if self.optimizer is not None:
            return self.optimizer
        rising = max(steps // 20, 1)
        schedule = optax.schedules.warmup_cosine_decay_schedule(
            0.0 if steps > 1 else self.learning_rate,  # a single step cannot rise
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
    """The state of a training: arrays only, so that it can be saved and resumed.

    Attributes:
        weights: the network's weights.
        memory: the optimiser's state.
    """

    weights: Any
    memory: Any


def start(transformation: Any, weights: Any) -> State:
    """Return the initial state of a training."""
    return State(weights, transformation.init(weights))


def window_program(
    loss: Callable[[Any, Mapping[str, Array], Array, Array], Array],
    transformation: Any,
    batch: int,
) -> Callable[[State, Mapping[str, Array], Array, Array, Array], tuple[State, Array]]:
    """Return the function that trains on a window of rows: to be compiled once for each shape.

    An epoch over rows in memory is one window; one over a stream has several of equal size.

    Args:
        loss: a function of the weights, the rows of a batch, a flag for each row (false where it is
            padding), and a random key.
        transformation: an Optax transformation.
        batch: rows in a batch.

    Returns:
        A function of a state, the rows as columns, their order (its length a multiple of ``batch``,
        padded with −1), a seed and the number of steps. It returns the state after these steps and
        the loss at each of them. Losses are not checked on the way: after the first NaN the weights
        are useless, and those before it are computed by another call with fewer steps.
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
