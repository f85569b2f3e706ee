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
from kullback.training.problem import WEIGHT, HeldOutRows, TrainingProblem

# Held-out rows are scored this many at a time, so that any number of them shares one program.
_SCORED = 8_192


@final
class Programs:
    """The compiled functions of a training; equal trainings share them.

    Args:
        problem: the training problem.
        solver: the options.

    Attributes:
        batch: rows a step.
        epochs: the number of epochs.
        structures: the part of each member that is not trained.
    """

    def __init__(self, problem: TrainingProblem, solver: Minibatch) -> None:
        """Set up the functions; nothing is compiled yet."""
        self._problem, self._seed = problem, solver.seed
        self.batch = solver.batch_for(problem.batches.rows)
        self.epochs = solver.epochs_for(problem.batches.rows)
        steps = self.epochs * -(-problem.batches.rows // self.batch)
        self._transformation = solver.transformation(steps)
        self._window = window_program(self._loss, self._transformation, self.batch)
        self._key = _program_key(problem, solver, self.batch, steps)
        self.structures: list[Any] = []

    def initial(self) -> list[State]:
        """Return the initial state of every member."""
        from kullback.models.modules.layers import arrays_of

        problem, states = self._problem, []
        outputs, u = problem.starting_values
        for member in range(problem.members):
            rng = np.random.default_rng([self._seed, 3, member])
            modules = {
                name: source.build(problem.encoders[name], outputs[name], rng)
                for name, source in problem.sources.items()
            }
            arrays, rest = arrays_of(modules)
            begin = partial(start, self._transformation)
            states.append(_call((self._key, "start"), begin, (arrays, jax.device_put(u))))
            self.structures.append(rest)
        return states

    def window(
        self, state: State, member: int, epoch: int, number: int, window: Window
    ) -> tuple[State, Vector]:
        """Train on a window of rows; return the new state and the loss at each step."""
        # 32 bits that seed the random numbers of this window alone
        seed = np.random.SeedSequence([self._seed, 4, member, epoch, number]).generate_state(1)
        arguments = (state, dict(window.columns), window.order, seed[0], np.int32(window.steps))
        state, values = _call((self._key, "window"), self._window, *arguments)
        return state, np.asarray(values)[: window.steps]

    def scores(self, weights: Any, held: HeldOutRows) -> tuple[Vector, Vector]:
        """Compute the log-terms of held-out rows, and their logits where outcomes are classes."""
        rows, terms, logits = len(held.weight), [], []
        size = min(_SCORED, rows)
        for at in range(0, rows, size):
            part = {
                name: _padded(column[at : at + size], size) for name, column in held.columns.items()
            }
            term, logit = _call((self._key, "scores"), self._scores, weights, part)
            terms.append(np.asarray(term)[: rows - at])
            logits.append(np.asarray(logit)[: rows - at])
        return np.concatenate(terms), np.concatenate(logits)

    def _loss(self, weights: Any, row: Mapping[str, Array], real: Array, key: Array) -> Array:
        parameters = self._parameters(weights, row, key)
        terms = log_term(self._problem.kind, self._problem.supplied, parameters, row)
        w = jnp.where(real, row[WEIGHT], 0.0)
        # a row of weight zero may be impossible under the model
        return -jnp.sum(jnp.where(w > 0.0, w * jnp.where(w > 0.0, terms, 0.0), 0.0)) / self.batch

    def _scores(self, weights: Any, row: Mapping[str, Array]) -> tuple[Array, Array]:
        parameters = self._parameters(weights, row, None)
        problem = self._problem
        terms = log_term_anywhere(problem.targets.observed_kind, problem.supplied, parameters, row)
        if problem.targets.class_shares is None:
            return terms, terms  # outcomes that are numbers lack logits
        first = next(iter(parameters.values()))
        return terms, jnp.log(first) if "probabilities" in parameters else first

    def _parameters(self, weights: Any, row: Mapping[str, Array], key: Any) -> Any:
        from kullback.models.modules.layers import together

        return self._problem.parameters(
            together(weights[0], self.structures[0]), weights[1], row, key
        )


def _program_key(problem: TrainingProblem, solver: Minibatch, batch: int, steps: int) -> Any:
    """All that the compiled code depends on besides shapes: the key under which it is shared."""
    fixed = tuple(c.value.tobytes() for c in problem.vector.coefficients if c.value is not None)
    updates = (
        (solver.learning_rate, solver.weight_decay, steps)
        if solver.optimizer is None
        else solver.optimizer
    )
    kinds = (problem.targets.observed_kind, problem.kind)
    scaling = tuple(
        (n, unit, shift.tobytes()) for n, (unit, shift) in problem.output_scaling.items()
    )
    tables = tuple(encoder.tables for encoder in problem.encoders.values())
    sources = tuple(problem.sources.items())
    return (problem.supplied.structure, sources, tables, fixed, kinds, scaling, batch, updates)


def _call(key: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arguments))
    return COMPILED.call((key, shapes), lambda: function, *arguments)


def _padded(column: Any, size: int) -> Any:
    """A column padded with copies of its first row."""
    if len(column) == size:
        return column
    return np.concatenate([column, np.repeat(column[:1], size - len(column), axis=0)])
