"""Training: sample + model with networks + minibatches → trained fit."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from kullback._core.arrays import float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError
from kullback.data.covariates import open_with_covariates
from kullback.data.rows import Exact
from kullback.data.sample import ArraySample
from kullback.models.model import Model
from kullback.models.network import NetworkSource, Trained, outputs_of
from kullback.results.trained import TrainedFit
from kullback.solvers.minibatch import Minibatch
from kullback.training.loop import Run, Watch, run
from kullback.training.task import Task


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
    """
    how = how or Minibatch()
    begin, compiled = time.perf_counter(), COMPILED.seconds
    networks = networks_of(model)
    sample = _open(model, networks, data, y, weights, missing)
    if sample.levels is not None:
        model = model.with_levels(sample.levels)
    _refuse_impossible(model, sample)
    with float64():
        task = Task.of(model, networks, sample, how)
        done = run(task, how, watch)
        fitted = _pinned(task, done)
    compiling = COMPILED.seconds - compiled
    return TrainedFit(
        form=model,
        model=fitted,
        label=sample.label,
        source=sample.describe_source(),
        rows=sample.count,
        held_out_rows=int(np.sum(task.fold < task.members)),
        guess=task.guess,
        cross_entropy=done.history[done.best - 1].refined if done.best else math.nan,
        history=tuple(done.history),
        best=done.best,
        converged=done.converged,
        reason=done.reason,
        weights=task.members * sum(leaf.size for leaf in jax.tree.leaves(done.weights[0])),
        compile_seconds=compiling,
        seconds=time.perf_counter() - begin - compiling,
        levels=sample.categories,
    )


def _open(
    model: Model,
    networks: Mapping[str, NetworkSource],
    data: Any,
    y: Any,
    weights: Any,
    missing: str,
) -> ArraySample:
    wanted = [source.inputs for source in networks.values()]
    names = None
    if all(inputs is not None for inputs in wanted):
        names = tuple(dict.fromkeys(name for inputs in wanted for name in inputs or ()))
    categorical = tuple(
        dict.fromkeys(c for source in networks.values() for c in source.categorical)
    )
    sample = open_with_covariates(
        data,
        y,
        weights=weights,
        names=names,
        categorical=categorical,
        missing=missing,
        outcome=model.outcome,
        classes=getattr(model, "levels", None),
    )
    weight = sample.weight
    seen = sample.count if weight is None else int(np.sum(weight > 0.0))
    if seen < 2:
        raise DataError(
            f"{sample.label} has {seen} row of positive weight: one must be trained on and another "
            "held out"
        )
    if sample.levels is not None and len(sample.levels) < 2:
        raise DataError(
            f"{sample.label} has one class only, {sample.levels[0]!r}: its entropy is 0, and there "
            "is nothing to tell apart"
        )
    return sample


def _refuse_impossible(model: Model, sample: ArraySample) -> None:
    if not isinstance(sample.kind, Exact):
        return
    inside = model.support.contains(sample.fields["y"])
    if not np.all(inside):
        row = int(np.flatnonzero(~inside)[0])
        raise DataError(
            f"{model.name} needs {model.support.phrase('y')}; {int(np.sum(~inside)):,} rows of "
            f"{sample.label} are not, the first is {sample.locate(row)} "
            f"({float(sample.fields['y'][row])!r})."
        )


def _pinned(task: Task, run: Run) -> Model:
    """Give the model with its weights in it."""
    from kullback.models.modules.layers import together

    sources = dict(task.model.sources)
    for name, form in task.sources.items():
        modules = tuple(
            together(weights[0], rest)[name]
            for weights, rest in zip(run.weights, run.rest, strict=True)
        )
        size = outputs_of(task.model.parameters[name])
        scale, shift = np.ones(1), np.zeros(size)
        if run.scaling is not None:
            scale, shift = np.atleast_1d(run.scaling.scale), run.scaling.shift
        sources[name] = Trained(
            form, modules, task.encoders[name], task.model.parameters[name], scale, shift
        )
    pinned = task.model.with_sources(sources)
    if not task.layout.freedom:
        return pinned
    u = np.mean([np.asarray(weights[1]) for weights in run.weights], axis=0)
    return pinned.pinned(task.layout.split(task.layout.natural(u)))
