"""Training: sample + model with networks + minibatches → trained fit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, float64
from kullback._core.compilation import COMPILED
from kullback._core.errors import DataError, ModelError
from kullback.calibration.scaling import Scaling, fit_temperature, fit_vector
from kullback.data.covariates import open_with_covariates
from kullback.data.rows import Exact, RowKind, Soft
from kullback.data.sample import ArraySample
from kullback.models.encoding import Encoder, learn_encoder
from kullback.models.layout import Layout
from kullback.models.model import Model
from kullback.models.network import Computed, NetworkSource, Trained, link, outputs_of
from kullback.objective.contribution import log_term, log_term_anywhere
from kullback.results.trained import Epoch, TrainedFit
from kullback.solvers.minibatch import Minibatch, State, epoch_program, start

Watch: TypeAlias = Callable[[Epoch, int, float], None]

# Up to so many rows five networks share out the rows, each trained without a fifth: below it the
# spread between networks costs more cross-entropy than the time of five.
_FEW = 8_000
_MEMBERS = 5

# Keys of the columns of a batch that are no outcome.
_INPUTS, _WEIGHT = "inputs of ", "weight"


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
        task = _Task.of(model, networks, sample, how)
        run = _run(task, how, watch)
        fitted = _pinned(task, run)
    compiling = COMPILED.seconds - compiled
    return TrainedFit(
        form=model,
        model=fitted,
        label=sample.label,
        source=sample.describe_source(),
        rows=sample.count,
        held_out_rows=int(np.sum(task.fold < task.members)),
        guess=task.guess,
        cross_entropy=run.history[run.best - 1].refined if run.best else math.nan,
        history=tuple(run.history),
        best=run.best,
        converged=run.converged,
        reason=run.reason,
        weights=task.members * sum(leaf.size for leaf in jax.tree.leaves(run.weights[0])),
        compile_seconds=compiling,
        seconds=time.perf_counter() - begin - compiling,
        levels=sample.categories,
    )


# ---- the task ----------------------------------------------------------------------------------


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
    categorical = tuple(dict.fromkeys(c for source in networks.values() for c in source.categorical))
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


@final
@dataclass(frozen=True, eq=False)
class _Task:
    """What is trained on what.

    Attributes:
        model: the model.
        supplied: the same model, its networks replaced by columns of a batch.
        layout: its coefficients that are no networks.
        sources: the networks.
        encoders: by parameter.
        kind: of the rows.
        columns: inputs, outcomes and training weights, for all rows.
        weight: the rows' own weights.
        fold: the member that a row is held out from; ``members`` where it is held out from none.
        members: how many networks share out the rows.
        starts: outputs that the networks start from, by parameter; and the other coefficients.
        guess: H(Y) of the held-out labels, or NaN.
        names: names of the inputs, by parameter, for messages.
    """

    model: Model
    supplied: Model
    layout: Layout
    sources: Mapping[str, NetworkSource]
    encoders: Mapping[str, Encoder]
    kind: RowKind
    columns: dict[str, Any]
    weight: Vector
    fold: Vector
    members: int
    starts: tuple[dict[str, Vector], Vector]
    guess: float

    @classmethod
    def of(
        cls, model: Model, sources: Mapping[str, NetworkSource], sample: ArraySample, how: Minibatch
    ) -> _Task:
        weight = np.ones(sample.count) if sample.weight is None else sample.weight
        covariates = {n: v for n, v in sample.fields.items() if n not in sample.kind.fields}
        encoders, columns = {}, {}
        for name, source in sources.items():
            read = covariates if source.inputs is None else {n: covariates[n] for n in source.inputs}
            encoder = learn_encoder(
                {n: v[weight > 0.0] for n, v in read.items()},
                sample.categories,
                scaled=getattr(source, "scaled", True),
            )
            encoders[name] = encoder
            columns[_INPUTS + name] = encoder.encode([read[n] for n in encoder.names])
        kind, outcomes, row_weight = _targets(model, sample, weight, how)
        columns |= outcomes
        columns[_WEIGHT] = row_weight / row_weight[weight > 0.0].mean()
        members = max(
            (s.members or (_MEMBERS if sample.count <= _FEW else 1)) for s in sources.values()
        )
        members = min(members, max(int(np.sum(weight > 0.0)) // 2, 1))
        supplied = model.with_sources(
            {**model.sources, **{name: Computed(name) for name in sources}}
        )
        layout = supplied.layout
        shares = _class_shares(model, sample, weight)
        return cls(
            model=model,
            supplied=supplied,
            layout=layout,
            sources=sources,
            encoders=encoders,
            kind=kind,
            columns=columns,
            weight=weight,
            fold=_folds(sample, weight, members, how),
            members=members,
            starts=_starts(model, layout, sources, sample, weight, shares),
            guess=math.nan if shares is None else _entropy(shares),
        )

    def parameters(self, modules: Any, u: Array, row: Mapping[str, Array], key: Any) -> Any:
        """Compute the model's parameters for rows of a batch."""
        computed = {}
        for name in self.sources:
            raw = modules[name](row[_INPUTS + name], key).astype(jnp.float64)
            computed[name] = link(self.model.parameters[name], raw)
        natural, at = [], 0
        for c in self.layout.coefficients:
            if c.value is None:
                values = c.support.natural(u[at : at + c.support.freedom])
                natural.extend(values[k] for k in range(c.support.size))
                at += c.support.freedom
            else:
                natural.extend(jnp.asarray(v) for v in c.value)
        return self.supplied.row_parameters(natural, {**row, **computed})


