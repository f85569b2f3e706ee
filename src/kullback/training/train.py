"""Train a model's networks on a sample by minibatches."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from kullback._core.arrays import float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import ModelError
from kullback._core.extras import need
from kullback.calibration.scaling import Scaling
from kullback.models.model import Model
from kullback.models.network import Trained, networks_of
from kullback.results.trained import TrainedFit
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import StreamedBatches
from kullback.training.frequency_retry import retry_with_frequencies
from kullback.training.loop import EpochCallback, run
from kullback.training.problem import TrainingProblem
from kullback.training.programs import Programs
from kullback.training.rows import open_rows
from kullback.training.state import TrainingState

# The reason mentions the order of a stream's rows if windows explain more than this share of the
# label's entropy: the minibatches of one window then have other classes than those of the next.
_SORTED = 0.2


def train(
    model: Model,
    data: Any,
    y: Any,
    *,
    weights: Any = None,
    missing: str = "error",
    solver: Minibatch | None = None,
    progress: EpochCallback | None = None,
    streamed: bool | None = None,
) -> TrainedFit:
    """Train the networks of a model by minimising the cross-entropy over minibatches.

    Args:
        model: with a network for at least one parameter.
        data: covariates and outcome, as ``kl.fit`` takes them.
        y: the outcome.
        weights: of the rows.
        missing: "error", or "drop" for rows without outcome or weight.
        solver: the options of the training.
        progress: called after every epoch, with it, the number of epochs and H(Y).
        streamed: whether files are read in every epoch; None: if they are large.
    """
    need("network", "networks")
    solver = solver or Minibatch()
    begin, compiled = time.perf_counter(), COMPILED.seconds
    networks = networks_of(model)
    others = [n for n, s in model.sources.items() if n not in networks and s.columns]
    if others:
        raise ModelError(
            f"{others[0]} of {model.name} reads columns and is not a network to be trained: the "
            f"other parameters must be free or numbers. Write {others[0]}=kl.MLP(), or leave it "
            "out."
        )
    rows = open_rows(model, networks, data, y, weights, missing, solver, streamed)
    sample = rows.sample
    model = model.bind(sample.schema)
    with float64():
        problem = TrainingProblem.of(model, networks, rows, solver)
        problem, state, programs = retry_with_frequencies(
            problem, rows, solver, progress, run(problem, solver, progress)
        )
        fitted = _trained_model(problem, state, programs, sample.schema.categories)
    reason = state.reason
    if sample.levels is not None:
        put_back = state.scaling is not None
        reason += problem.targets.about_class_weights(sample.levels, put_back=put_back)
    if isinstance(problem.batches, StreamedBatches):
        share = rows.explained_by_window(problem.batches.size)
        if share > _SORTED:
            reason += (
                f"; a row's position in the files explains {100.0 * share:.0f} % of {sample.label},"
                f" and rows are shuffled within {problem.batches.size:,} only: shuffle the files "
                "first"
            )
    elif problem.duplicate_share:
        reason += (
            f"; {100.0 * problem.duplicate_share:.0f} % of the rows are copies of others and are "
            "held out with them"
        )
    compiling = COMPILED.seconds - compiled
    return TrainedFit(
        form=problem.model,
        model=fitted,
        label=sample.label,
        source=sample.describe_source(),
        rows=rows.count,
        held_out_rows=problem.held_out_count,
        baseline=problem.baseline,
        cross_entropy=state.cross_entropy,
        error=state.error,
        history=tuple(state.history),
        best=state.best_epoch,
        converged=state.converged,
        reason=reason,
        weights=problem.members * sum(leaf.size for leaf in jax.tree.leaves(state.best_weights[0])),
        compile_seconds=compiling,
        seconds=time.perf_counter() - begin - compiling,
        levels=sample.schema.categories,
    )


def _trained_model(
    problem: TrainingProblem,
    state: TrainingState,
    programs: Programs,
    categories: Mapping[str, tuple[Any, ...]],
) -> Model:
    """The model with its trained weights."""
    from kullback.models.modules.layers import together

    sources, added = dict(problem.model.sources), problem.targets.log_odds_added
    for name, form in problem.sources.items():
        modules = tuple(
            together(weights[0], structure)[name]
            for weights, structure in zip(state.best_weights, programs.structures, strict=True)
        )
        encoder = problem.encoders[name]
        levels = {n: categories[n] for n in encoder.names if n in categories}
        unit, shift = problem.output_scaling[name]
        scaling = state.scaling or Scaling(np.full(1, unit), shift)
        if state.scaling is not None and added is not None:
            scaling = replace(scaling, shift=scaling.shift - scaling.scale * added)
        sources[name] = Trained(
            form,
            modules,
            encoder,
            problem.model.parameters[name],
            np.atleast_1d(scaling.scale),
            scaling.shift,
            scaling.background,
            levels,
        )
    fixed = problem.model.with_sources(sources)
    if not problem.vector.n_free:
        return fixed
    u = np.mean([np.asarray(weights[1]) for weights in state.best_weights], axis=0)
    return fixed.fixed_at(problem.vector.split(problem.vector.constrained(u)))
