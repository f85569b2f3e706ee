"""What is trained on what: encoders, targets, the rows of each member and starting outputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback.data.observation import RowKind, Soft
from kullback.data.sample import ArraySample
from kullback.models.encoding import Encoder, learn_encoder
from kullback.models.model import Model
from kullback.models.network import Computed, NetworkSource, link, outputs_of
from kullback.models.parameter_vector import ParameterVector
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import Batches, Memory, Streamed
from kullback.training.duplicate_rows import originals
from kullback.training.rows import Rows
from kullback.training.targets import Targets, entropy_of

# Up to so many rows five networks share out the rows, each trained without a fifth: below it the
# spread between networks costs more cross-entropy than the time of five.
_FEW = 6_000
_MEMBERS = 5

# Keys of the columns of a batch that are no outcome.
INPUTS, WEIGHT = "inputs of ", "weight"


@final
@dataclass(frozen=True, eq=False)
class Held:
    """Rows held out from a member.

    Attributes:
        columns: inputs, and outcomes as they were seen.
        targets: codes or shares of the classes; numbers where outcomes are numbers.
        weight: of the rows, with the classes'.
    """

    columns: dict[str, Any]
    targets: Vector
    weight: Vector


@final
@dataclass(frozen=True, eq=False)
class TrainingProblem:
    """What is trained on what.

    Attributes:
        model: the model.
        supplied: the same model, its networks replaced by columns of a batch.
        vector: its coefficients that are no networks.
        sources: the networks.
        encoders: by parameter.
        targets: how outcomes become what is trained on.
        members: how many networks share out the rows.
        batches: the rows of each member.
        held: the rows held out from each member.
        starts: outputs that the networks start from, by parameter; and the other coefficients.
        moves: for each parameter, the unit of the network's outputs and what is added to them.
        baseline: H(Y) of the labels, weighted as they are trained on; or NaN.
        largest: of each encoder, the largest absolute value of each input.
        copies: the share of the rows that are copies of others, and are held out with them.
    """

    model: Model
    supplied: Model
    vector: ParameterVector
    sources: Mapping[str, NetworkSource]
    encoders: Mapping[str, Encoder]
    targets: Targets
    members: int
    batches: Batches
    held: tuple[Held, ...]
    starts: tuple[dict[str, Vector], Vector]
    moves: Mapping[str, tuple[float, Vector]]
    baseline: float
    largest: Mapping[str, Any]
    copies: float

    @classmethod
    def of(
        cls, model: Model, sources: Mapping[str, NetworkSource], rows: Rows, how: Minibatch
    ) -> TrainingProblem:
        """Prepare rows for training: encoders, targets, folds and starts."""
        sample = rows.sample
        weight = _weight(sample)
        seen = weight > 0.0
        encoders = {name: _encoder(source, sample, seen) for name, source in sources.items()}
        targets = Targets.of(sample, weight, how)
        mean = float(targets.columns(sample.fields, weight)[1][seen].mean())

        def inputs(fields: Mapping[str, Vector]) -> dict[str, Any]:
            return {
                INPUTS + name: encoder.encode([fields[n] for n in encoder.names])
                for name, encoder in encoders.items()
            }

        def columns(fields: Mapping[str, Vector], weight: Vector) -> dict[str, Any]:
            outcomes, row_weight = targets.columns(fields, weight)
            return {**inputs(fields), **outcomes, WEIGHT: row_weight / mean}

        def held_out(part: ArraySample, chosen: Any) -> Held:
            fields = {name: values[chosen] for name, values in part.fields.items()}
            outcomes = {name: fields[name] for name in part.kind.fields}
            told = targets.held_out(fields, _weight(part)[chosen])
            return Held({**inputs(fields), **outcomes}, *told)

        members, copies = 1, 0.0
        if rows.stream is None:
            wanted = (
                s.members or (_MEMBERS if sample.count <= _FEW else 1) for s in sources.values()
            )
            members = min(max(wanted), max(int(np.sum(seen)) // 2, 1))
        held = rows.held
        if rows.stream is not None:
            width = sum(encoder.width for encoder in encoders.values())
            batches: Batches = Streamed(rows.stream, columns, width, rows.held_share, how.seed)
            first = columns({n: v[:_LOOK] for n, v in sample.fields.items()}, weight[:_LOOK])
        else:
            first = columns(sample.fields, weight)
            fold = np.full(sample.count, -1)
            if held is None:
                fold, together = _folds(sample, weight, members, how)
                copies = 1.0 - np.count_nonzero(together) / np.count_nonzero(seen)
                own = tuple(np.flatnonzero((fold == m) & (together > 0.0)) for m in range(members))
                parts = tuple(held_out(replace(sample, weight=together), part) for part in own)
            chosen = tuple(np.flatnonzero((fold != m) & seen) for m in range(members))
            batches = Memory(first, chosen, how.seed)
        if held is not None:
            parts = (held_out(held, np.flatnonzero(_weight(held) > 0.0)),) * members
        supplied = model.with_sources(
            {**model.sources, **{name: Computed(name) for name in sources}}
        )
        vector = supplied.vector
        outputs, u = _starts(model, vector, sources, sample, weight, targets.shares)
        moves = {name: (1.0, np.zeros(start.size)) for name, start in outputs.items()}
        if targets.shares is None:
            # in the unit of the outcome, and from its middle: networks give numbers near one
            unit = _spread(sample.fields["y"][seen])
            told = _locations(model, sample.fields["y"][seen], weight[seen], unit)
            moves = {n: (unit if n in told else 1.0, start) for n, start in outputs.items()}
            outputs = {name: np.zeros(start.size) for name, start in outputs.items()}
        return cls(
            model=model,
            supplied=supplied,
            vector=vector,
            sources=sources,
            encoders=encoders,
            targets=targets,
            members=members,
            batches=batches,
            held=parts,
            starts=(outputs, u),
            moves=moves,
            baseline=math.nan if targets.shares is None else entropy_of(targets.shares),
            largest={name: np.max(np.abs(first[INPUTS + name]), axis=0) for name in sources},
            copies=copies,
        )

    @property
    def held_rows(self) -> int:
        """How many different rows are held out."""
        different = {id(held): len(held.weight) for held in self.held}
        return sum(different.values())

    @property
    def held_targets(self) -> tuple[Vector, Vector]:
        """The targets of all held-out rows, member by member, and their weights."""
        targets = np.concatenate([held.targets for held in self.held])
        return targets, np.concatenate([held.weight for held in self.held])

    @property
    def kind(self) -> RowKind:
        """Of the rows, as they are trained on."""
        return self.targets.trained

    def parameters(self, modules: Any, u: Array, row: Mapping[str, Array], key: Any) -> Any:
        """Compute the model's parameters for rows of a batch."""
        computed = {}
        for name in self.sources:
            unit, shift = self.moves[name]
            raw = shift + unit * modules[name](row[INPUTS + name], key).astype(jnp.float64)
            computed[name] = link(self.model.parameters[name], raw)
        constrained: list[Array] = []
        at = 0
        for c in self.vector.coefficients:
            if c.value is None:
                values = c.domain.constrained(u[at : at + c.domain.n_free])
                constrained.extend(values[k] for k in range(c.domain.size))
                at += c.domain.n_free
            else:
                constrained.extend(jnp.asarray(v) for v in c.value)
        return self.supplied.row_parameters(constrained, {**row, **computed})


