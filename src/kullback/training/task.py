"""What is trained on what: inputs, targets, folds and starting outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.errors import ModelError
from kullback.data.rows import RowKind, Soft
from kullback.data.sample import ArraySample
from kullback.models.encoding import Encoder, learn_encoder
from kullback.models.layout import Layout
from kullback.models.model import Model
from kullback.models.network import Computed, NetworkSource, link, outputs_of
from kullback.solvers.minibatch import Minibatch

# Up to so many rows five networks share out the rows, each trained without a fifth: below it the
# spread between networks costs more cross-entropy than the time of five.
_FEW = 6_000


_MEMBERS = 5


# Keys of the columns of a batch that are no outcome.
INPUTS, WEIGHT = "inputs of ", "weight"


@final
@dataclass(frozen=True, eq=False)
class Task:
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
    ) -> Task:
        """Prepare a sample for training: encoders, targets, folds and starts."""
        weight = np.ones(sample.count) if sample.weight is None else sample.weight
        covariates = {n: v for n, v in sample.fields.items() if n not in sample.kind.fields}
        encoders: dict[str, Encoder] = {}
        columns: dict[str, Any] = {}
        for name, source in sources.items():
            read = (
                covariates if source.inputs is None else {n: covariates[n] for n in source.inputs}
            )
            encoder = learn_encoder(
                {n: v[weight > 0.0] for n, v in read.items()},
                sample.categories,
                scaled=getattr(source, "scaled", True),
            )
            encoders[name] = encoder
            columns[INPUTS + name] = encoder.encode([read[n] for n in encoder.names])
        kind, outcomes, row_weight = _targets(sample, weight, how)
        columns |= outcomes
        columns[WEIGHT] = row_weight / row_weight[weight > 0.0].mean()
        members = max(
            (s.members or (_MEMBERS if sample.count <= _FEW else 1)) for s in sources.values()
        )
        members = min(members, max(int(np.sum(weight > 0.0)) // 2, 1))
        supplied = model.with_sources(
            {**model.sources, **{name: Computed(name) for name in sources}}
        )
        layout = supplied.layout
        shares = class_shares(sample, weight)
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
            raw = modules[name](row[INPUTS + name], key).astype(jnp.float64)
            computed[name] = link(self.model.parameters[name], raw)
        natural: list[Array] = []
        at = 0
        for c in self.layout.coefficients:
            if c.value is None:
                values = c.support.natural(u[at : at + c.support.freedom])
                natural.extend(values[k] for k in range(c.support.size))
                at += c.support.freedom
            else:
                natural.extend(jnp.asarray(v) for v in c.value)
        return self.supplied.row_parameters(natural, {**row, **computed})


def _targets(
    sample: ArraySample, weight: Vector, how: Minibatch
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


def class_shares(sample: ArraySample, weight: Vector) -> Vector | None:
    """Give the weighted shares of the classes; None where outcomes are numbers."""
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
    if isinstance(sample.kind, Soft):  # by the most probable class
        shares = np.stack([sample.fields[name] for name in sample.kind.fields], axis=1)
        first = np.argmax(shares, axis=1)
    shuffled = rng.permutation(np.flatnonzero(weight > 0.0))
    parts = min(parts, len(shuffled))
    ordered = shuffled[np.argsort(first[shuffled], kind="stable")]
    fold = np.full(sample.count, members, dtype=np.float64)
    fold[ordered] = np.arange(len(ordered)) % parts
    return np.minimum(fold, members)
