"""The training itself: epoch after epoch, early stopping after calibration, the best kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback._core.errors import ModelError
from kullback.calibration.scaling import Scaling, fit_temperature, fit_vector
from kullback.data.rows import Soft
from kullback.models.encoding import Encoder
from kullback.objective.contribution import log_term, log_term_anywhere
from kullback.results.trained import Epoch
from kullback.solvers.minibatch import Minibatch, State, epoch_program, start
from kullback.training.task import INPUTS, WEIGHT, Task

Watch: TypeAlias = Callable[[Epoch, int, float], None]


@final
@dataclass(eq=False)
class Run:
    """Where a training stands."""

    weights: list[Any]
    rest: list[Any]
    scaling: Scaling | None
    history: list[Epoch]
    best: int
    converged: bool
    reason: str


def run(task: Task, how: Minibatch, watch: Watch | None) -> Run:
    """Train every member epoch by epoch, and keep the weights of the best epoch."""
    from kullback.models.modules.layers import arrays_of, together

    rows_of = [np.flatnonzero((task.fold != m) & (task.weight > 0.0)) for m in range(task.members)]
    fewest = min(len(rows) for rows in rows_of)
    # equal lengths, so that one program serves all members; the rows left out of an epoch's order
    # are drawn anew below
    batch = how.batch_for(fewest)
    epochs = how.epochs_for(fewest)
    transformation = how.transformation(epochs * -(-fewest // batch))
    outputs, u = task.starts
    states: list[State] = []
    rests: list[Any] = []
    for member in range(task.members):
        key = _key(how, member)
        modules = {
            name: source.build(task.encoders[name].width, outputs[name], jax.random.fold_in(key, k))
            for k, (name, source) in enumerate(task.sources.items())
        }
        arrays, rest = arrays_of(modules)
        states.append(start(transformation, (arrays, jnp.asarray(u))))
        rests.append(rest)
    rest = rests[0]

    def loss(weights: Any, row: Mapping[str, Array], real: Array, key: Array) -> Array:
        modules = together(weights[0], rest)
        parameters = task.parameters(modules, weights[1], row, key)
        terms = log_term(task.kind, task.supplied, parameters, row)
        w = jnp.where(real, row[WEIGHT], 0.0)
        # a row of weight zero may be one that the model finds impossible
        return -jnp.sum(jnp.where(w > 0.0, w * jnp.where(w > 0.0, terms, 0.0), 0.0)) / batch

    def scores(weights: Any, row: Mapping[str, Array]) -> tuple[Array, Array]:
        """The log-terms of rows, and the outputs of a network for classes."""
        modules = together(weights[0], rest)
        parameters = task.parameters(modules, weights[1], row, None)
        terms = log_term_anywhere(task.kind, task.supplied, parameters, row)
        first = next(iter(parameters.values()))
        return terms, jnp.log(first) if "probabilities" in parameters else first

    columns = {name: jnp.asarray(value) for name, value in task.columns.items()}
    own = _program_key(task, how, batch, epochs * -(-fewest // batch))
    epoch = epoch_program(loss, transformation, batch)
    program = partial(_call, (own, "epoch"), epoch)
    score = partial(_call, (own, "score"), scores)
    held = [np.flatnonzero((task.fold == m) & (task.weight > 0.0)) for m in range(task.members)]
    held_columns = [
        {
            name: column[jnp.asarray(_padded(rows, max(map(len, held))))]
            for name, column in columns.items()
        }
        for rows in held
    ]
    calibrates = task.model.outcome == "label" and how.calibration is not None

    run = Run([s.weights for s in states], rests, None, [], 0, True, "")
    lowest, worse = math.inf, 0
    rng = np.random.default_rng([how.seed, 2])
    try:
        for number in range(1, epochs + 1):
            total = 0.0
            for member in range(task.members):
                order = jnp.asarray(rng.permutation(rows_of[member])[:fewest])
                key = _key(how, member)
                states[member], value = program(
                    states[member], columns, order, jax.random.fold_in(key, 1_000 + number)
                )
                total += float(value) / task.members
            lost = [m for m, state in enumerate(states) if not bool(state.finite)]
            if lost:
                run.converged = False
                run.reason = _why_diverged(task, how, int(states[lost[0]].steps))
                break
            terms, logits, codes, weight = _held_out(task, how, states, score, held, held_columns)
            held_out = _mean_loss(terms, weight)
            scaling = None
            refined = held_out
            if calibrates and np.all(np.isfinite(logits)):
                scaling = fit_temperature(logits, codes, weight)
                refined = min(refined, _cross_entropy(scaling.apply(logits), codes, weight))
            found = Epoch(number, total, held_out, refined)
            run.history.append(found)
            if watch is not None:
                watch(found, epochs, task.guess)
            if refined < lowest or run.best == 0:
                lowest, worse, run.best = refined, 0, number
                run.weights, run.scaling = [s.weights for s in states], scaling
            else:
                worse += 1
            if worse >= how.patience:
                run.reason = f"no better for {how.patience} epochs; the best weights are kept"
                break
        else:
            run.reason = f"all {epochs} epochs done; the weights of the best are kept"
    except KeyboardInterrupt:
        if run.best == 0:
            raise
        run.converged = False
        run.reason = f"interrupted after epoch {len(run.history)}; the best weights are kept"
    if calibrates and how.calibration == "vector" and run.best:
        states = [
            State(w, s.memory, s.finite, s.steps) for w, s in zip(run.weights, states, strict=True)
        ]
        _, logits, codes, weight = _held_out(task, how, states, score, held, held_columns)
        run.scaling = fit_vector(logits, codes, weight)
    if run.best == 0 and not run.reason:
        raise ModelError("no epoch was finished.")
    return run


def _program_key(task: Task, how: Minibatch, batch: int, steps: int) -> Any:
    """All that the compiled epoch depends on beside shapes: equal trainings share it."""
    fixed = tuple(c.value.tobytes() for c in task.layout.coefficients if c.value is not None)
    moves = (how.learning_rate, how.weight_decay, steps) if how.optimizer is None else how.optimizer
    return (task.supplied.structure, tuple(task.sources.items()), fixed, task.kind, batch, moves)


def _key(how: Minibatch, member: int) -> Array:
    """Give a member's random key; of the generator that costs a training least."""
    return jax.random.key(np.uint32((how.seed * 1_000 + member) % 2**32), impl="unsafe_rbg")