# Rows of a stream that tell how large its inputs are, should a training diverge.
_LOOK = 4_096


def _weight(sample: ArraySample) -> Vector:
    return np.ones(sample.count) if sample.weight is None else sample.weight


def _encoder(source: NetworkSource, sample: ArraySample, seen: Any) -> Encoder:
    covariates = {n: v for n, v in sample.fields.items() if n not in sample.kind.fields}
    read = covariates if source.inputs is None else {n: covariates[n] for n in source.inputs}
    return learn_encoder(
        {n: v[seen] for n, v in read.items()},
        sample.categories,
        scaled=source.scaled,
        embeds=source.embeds,
    )


def _starts(
    model: Model,
    vector: ParameterVector,
    sources: Mapping[str, NetworkSource],
    sample: ArraySample,
    weight: Vector,
    shares: Vector | None,
) -> tuple[dict[str, Vector], Vector]:
    """Start from the best constant: the classes' shares, or the family's own guess."""
    outputs: dict[str, Vector] = {}
    if shares is not None:
        # half a row more of each class: one that only another split has seen is still possible
        near = np.log(shares * np.sum(weight > 0.0) + 0.5)
        return {name: near - near.mean() for name in sources}, np.zeros(vector.n_free)
    seen = weight > 0.0
    guesses = model.starts(sample.fields["y"][seen], weight[seen])[0]
    for name in sources:
        domain = model.parameters[name]
        guess = np.atleast_1d(np.asarray(guesses.get(name, np.nan), dtype=np.float64))
        inside = guess.size == domain.size and bool(np.all(domain.contains(guess)))
        size = outputs_of(domain)
        outputs[name] = domain.unconstrained(guess) if inside else np.zeros(size)
    u = []
    for c in vector.free:
        guess = np.atleast_1d(np.asarray(guesses.get(c.name, np.nan), dtype=np.float64))
        given = c.start if c.start is not None else guess
        inside = given.size == c.domain.size and bool(np.all(c.domain.contains(given)))
        u.append(c.domain.unconstrained(given) if inside else np.zeros(c.domain.n_free))
    return outputs, np.concatenate(u) if u else np.zeros(0)