def _targets(
    model: Model, sample: ArraySample, weight: Vector, how: Minibatch
) -> tuple[RowKind, dict[str, Vector], Vector]:
    """The outcomes and weights that are trained on: with class weights and smoothing."""
    outcomes = {name: sample.fields[name] for name in sample.kind.fields}
    if how.class_weight is None and how.label_smoothing == 0.0:
        return sample.kind, outcomes, weight
    if sample.levels is None:
        raise ModelError("class_weight and label_smoothing need a model of classes.")
    count = len(sample.levels)
    if isinstance(sample.kind, Soft):
        shares = np.stack(list(outcomes.values()), axis=1)
    else:
        shares = np.eye(count)[outcomes["y"].astype(np.intp)]
    factor = _class_factors(how.class_weight, sample, weight @ shares)
    if how.label_smoothing == 0.0 and not isinstance(sample.kind, Soft):
        return sample.kind, outcomes, weight * (shares @ factor)
    shares = (1.0 - how.label_smoothing) * shares + how.label_smoothing / count
    kind = Soft(count)
    shares = shares * factor
    return kind, {n: np.ascontiguousarray(shares[:, k]) for k, n in enumerate(kind.fields)}, weight


def _class_factors(given: Any, sample: ArraySample, totals: Vector) -> Vector:
    levels = sample.levels or ()
    if given is None:
        return np.ones(len(levels))
    if isinstance(given, str):
        if given != "balanced":
            raise ModelError(f'class_weight={given!r} must be "balanced" or a weight by class.')
        with np.errstate(divide="ignore"):
            return np.where(totals > 0.0, totals.sum() / (len(levels) * totals), 1.0)
    unknown = [label for label in given if label not in levels]
    if unknown:
        raise ModelError(
            f"class_weight names {unknown[0]!r}, which is no class of {sample.label}; the classes "
            f"are {', '.join(map(repr, levels[:20]))}"
        )
    factors = np.array([float(given.get(label, 1.0)) for label in levels])
    if not np.all(np.isfinite(factors)) or np.any(factors < 0.0) or not np.any(factors > 0.0):
        raise ModelError("class_weight needs weights of at least 0 that are not all 0.")
    return factors


def _class_shares(model: Model, sample: ArraySample, weight: Vector) -> Vector | None:
    if sample.levels is None:
        return None
    if isinstance(sample.kind, Soft):
        totals = np.array([weight @ sample.fields[name] for name in sample.kind.fields])
    else:
        codes = sample.fields["y"].astype(np.intp)
        totals = np.bincount(codes, weights=weight, minlength=len(sample.levels))
    out: Vector = totals / totals.sum()
    return out


def _entropy(shares: Vector) -> float:
    seen = shares[shares > 0.0]
    return float(-np.sum(seen * np.log(seen)))


def _starts(
    model: Model,
    layout: Layout,
    sources: Mapping[str, NetworkSource],
    sample: ArraySample,
    weight: Vector,
    shares: Vector | None,
) -> tuple[dict[str, Vector], Vector]:
    """Start from the best constant: the classes' shares, or the family's own guess."""
    outputs: dict[str, Vector] = {}
    if shares is not None:
        # half a row more of each class: one that only another split has seen is still possible
        near = np.log(shares * sample.count + 0.5)
        return {name: near - near.mean() for name in sources}, np.zeros(layout.freedom)
    seen = weight > 0.0
    guesses = model.starts(sample.fields["y"][seen], weight[seen])[0]
    for name in sources:
        support = model.parameters[name]
        guess = np.atleast_1d(np.asarray(guesses.get(name, np.nan), dtype=np.float64))
        inside = guess.size == support.size and bool(np.all(support.contains(guess)))
        size = outputs_of(support)
        outputs[name] = support.unconstrained(guess) if inside else np.zeros(size)
    u = []
    for c in layout.free:
        guess = np.atleast_1d(np.asarray(guesses.get(c.name, np.nan), dtype=np.float64))
        given = c.start if c.start is not None else guess
        inside = given.size == c.support.size and bool(np.all(c.support.contains(given)))
        u.append(c.support.unconstrained(given) if inside else np.zeros(c.support.freedom))
    return outputs, np.concatenate(u) if u else np.zeros(0)


