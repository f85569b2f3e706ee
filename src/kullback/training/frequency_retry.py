"""A second training where the first explained next to nothing: numbers expanded in frequencies.

A perceptron sees what rises and falls a few times along a column. Of a checkerboard of squares half
a standard deviation wide it sees nothing (0.693 of 0.693 nats, 20,000 rows); with eight frequencies
a column 0.094 are left. Elsewhere they cost (benchmarks/NETWORKS.md), so they are tried only where
there is next to nothing to lose, and kept only where the held-out rows are surely better off.
"""

from __future__ import annotations

import math
import os
from dataclasses import replace

import numpy as np

from kullback.models.network import MLP
from kullback.results.trained import TRIED
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import Memory
from kullback.training.loop import Watch, run
from kullback.training.problem import TrainingProblem
from kullback.training.programs import Programs
from kullback.training.rows import Rows
from kullback.training.state import Run

_FREQUENCIES = 8
# Next to nothing is this share of the label's entropy: whole numbers that stand for twenty
# categories each were explained to 1.4 % without frequencies and to 5 % with them.
_LITTLE = 0.03
# Of 400 rows of a checkerboard with squares of 0.8 standard deviations a third of the loss is left.
_FEWEST_ROWS = 200
# Frequencies make 17 inputs of each; on twenty columns they already cost more than they told.
_MOST_INPUTS = 32
# How many standard errors of the difference the second network has to be better by.
_SURELY = 2.0


def second_try(
    problem: TrainingProblem,
    rows: Rows,
    how: Minibatch,
    watch: Watch | None,
    first: tuple[Run, Programs],
) -> tuple[TrainingProblem, Run, Programs]:
    """Train once more with frequencies where that may help, and keep the better network.

    Args:
        problem: what was trained.
        rows: the rows that it was made of.
        how: the options.
        watch: called after every epoch.
        first: what came of it.

    Returns:
        The problem, the run and its programs that are to be kept; the reason tells of both.
    """
    done = first[0]
    finer = {
        name: replace(source, frequencies=_FREQUENCIES)
        for name, source in problem.sources.items()
        if isinstance(source, MLP) and source.frequencies is None and _reads_numbers(problem, name)
    }
    fits = isinstance(problem.batches, Memory) and problem.batches.rows >= _FEWEST_ROWS
    left = (
        done.cross_entropy > (1.0 - _LITTLE) * problem.baseline
    )  # also of numbers, whose baseline is NaN
    if not (finer and fits and left and done.converged):
        return (problem, *first)
    if how.checkpoint is not None:
        how = replace(how, checkpoint=f"{os.fspath(how.checkpoint)}.frequencies")
    model = problem.model.with_sources({**problem.model.sources, **finer})
    other = TrainingProblem.of(model, {**problem.sources, **finer}, rows, how)
    try:
        again, programs = run(other, how, watch)
    except KeyboardInterrupt:
        done.reason += f"; a second training, with {TRIED}, was interrupted"
        return (problem, *first)
    if _surely_better(problem, done, again):
        again.reason += (
            f"; a first network explained next to nothing ({done.cross_entropy:.4f} nats held out) "
            f"and this one has {TRIED}"
        )
        return other, again, programs
    done.reason += (
        f"; {TRIED} did no better" if again.converged else f"; with {TRIED}: {again.reason}"
    )
    return (problem, *first)


def _reads_numbers(problem: TrainingProblem, name: str) -> bool:
    encoder = problem.encoders[name]
    return 0 in encoder.sizes and encoder.width <= _MOST_INPUTS


def _surely_better(problem: TrainingProblem, first: Run, second: Run) -> bool:
    """Whether the same held-out rows cost less by more than the error of the difference."""
    if not second.best or not math.isfinite(second.cross_entropy):
        return False
    _, weight = problem.held_targets
    gained = first.terms - second.terms
    mean = float(weight @ gained) / float(weight.sum())
    error = float(np.linalg.norm(weight * (gained - mean))) / float(weight.sum())
    return mean > _SURELY * error