def _call(key: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arguments))
    return COMPILED.call((key, shapes), lambda: function, *arguments)


def _padded(rows: Any, length: int) -> Any:
    out = np.full(length, rows[0] if len(rows) else 0)
    out[: len(rows)] = rows
    return out


def _held_out(
    task: Task, how: Minibatch, states: list[State], score: Any, held: list[Any], columns: list[Any]
) -> tuple[Vector, Vector, Vector, Vector]:
    """Log-terms, logits, targets and weights of held-out rows, each by the member without it."""
    terms, logits = [], []
    for state, rows, own in zip(states, held, columns, strict=True):
        term, logit = score(state.weights, own)
        terms.append(np.asarray(term)[: len(rows)])
        logits.append(np.asarray(logit)[: len(rows)])
    rows = np.concatenate(held)
    if isinstance(task.kind, Soft):
        targets = np.stack([task.columns[name][rows] for name in task.kind.fields], axis=1)
        targets = targets / targets.sum(axis=1, keepdims=True)
    else:
        targets = task.columns["y"][rows]
    # with class weights the epoch is chosen, and calibrated, by what was asked to be minimised
    weight = task.weight if how.class_weight is None else task.columns[WEIGHT]
    return np.concatenate(terms), np.concatenate(logits), targets, weight[rows]


def _mean_loss(terms: Vector, weight: Vector) -> float:
    return float(-(weight @ terms) / weight.sum()) if np.all(np.isfinite(terms)) else math.inf


def _cross_entropy(log_q: Vector, targets: Vector, weight: Vector) -> float:
    if targets.ndim == 1:
        terms = np.take_along_axis(log_q, targets.astype(np.intp)[:, None], axis=1)[:, 0]
    else:
        terms = np.sum(np.where(targets > 0.0, targets * log_q, 0.0), axis=1)
    return float(-(weight @ terms) / weight.sum())


def _why_diverged(task: Task, how: Minibatch, step: int) -> str:
    """Say where the loss stopped being a number, and the likely cause."""
    cause = f"the learning rate of {how.learning_rate:g} is the likely cause: try a tenth of it"
    for name, encoder in task.encoders.items():
        largest = np.max(np.abs(task.columns[INPUTS + name]), axis=0)
        # scaled inputs stay below 3; a hundred times the usual size is one that was not scaled
        if largest.size and largest.max() > 100.0 and not encoder.limited:
            column = _column_of(encoder, int(np.argmax(largest)))
            cause = (
                f'the column "{column}" reaches {largest.max():.3g} unscaled, which is the likely '
                "cause: use scaled=True, or scale it"
            )
    return f"the loss was no number at step {step + 1}, and the last good weights are kept; {cause}"


def _column_of(encoder: Encoder, position: int) -> str:
    at = 0
    for name, size, gap in zip(encoder.names, encoder.sizes, encoder.gaps, strict=True):
        at += (size or 1) + gap
        if position < at:
            return name
    return encoder.names[-1]
