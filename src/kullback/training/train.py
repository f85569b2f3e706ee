"""Training: sample + model with networks + minibatches → trained fit."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from kullback._core.arrays import float64
from kullback._core.compilation import COMPILED
from kullback._core.extras import need
from kullback.calibration.scaling import Scaling
from kullback.models.model import Model
from kullback.models.network import NetworkSource, Trained
from kullback.results.trained import TrainedFit
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import Streamed
from kullback.training.frequency_retry import second_try
from kullback.training.loop import Watch, run
from kullback.training.problem import TrainingProblem
from kullback.training.programs import Programs
from kullback.training.rows import open_rows
from kullback.training.state import Run

# Above this share of the label's entropy, the order of a stream's rows is worth a word: minibatches
# of one window then have other classes than those of the next.
_SORTED = 0.2


def networks_of(model: Model) -> dict[str, NetworkSource]:
    """The parameters of a model that are networks to be trained."""
    return {n: s for n, s in model.sources.items() if isinstance(s, NetworkSource)}


def train(
    model: Model,
    data: Any,
    y: Any,
    *,
    weights: Any = None,
    missing: str = "error",
    how: Minibatch | None = None,
    watch: Watch | None = None,
    streamed: bool | None = None,
) -> TrainedFit:
    """Train the networks of a model by minimising the cross-entropy over minibatches.

    Args:
        model: with a network for at least one parameter.
        data: covariates and outcome, as ``kl.fit`` takes them.
        y: the outcome.
        weights: of the rows.
        missing: "error", or "drop" for rows without outcome or weight.
        how: how it is trained.
        watch: called after every epoch with it, the number of epochs, and H(Y) of the label.
        streamed: whether files are read anew in every epoch; None where they are large.
    """
    need("network", "networks")
    how = how or Minibatch()
    begin, compiled = time.perf_counter(), COMPILED.seconds
    networks = networks_of(model)
    rows = open_rows(model, networks, data, y, weights, missing, how, streamed)
    sample = rows.sample
    if sample.levels is not None:
        model = model.with_levels(sample.levels)
    with float64():
        problem = TrainingProblem.of(model, networks, rows, how)
        problem, done, programs = second_try(problem, rows, how, watch, run(problem, how, watch))
        fitted = _pinned(problem, done, programs, sample.categories)
    reason = done.reason
    if isinstance(problem.batches, Streamed):
        told = rows.told_by_place(problem.batches.size)
        if told > _SORTED:
            reason += (
                f"; where a row stands in the files tells {100.0 * told:.0f} % of {sample.label}, "
                f"and rows are shuffled within {problem.batches.size:,} only: shuffle the files "
                "first"
            )
    elif problem.copies:
        reason += (
            f"; {100.0 * problem.copies:.0f} % of the rows are copies of others, held out with them"
        )
    compiling = COMPILED.seconds - compiled
    return TrainedFit(
        form=problem.model,
        model=fitted,
        label=sample.label,
        source=sample.describe_source(),
        rows=rows.count,
        held_out_rows=problem.held_rows,
        baseline=problem.baseline,
        cross_entropy=done.cross_entropy,
        error=done.error,
        history=tuple(done.epochs),
        best=done.best,
        converged=done.converged,
        reason=reason,
        weights=problem.members * sum(leaf.size for leaf in jax.tree.leaves(done.weights[0])),
        compile_seconds=compiling,
        seconds=time.perf_counter() - begin - compiling,
        levels=sample.categories,
    )


def _pinned(
    problem: TrainingProblem,
    run: Run,
    programs: Programs,
    categories: Mapping[str, tuple[Any, ...]],
) -> Model:
    """Give the model with its weights in it."""
    from kullback.models.modules.layers import together

    sources = dict(problem.model.sources)
    for name, form in problem.sources.items():
        modules = tuple(
            together(weights[0], rest)[name]
            for weights, rest in zip(run.weights, programs.rests, strict=True)
        )
        encoder = problem.encoders[name]
        own = {n: categories[n] for n in encoder.names if n in categories}
        unit, shift = problem.moves[name]
        scaling = run.scaling or Scaling(np.full(1, unit), shift)
        sources[name] = Trained(
            form,
            modules,
            encoder,
            problem.model.parameters[name],
            np.atleast_1d(scaling.scale),
            scaling.shift,
            scaling.background,
            own,
        )
    fixed = problem.model.with_sources(sources)
    if not problem.vector.n_free:
        return fixed
    u = np.mean([np.asarray(weights[1]) for weights in run.weights], axis=0)
    return fixed.fixed_at(problem.vector.split(problem.vector.constrained(u)))