def _spread(y: Vector) -> float:
    """The distance between the quartiles, in normal standard deviations; else half the range."""
    first, third = (float(q) for q in np.quantile(y, [0.25, 0.75]))
    # 1.349: that distance of a standard normal
    return (third - first) / 1.349 or 0.5 * float(y.max() - y.min()) or 1.0


def _locations(model: Model, y: Vector, weight: Vector, unit: float) -> set[str]:
    """The parameters that move with the outcome: their networks' outputs have its unit."""
    if not math.isinf(model.support.lower) or not math.isinf(model.support.upper):
        return set()
    here, there = (model.starts(values, weight)[0] for values in (y, y + unit))

    def moved(name: str) -> bool:
        before, after = (np.asarray(found[name], dtype=np.float64) for found in (here, there))
        # to rounding, which for values far from 0 is more than a unit's own
        return bool(np.all(np.abs(after - before - unit) <= 1e-6 * unit + 1e-12 * np.abs(before)))

    return {name for name in here if moved(name)}


def _folds(sample: ArraySample, weight: Vector, members: int, how: Minibatch) -> tuple[Any, Vector]:
    """The member that each row is held out from, −1 for none: each class shared out evenly.

    And the weights of what is held out: a row's copies count in the row, so that they make nothing
    surer.
    """
    share = how.held_out_share
    assert share is not None
    parts = members if members > 1 else max(round(1.0 / share), 2)
    rng = np.random.default_rng([how.seed, 1])
    seen = np.flatnonzero(weight > 0.0)
    original = originals(sample, seen)
    first = sample.fields[sample.kind.fields[0]]
    if isinstance(sample.kind, Soft):  # by the most probable class
        shares = np.stack([sample.fields[name] for name in sample.kind.fields], axis=1)
        first = np.argmax(shares, axis=1)
    shuffled = rng.permutation(seen[np.unique(original)])
    parts = min(parts, len(shuffled))
    ordered = shuffled[np.argsort(first[shuffled], kind="stable")]
    fold = np.full(sample.count, -1)
    fold[ordered] = np.arange(len(ordered)) % parts
    fold[seen] = fold[seen[original]]
    counted = np.bincount(seen[original], weights=weight[seen], minlength=sample.count)
    together: Vector = counted.astype(np.float64)
    return np.where(fold < members, fold, -1), together