def _folds(sample: ArraySample, weight: Vector, members: int, how: Minibatch) -> Vector:
    """Share the rows out, each class (or the range of a number) evenly."""
    parts = members if members > 1 else max(round(1.0 / how.held_out), 2)
    rng = np.random.default_rng([how.seed, 1])
    first = sample.fields[sample.kind.fields[0]]
    shuffled = rng.permutation(np.flatnonzero(weight > 0.0))
    parts = min(parts, len(shuffled))
    ordered = shuffled[np.argsort(first[shuffled], kind="stable")]
    fold = np.full(sample.count, members, dtype=np.float64)
    fold[ordered] = np.arange(len(ordered)) % parts
    return np.minimum(fold, members)


# ---- the training ------------------------------------------------------------------------------


@final
@dataclass(eq=False)
class _Run:
    """Where a training stands."""

    weights: list[Any]
    rest: list[Any]
    scaling: Scaling | None
    history: list[Epoch]
    best: int
    converged: bool
    reason: str


def _run(task: _Task, how: Minibatch, watch: Watch | None) -> _Run:
    """Train every member epoch by epoch, and keep the weights of the best epoch."""
    from kullback.models.layers import arrays_of, together

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
        key = jax.random.key(np.uint32((how.seed * 1_000 + member) % 2**32))
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
        w = jnp.where(real, row[_WEIGHT], 0.0)
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
    own = object()  # the program holds this training's loss: no other may find it
    epoch = epoch_program(loss, transformation, batch)
    program = partial(_call, (own, "epoch"), epoch)
    score = partial(_call, (own, "score"), scores)
    held = [np.flatnonzero((task.fold == m) & (task.weight > 0.0)) for m in range(task.members)]
    held_columns = [
        {name: column[jnp.asarray(_padded(rows, max(map(len, held))))] for name, column in columns.items()}
        for rows in held
    ]
    calibrates = task.model.outcome == "label" and how.calibration is not None

    run = _Run([s.weights for s in states], rests, None, [], 0, True, "")
    lowest, worse = math.inf, 0
    rng = np.random.default_rng([how.seed, 2])
    try:
        for number in range(1, epochs + 1):
            total = 0.0
            for member in range(task.members):
                order = jnp.asarray(rng.permutation(rows_of[member])[:fewest])
                key = jax.random.key(np.uint32((how.seed * 1_000 + member) % 2**32))
                states[member], value = program(
                    states[member], columns, order, jax.random.fold_in(key, 1_000 + number)
                )
                total += float(value) / task.members
            lost = [m for m, state in enumerate(states) if not bool(state.finite)]
            if lost:
                run.converged = False
                run.reason = _why_diverged(task, how, int(states[lost[0]].steps))
                break
            terms, logits, codes, weight = _held_out(task, states, score, held, held_columns)
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
        states = [State(w, s.memory, s.finite, s.steps) for w, s in zip(run.weights, states, strict=True)]
        _, logits, codes, weight = _held_out(task, states, score, held, held_columns)
        run.scaling = fit_vector(logits, codes, weight)
    if run.best == 0 and not run.reason:
        raise ModelError("no epoch was finished.")
    return run


def _call(key: Any, function: Callable[..., Any], *arguments: Any) -> Any:
    shapes = tuple((leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(arguments))
    return COMPILED.call((key, shapes), lambda: function, *arguments)


def _padded(rows: Any, length: int) -> Any:
    out = np.full(length, rows[0] if len(rows) else 0)
    out[: len(rows)] = rows
    return out


def _held_out(
    task: _Task, states: list[State], score: Any, held: list[Any], columns: list[Any]
) -> tuple[Vector, Vector, Vector, Vector]:
    """Log-terms, logits, targets and weights of the held-out rows, each by the member without it."""
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
    return np.concatenate(terms), np.concatenate(logits), targets, task.weight[rows]


def _mean_loss(terms: Vector, weight: Vector) -> float:
    return float(-(weight @ terms) / weight.sum()) if np.all(np.isfinite(terms)) else math.inf


def _cross_entropy(log_q: Vector, targets: Vector, weight: Vector) -> float:
    if targets.ndim == 1:
        terms = np.take_along_axis(log_q, targets.astype(np.intp)[:, None], axis=1)[:, 0]
    else:
        terms = np.sum(np.where(targets > 0.0, targets * log_q, 0.0), axis=1)
    return float(-(weight @ terms) / weight.sum())


def _why_diverged(task: _Task, how: Minibatch, step: int) -> str:
    """Say where the loss stopped being a number, and the likely cause."""
    cause = f"the learning rate of {how.learning_rate:g} is the likely cause: try a tenth of it"
    for name, encoder in task.encoders.items():
        largest = np.max(np.abs(task.columns[_INPUTS + name]), axis=0)
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


def _pinned(task: _Task, run: _Run) -> Model:
    """Give the model with its weights in it."""
    from kullback.models.layers import together

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
