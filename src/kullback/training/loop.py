"""The training loop: epochs, early stopping on the calibrated loss, and the best weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from kullback._core.arrays import Vector
from kullback.calibration.inputs import log_softmax
from kullback.calibration.scaling import Scaling, fit_temperature, fit_vector
from kullback.calibration.shrinkage import shrink_temperature
from kullback.models.encoding import Encoder
from kullback.results.trained import Epoch
from kullback.solvers.minibatch import Minibatch
from kullback.training.checkpoint import Checkpoint
from kullback.training.problem import TrainingProblem
from kullback.training.programs import Programs
from kullback.training.state import TrainingState

EpochCallback: TypeAlias = Callable[[Epoch, int, float], None]


def run(
    problem: TrainingProblem, solver: Minibatch, progress: EpochCallback | None
) -> tuple[TrainingState, Programs]:
    """Train every member epoch by epoch; the state returned has the weights of the best epoch."""
    programs = Programs(problem, solver)
    members = programs.initial()
    state = TrainingState(members, [member.weights for member in members])
    checkpoint = (
        None if solver.checkpoint is None else Checkpoint(solver.checkpoint, problem, solver)
    )
    if checkpoint is not None:
        checkpoint.resume(state)
    calibrates = problem.model.outcome == "label" and solver.calibration is not None
    try:
        while not state.reason:
            number = len(state.history) + 1
            if number > programs.epochs:
                state.reason = (
                    f"all {programs.epochs} epochs done; the weights of the best are kept"
                )
            elif len(state.history) - state.best_epoch >= solver.patience:
                state.reason = f"no better for {solver.patience} epochs; the best weights are kept"
            else:
                _epoch(problem, solver, programs, state, calibrates)
                # reported first: an interrupt that sees the checkpoint finds the epoch reported
                try:
                    if progress is not None and len(state.history) == number:
                        progress(state.history[-1], programs.epochs, problem.baseline)
                finally:
                    if checkpoint is not None and not state.reason:
                        checkpoint.write(state)
    except KeyboardInterrupt:
        if state.best_epoch == 0:
            raise
        state.converged = False
        state.reason = f"interrupted after epoch {len(state.history)}; the best weights are kept"
    if state.best_epoch:
        _score_held_out(problem, solver, programs, state)
    return state, programs


def _score_held_out(
    problem: TrainingProblem, solver: Minibatch, programs: Programs, state: TrainingState
) -> None:
    """Compute the held-out loss of the weights and the calibration that are kept."""
    terms, logits = _held_out(problem, programs, state.best_weights)
    targets, weight = problem.held_out_targets
    if state.scaling is not None:
        if solver.calibration == "vector":
            state.scaling = _with_background(problem, fit_vector(logits, targets, weight))
        elif problem.targets.class_shares is not None:
            shares = problem.targets.class_shares
            state.scaling = shrink_temperature(state.scaling, logits, targets, weight, shares)
        terms = _log_terms(state.scaling.apply(logits), targets)
    state.cross_entropy, state.losses = _mean_loss(terms, weight), -terms
    spread = weight @ (terms + state.cross_entropy) ** 2 / weight.sum()
    # Kish's number of rows: unequal weights carry less information than as many equal ones
    state.error = math.sqrt(spread * (weight @ weight)) / float(weight.sum())


def _epoch(
    problem: TrainingProblem,
    solver: Minibatch,
    programs: Programs,
    state: TrainingState,
    calibrates: bool,
) -> None:
    """Train on all rows once, score the held-out rows, and keep the weights if they are best."""
    number = len(state.history) + 1
    members, losses = list(state.members), []
    for member in range(problem.members):
        total, rows, steps = 0.0, 0, 0
        windows = problem.batches.windows(member, number, programs.batch)
        for index, window in enumerate(windows):
            members[member], values = programs.window(
                members[member], member, number, index, window
            )
            diverged = np.flatnonzero(~np.isfinite(values))
            if len(diverged):
                before = (number - 1) * -(-problem.batches.rows // programs.batch) + steps
                step = before + int(diverged[0]) + 1
                state.converged, state.reason = False, _why_diverged(problem, solver, step)
                return
            total += float(values.sum()) * programs.batch
            rows, steps = rows + window.rows, steps + window.steps
        losses.append(total / rows)
    weights = [member.weights for member in members]
    terms, logits = _held_out(problem, programs, weights)
    targets, weight = problem.held_out_targets
    held_out = refined = _mean_loss(terms, weight)
    scaling = None
    if calibrates and np.all(np.isfinite(logits)):
        scaling = _with_background(problem, fit_temperature(logits, targets, weight))
        refined = _mean_loss(_log_terms(scaling.apply(logits), targets), weight)
    elif problem.targets.log_odds_added is not None and np.all(np.isfinite(logits)):
        refined = _mean_loss(_log_terms(log_softmax(logits), targets), weight)
    better = refined < state.lowest_loss or state.best_epoch == 0
    # all at once, so that an interrupt leaves the state of one epoch or of the next
    state.history.append(Epoch(number, sum(losses) / len(losses), held_out, refined))
    state.members = members
    if better:
        state.best_weights, state.scaling, state.best_epoch = weights, scaling, number


def _with_background(problem: TrainingProblem, scaling: Scaling) -> Scaling:
    """The scaling with a background of class shares, for rows unlike the held-out ones."""
    shares = problem.targets.class_shares
    return (
        scaling if shares is None else scaling.with_background(shares, problem.held_out_targets[1])
    )


def _held_out(
    problem: TrainingProblem, programs: Programs, weights: list[Any]
) -> tuple[Vector, Vector]:
    """Log-terms and logits of held-out rows, each by the member that was not trained on it.

    The logits, and not the terms, are put back to the shares of the rows without class weights.
    """
    scores = [programs.scores(w, rows) for w, rows in zip(weights, problem.held_out, strict=True)]
    terms, logits = (np.concatenate([s[part] for s in scores]) for part in (0, 1))
    added = problem.targets.log_odds_added
    return terms, logits if added is None else logits - added


def _mean_loss(terms: Vector, weight: Vector) -> float:
    return float(-(weight @ terms) / weight.sum()) if np.all(np.isfinite(terms)) else math.inf


def _log_terms(log_q: Vector, targets: Vector) -> Vector:
    """Each row's Σ p log q."""
    if targets.ndim == 1:
        return np.take_along_axis(log_q, targets.astype(np.intp)[:, None], axis=1)[:, 0]
    out: Vector = np.sum(np.where(targets > 0.0, targets * log_q, 0.0), axis=1)
    return out


def _why_diverged(problem: TrainingProblem, solver: Minibatch, step: int) -> str:
    """Report the step at which the loss became NaN or infinite, and the likely cause."""
    cause = f"the learning rate of {solver.learning_rate:g} is the likely cause: try a tenth of it"
    for name, encoder in problem.encoders.items():
        largest = problem.largest_inputs[name]
        # scaled inputs stay below 3; one a hundred times the usual size was not scaled
        if largest.size and largest.max() > 100.0 and not encoder.limited:
            column = _column_of(encoder, int(np.argmax(largest)))
            cause = (
                f'the column "{column}" reaches {largest.max():.3g} unscaled, which is the likely '
                "cause: use scaled=True, or scale it"
            )
    return (
        f"the loss became NaN or infinite at step {step}; the weights of the best epoch are kept; "
        f"{cause}"
    )


def _column_of(encoder: Encoder, position: int) -> str:
    end = 0
    for name, width in zip(encoder.names, encoder.widths, strict=True):
        end += width
        if position < end:
            return name
    return encoder.names[-1]
