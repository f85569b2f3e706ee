"""The compiled functions of a training: steps over a window of rows, and the scores of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.compilation import COMPILED
from kullback.objective.log_terms import log_term, log_term_anywhere
from kullback.solvers.minibatch import Minibatch, State, start, window_program
from kullback.training.batches import Window
from kullback.training.problem import WEIGHT, Held, TrainingProblem

# Held-out rows are scored so many at a time, so that any number of them shares one program.
_SCORED = 8_192


@final
class Programs:
    """What a training calls; equal trainings share the compiled code.

    Args:
        problem: what is trained.
        how: the options.

    Attributes:
        batch: rows a step.
        epochs: how many.
        rests: of each member what is not trained: its structure.
    """

    def __init__(self, problem: TrainingProblem, how: Minibatch) -> None:
        """Set the functions up; nothing is compiled yet."""
        self._task, self._seed = problem, how.seed
        self.batch = how.batch_for(problem.batches.rows)
        self.epochs = how.epochs_for(problem.batches.rows)
        steps = self.epochs * -(-problem.batches.rows // self.batch)
        self._transformation = how.transformation(steps)
        self._window = window_program(self._loss, self._transformation, self.batch)
        self._key = _program_key(problem, how, self.batch, steps)
        self.rests: list[Any] = []

    def initial(self) -> list[State]:
        """Give every member fresh weights."""
        from kullback.models.modules.layers import arrays_of

        problem, states = self._task, []
        outputs, u = problem.starts
        for member in range(problem.members):
            rng = np.random.default_rng([self._seed, 3, member])
            modules = {
                name: source.build(problem.encoders[name], outputs[name], rng)
                for name, source in problem.sources.items()
            }
            arrays, rest = arrays_of(modules)
            begin = partial(start, self._transformation)
            states.append(_call((self._key, "start"), begin, (arrays, jax.device_put(u))))
            self.rests.append(rest)
        return states

    def window(
        self, state: State, member: int, epoch: int, number: int, window: Window
    ) -> tuple[State, Vector]:
        """Go through a window of rows; give the state after it and the loss at each step."""
        # 32 bits that no other window of this training has for its random numbers
        words = np.random.SeedSequence([self._seed, 4, member, epoch, number]).generate_state(1)
        given = (state, dict(window.columns), window.order, words[0], np.int32(window.steps))
        state, values = _call((self._key, "window"), self._window, *given)
        return state, np.asarray(values)[: window.steps]

    def scores(self, weights: Any, held: Held) -> tuple[Vector, Vector]:
        """Give the log-terms of held-out rows, and their logits where outcomes are classes."""
        rows, terms, logits = len(held.weight), [], []
        size = min(_SCORED, rows)
        for at in range(0, rows, size):
            part = {
                name: _filled(column[at : at + size], size) for name, column in held.columns.items()
            }
            term, logit = _call((self._key, "scores"), self._scores, weights, part)
            terms.append(np.asarray(term)[: rows - at])
            logits.append(np.asarray(logit)[: rows - at])
        return np.concatenate(terms), np.concatenate(logits)

    def _loss(self, weights: Any, row: Mapping[str, Array], real: Array, key: Array) -> Array:
        parameters = self._parameters(weights, row, key)
        terms = log_term(self._task.kind, self._task.supplied, parameters, row)
        w = jnp.where(real, row[WEIGHT], 0.0)
        # a row of weight zero may be one that the model finds impossible
        return -jnp.sum(jnp.where(w > 0.0, w * jnp.where(w > 0.0, terms, 0.0), 0.0)) / self.batch

    def _scores(self, weights: Any, row: Mapping[str, Array]) -> tuple[Array, Array]:
        parameters = self._parameters(weights, row, None)
        problem = self._task
        terms = log_term_anywhere(problem.targets.seen, problem.supplied, parameters, row)
        if problem.targets.shares is None:
            return terms, terms  # numbers have no logits
        first = next(iter(parameters.values()))
        return terms, jnp.log(first) if "probabilities" in parameters else first

    def _parameters(self, weights: Any, row: Mapping[str, Array], key: Any) -> Any:
        from kullback.models.modules.layers import together

        return self._task.parameters(together(weights[0], self.rests[0]), weights[1], row, key)


def _program_key(problem: TrainingProblem, how: Minibatch, batch: int, steps: int) -> Any:
    """All that the compiled code depends on beside shapes: equal trainings share it."""
    fixed = tuple(c.value.tobytes() for c in problem.vector.coefficients if c.value is not None)
    moves = (how.learning_rate, how.weight_decay, steps) if how.optimizer is None else how.optimizer
    kinds = (problem.targets.seen, problem.kind)
    moved = tuple((n, unit, shift.tobytes()) for n, (unit, shift) in problem.moves.items())
    tables = tuple(encoder.tables for encoder in problem.encoders.values())
    sources = tuple(problem.sources.items())
    return (problem.supplied.structure, sources, tables, fixed, kinds, moved, batch, moves)


def _call(key: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arguments))
    return COMPILED.call((key, shapes), lambda: function, *arguments)


def _filled(column: Any, size: int) -> Any:
    """A column filled up with copies of its first row."""
    if len(column) == size:
        return column
    return np.concatenate([column, np.repeat(column[:1], size - len(column), axis=0)])
