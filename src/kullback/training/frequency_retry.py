"""A second training with random frequencies where the first explained next to nothing.

A perceptron learns functions that rise and fall a few times along a column. Of a checkerboard with
squares half a standard deviation wide it learns nothing (0.693 of 0.693 nats left, 20,000 rows);
with eight frequencies a column 0.094 are left. Elsewhere frequencies raise the loss
(benchmarks/NETWORKS.md), so they are tried only where next to nothing was explained, and kept only
where the held-out loss falls significantly.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np

from kullback.models.network import MLP
from kullback.results.trained import TRIED
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import InMemoryBatches
from kullback.training.loop import EpochCallback, run
from kullback.training.problem import TrainingProblem
from kullback.training.programs import Programs
from kullback.training.rows import TrainingRows
from kullback.training.state import TrainingState

_FREQUENCIES = 8
# "Next to nothing" is this share of the label's entropy: with whole numbers that encode twenty
# categories each, 1.4 % was explained without frequencies and 5 % with them.
_LITTLE = 0.03
# Of 400 rows of a checkerboard with squares of 0.8 standard deviations a third of the loss is left.
_FEWEST_ROWS = 200
# Frequencies make 17 inputs of each; on twenty columns they already cost more than they explained.
_MOST_INPUTS = 32
# The second network has to be better by this many standard errors of the difference.
_STANDARD_ERRORS = 2.0


def retry_with_frequencies(
    problem: TrainingProblem,
    rows: TrainingRows,
    solver: Minibatch,
    progress: EpochCallback | None,
    first: tuple[TrainingState, Programs],
) -> tuple[TrainingProblem, TrainingState, Programs]:
    """Train once more with frequencies where that may help, and keep the better network.

    Args:
        problem: the problem of the first training.
        rows: its rows.
        solver: the options.
        progress: called after every epoch.
        first: the state and the programs of the first training.

    Returns:
        The problem, the state and the programs to keep; the state's reason reports both trainings.
    """
    state = first[0]
    expanded = {
        name: replace(source, frequencies=_FREQUENCIES)
        for name, source in problem.sources.items()
        if isinstance(source, MLP) and source.frequencies is None and _reads_numbers(problem, name)
    }
    fits = isinstance(problem.batches, InMemoryBatches) and problem.batches.rows >= _FEWEST_ROWS
    # False where outcomes are numbers: their baseline is NaN
    # with class weights and without calibration, the loss at the shares of the rows is the lower
    loss = min(state.cross_entropy, state.lowest_loss)
    unexplained = loss > (1.0 - _LITTLE) * problem.baseline
    if not (expanded and fits and unexplained and state.converged):
        return (problem, *first)
    if solver.checkpoint is not None:
        solver = replace(solver, checkpoint=f"{os.fspath(solver.checkpoint)}.frequencies")
    model = problem.model.with_sources({**problem.model.sources, **expanded})
    other = TrainingProblem.of(model, {**problem.sources, **expanded}, rows, solver)
    try:
        second, programs = run(other, solver, progress)
    except KeyboardInterrupt:
        state.reason += f"; a second training, with {TRIED}, was interrupted"
        return (problem, *first)
    if _significantly_better(problem, state, second):
        second.reason += (
            f"; a first network explained next to nothing ({state.cross_entropy:.4f} nats held out)"
            f", this one has {TRIED}"
        )
        return other, second, programs
    state.reason += (
        f"; {TRIED} did no better" if second.converged else f"; with {TRIED}: {second.reason}"
    )
    return (problem, *first)


def _reads_numbers(problem: TrainingProblem, name: str) -> bool:
    encoder = problem.encoders[name]
    return 0 in encoder.sizes and encoder.width <= _MOST_INPUTS


def _significantly_better(
    problem: TrainingProblem, first: TrainingState, second: TrainingState
) -> bool:
    """Whether the held-out loss is lower by more than twice the difference's standard error."""
    if not second.best_epoch or not math.isfinite(second.cross_entropy):
        return False
    _, weight = problem.held_out_targets
    gained = first.losses - second.losses
    mean = float(weight @ gained) / float(weight.sum())
    error = float(np.linalg.norm(weight * (gained - mean))) / float(weight.sum())
    return mean > _STANDARD_ERRORS * error
