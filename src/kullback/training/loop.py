"""The training itself: epoch after epoch, early stopping after calibration, the best kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from kullback._core.arrays import Vector
from kullback.calibration.caution import with_caution
from kullback.calibration.scaling import Scaling, fit_temperature, fit_vector
from kullback.models.encoding import Encoder
from kullback.results.trained import Epoch
from kullback.solvers.minibatch import Minibatch
from kullback.training.checkpoint import Checkpoint
from kullback.training.problem import TrainingProblem
from kullback.training.programs import Programs
from kullback.training.state import Run

Watch: TypeAlias = Callable[[Epoch, int, float], None]


def run(problem: TrainingProblem, how: Minibatch, watch: Watch | None) -> tuple[Run, Programs]:
    """Train every member epoch by epoch, and keep the weights of the best epoch."""
    programs = Programs(problem, how)
    states = programs.initial()
    found = Run(states, [state.weights for state in states])
    checkpoint = None if how.checkpoint is None else Checkpoint(how.checkpoint, problem, how)
    if checkpoint is not None:
        checkpoint.resume(found)
    calibrates = problem.model.outcome == "label" and how.calibration is not None
    try:
        while not found.reason:
            number = len(found.epochs) + 1
            if number > programs.epochs:
                found.reason = (
                    f"all {programs.epochs} epochs done; the weights of the best are kept"
                )
            elif len(found.epochs) - found.best >= how.patience:
                found.reason = f"no better for {how.patience} epochs; the best weights are kept"
            else:
                _epoch(problem, how, programs, found, calibrates)
                if checkpoint is not None and not found.reason:
                    checkpoint.write(found)
                if watch is not None and len(found.epochs) == number:
                    watch(found.epochs[-1], programs.epochs, problem.baseline)
    except KeyboardInterrupt:
        if found.best == 0:
            raise
        found.converged = False
        found.reason = f"interrupted after epoch {len(found.epochs)}; the best weights are kept"
    if found.best:
        _close(problem, how, programs, found)
    return found, programs


def _close(problem: TrainingProblem, how: Minibatch, programs: Programs, found: Run) -> None:
    """Look once more at the held-out rows, with what is kept."""
    terms, logits = _held_out(problem, programs, found.weights)
    targets, weight = problem.held_targets
    if found.scaling is not None:
        if how.calibration == "vector":
            found.scaling = _allowing(problem, fit_vector(logits, targets, weight))
        elif problem.targets.shares is not None:
            shares = problem.targets.shares
            found.scaling = with_caution(found.scaling, logits, targets, weight, shares)
        terms = _log_terms(found.scaling.apply(logits), targets)
    found.cross_entropy, found.terms = _mean_loss(terms, weight), -terms
    spread = weight @ (terms + found.cross_entropy) ** 2 / weight.sum()
    # Kish's number of rows: weights that differ tell less than as many equal ones
    found.error = math.sqrt(spread * (weight @ weight)) / float(weight.sum())


def _epoch(
    problem: TrainingProblem, how: Minibatch, programs: Programs, found: Run, calibrates: bool
) -> None:
    """Go through all rows once, look at the held-out ones, and remember what is best."""
    number = len(found.epochs) + 1
    states, losses = list(found.states), []
    for member in range(problem.members):
        total, rows, steps = 0.0, 0, 0
        windows = problem.batches.windows(member, number, programs.batch)
        for place, window in enumerate(windows):
            states[member], values = programs.window(states[member], member, number, place, window)
            lost = np.flatnonzero(~np.isfinite(values))
            if len(lost):
                made = (
                    (number - 1) * -(-problem.batches.rows // programs.batch) + steps + int(lost[0])
                )
                found.converged, found.reason = False, _why_diverged(problem, how, made + 1)
                return
            total += float(values.sum()) * programs.batch
            rows, steps = rows + window.rows, steps + window.steps
        losses.append(total / rows)
    weights = [state.weights for state in states]
    terms, logits = _held_out(problem, programs, weights)
    targets, weight = problem.held_targets
    held_out = refined = _mean_loss(terms, weight)
    scaling = None
    if calibrates and np.all(np.isfinite(logits)):
        scaling = _allowing(problem, fit_temperature(logits, targets, weight))
        refined = _mean_loss(_log_terms(scaling.apply(logits), targets), weight)
    better = refined < found.lowest or found.best == 0
    # all at once, so that an interrupt finds one epoch or the other
    found.epochs.append(Epoch(number, sum(losses) / len(losses), held_out, refined))
    found.states = states
    if better:
        found.weights, found.scaling, found.best = weights, scaling, number


def _allowing(problem: TrainingProblem, scaling: Scaling) -> Scaling:
    """The same, allowing for rows unlike those that were held out."""
    shares = problem.targets.shares
    return scaling if shares is None else scaling.with_background(shares, problem.held_targets[1])


def _held_out(
    problem: TrainingProblem, programs: Programs, weights: list[Any]
) -> tuple[Vector, Vector]:
    """Log-terms and logits of held-out rows, each by the member that has not seen it."""
    found = [programs.scores(w, held) for w, held in zip(weights, problem.held, strict=True)]
    return np.concatenate([f[0] for f in found]), np.concatenate([f[1] for f in found])


def _mean_loss(terms: Vector, weight: Vector) -> float:
    return float(-(weight @ terms) / weight.sum()) if np.all(np.isfinite(terms)) else math.inf


def _log_terms(log_q: Vector, targets: Vector) -> Vector:
    """Each row's Σ p log q."""
    if targets.ndim == 1:
        return np.take_along_axis(log_q, targets.astype(np.intp)[:, None], axis=1)[:, 0]
    out: Vector = np.sum(np.where(targets > 0.0, targets * log_q, 0.0), axis=1)
    return out


def _why_diverged(problem: TrainingProblem, how: Minibatch, step: int) -> str:
    """Say where the loss stopped being a number, and the likely cause."""
    cause = f"the learning rate of {how.learning_rate:g} is the likely cause: try a tenth of it"
    for name, encoder in problem.encoders.items():
        largest = problem.largest[name]
        # scaled inputs stay below 3; a hundred times the usual size is one that was not scaled
        if largest.size and largest.max() > 100.0 and not encoder.limited:
            column = _column_of(encoder, int(np.argmax(largest)))
            cause = (
                f'the column "{column}" reaches {largest.max():.3g} unscaled, which is the likely '
                "cause: use scaled=True, or scale it"
            )
    return f"the loss was no number at step {step}, and the last good weights are kept; {cause}"


def _column_of(encoder: Encoder, position: int) -> str:
    at = 0
    for name, width in zip(encoder.names, encoder.widths, strict=True):
        at += width
        if position < at:
            return name
    return encoder.names[-1]
