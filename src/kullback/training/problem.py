"""The training problem: encoders, targets, the rows of each member and starting values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.errors import DataError
from kullback.data.observation import RowKind, Soft
from kullback.data.sample import ArraySample
from kullback.models.encoding import Encoder, learn_encoder
from kullback.models.model import Model
from kullback.models.network import Computed, NetworkSource, link, outputs_of
from kullback.models.parameter_vector import ParameterVector
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import Batches, InMemoryBatches, StreamedBatches
from kullback.training.duplicate_rows import originals
from kullback.training.rows import TrainingRows
from kullback.training.targets import Targets, entropy_of

# Up to this many rows five networks are trained, each without another fifth of the rows: the lower
# cross-entropy of their average is then worth the time of five.
_FEW = 6_000
_MEMBERS = 5
# Rows of a stream from which the size of its inputs is read, should a training diverge.
_SAMPLED_ROWS = 4_096

# Keys of the columns of a batch that are not outcomes.
INPUTS, WEIGHT = "inputs of ", "weight"


@final
@dataclass(frozen=True, eq=False)
class HeldOutRows:
    """Rows held out from a member.

    Attributes:
        columns: inputs, and outcomes as observed.
        targets: codes or shares of the classes; numbers where outcomes are numbers.
        weight: of the rows, without class weights.
    """

    columns: dict[str, Any]
    targets: Vector
    weight: Vector


@final
@dataclass(frozen=True, eq=False)
class TrainingProblem:
    """The networks, the targets and the rows of a training.

    Attributes:
        model: the model.
        supplied: the same model with its networks replaced by columns of a batch.
        vector: its coefficients outside the networks.
        sources: the networks, by parameter.
        encoders: by parameter.
        targets: the outcomes as they are trained on.
        members: the number of networks trained on different parts of the rows.
        batches: the rows of each member.
        held_out: the rows held out from each member.
        starting_values: of the networks' outputs, by parameter; and of the other coefficients.
        output_scaling: for each parameter, the unit and the shift of the network's outputs.
        baseline: H(Y) of the labels of the rows as they are; NaN for outcomes that are numbers.
        largest_inputs: of each encoder, the largest absolute value of each input.
        duplicate_share: the share of the rows that are copies of others.
    """

    model: Model
    supplied: Model
    vector: ParameterVector
    sources: Mapping[str, NetworkSource]
    encoders: Mapping[str, Encoder]
    targets: Targets
    members: int
    batches: Batches
    held_out: tuple[HeldOutRows, ...]
    starting_values: tuple[dict[str, Vector], Vector]
    output_scaling: Mapping[str, tuple[float, Vector]]
    baseline: float
    largest_inputs: Mapping[str, Any]
    duplicate_share: float

    @classmethod
    def of(
        cls,
        model: Model,
        sources: Mapping[str, NetworkSource],
        rows: TrainingRows,
        solver: Minibatch,
    ) -> TrainingProblem:
        """Prepare rows for training: encoders, targets, folds and starting values."""
        sample = rows.sample
        weight = _weight(sample)
        used = weight > 0.0
        encoders = {name: _encoder(source, sample, used) for name, source in sources.items()}
        targets = Targets.of(sample, weight, solver)
        mean = float(targets.columns(sample.fields, weight)[1][used].mean())

        def inputs(fields: Mapping[str, Vector]) -> dict[str, Any]:
            return {
                INPUTS + name: encoder.encode([fields[n] for n in encoder.names])
                for name, encoder in encoders.items()
            }

        def columns(fields: Mapping[str, Vector], weight: Vector) -> dict[str, Any]:
            outcomes, row_weight = targets.columns(fields, weight)
            return {**inputs(fields), **outcomes, WEIGHT: row_weight / mean}

        def held_out(part: ArraySample, chosen: Any) -> HeldOutRows:
            fields = {name: values[chosen] for name, values in part.fields.items()}
            outcomes = {name: fields[name] for name in part.kind.fields}
            scored = targets.held_out(fields, _weight(part)[chosen])
            return HeldOutRows({**inputs(fields), **outcomes}, *scored)

        members, duplicate_share, held = 1, 0.0, rows.held_out
        copied = np.flatnonzero(used)
        if held is None:  # copies of a row are held out together: they count once
            copied = copied[originals(sample, copied)]
        different = _different(sample, copied, held)
        if rows.stream is None:
            requested = (
                s.members or (_MEMBERS if sample.count <= _FEW else 1) for s in sources.values()
            )
            members = min(max(requested), max(different // 2, 1))
        if rows.stream is not None:
            width = sum(encoder.width for encoder in encoders.values())
            batches: Batches = StreamedBatches(
                rows.stream, columns, width, rows.held_out_fraction, solver.seed
            )
            head = slice(_SAMPLED_ROWS)
            first = columns({n: v[head] for n, v in sample.fields.items()}, weight[head])
        else:
            first = columns(sample.fields, weight)
            fold = np.full(sample.count, -1)
            if held is None:
                fold, together = _folds(sample, weight, copied, members, solver)
                duplicate_share = 1.0 - np.count_nonzero(together) / np.count_nonzero(used)
                own = tuple(np.flatnonzero((fold == m) & (together > 0.0)) for m in range(members))
                parts = tuple(held_out(replace(sample, weight=together), part) for part in own)
            chosen = tuple(np.flatnonzero((fold != m) & used) for m in range(members))
            batches = InMemoryBatches(first, chosen, solver.seed)
        if held is not None:
            parts = (held_out(held, np.flatnonzero(_weight(held) > 0.0)),) * members
        supplied = model.with_sources(
            {**model.sources, **{name: Computed(name) for name in sources}}
        )
        vector = supplied.vector
        outputs, u = _starting_outputs(
            model, vector, sources, sample, weight, targets.trained_shares
        )
        output_scaling = {name: (1.0, np.zeros(start.size)) for name, start in outputs.items()}
        if targets.class_shares is None:
            # in the unit of the outcome, around its middle: outputs of networks are of size one
            unit = _outcome_scale(sample.fields["y"][used])
            scaled = _location_parameters(model, sample.fields["y"][used], weight[used], unit)
            output_scaling = {
                n: (unit if n in scaled else 1.0, start) for n, start in outputs.items()
            }
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
            held_out=parts,
            starting_values=(outputs, u),
            output_scaling=output_scaling,
            baseline=math.nan if targets.class_shares is None else entropy_of(targets.class_shares),
            largest_inputs={name: np.max(np.abs(first[INPUTS + name]), axis=0) for name in sources},
            duplicate_share=duplicate_share,
        )

    @property
    def held_out_count(self) -> int:
        """The number of different rows that are held out."""
        different = {id(held): len(held.weight) for held in self.held_out}
        return sum(different.values())

    @property
    def held_out_targets(self) -> tuple[Vector, Vector]:
        """The targets of all held-out rows, member by member, and their weights."""
        targets = np.concatenate([held.targets for held in self.held_out])
        return targets, np.concatenate([held.weight for held in self.held_out])

    @property
    def kind(self) -> RowKind:
        """The kind of the rows, as they are trained on."""
        return self.targets.training_kind

    def parameters(self, modules: Any, u: Array, row: Mapping[str, Array], key: Any) -> Any:
        """Compute the model's parameters for rows of a batch."""
        computed = {}
        for name in self.sources:
            unit, shift = self.output_scaling[name]
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


def _weight(sample: ArraySample) -> Vector:
    return np.ones(sample.count) if sample.weight is None else sample.weight


def _encoder(source: NetworkSource, sample: ArraySample, used: Any) -> Encoder:
    covariates = {n: v for n, v in sample.fields.items() if n not in sample.kind.fields}
    read = covariates if source.inputs is None else {n: covariates[n] for n in source.inputs}
    return learn_encoder(
        {n: v[used] for n, v in read.items()},
        sample.schema.categories,
        scaled=source.scaled,
        embeds=source.embeds,
    )


def _starting_outputs(
    model: Model,
    vector: ParameterVector,
    sources: Mapping[str, NetworkSource],
    sample: ArraySample,
    weight: Vector,
    shares: Vector | None,
) -> tuple[dict[str, Vector], Vector]:
    """Starting values of the best constant model: the class shares, or the family's estimate."""
    outputs: dict[str, Vector] = {}
    if shares is not None:
        # half a row more of each class: a class that occurs in another split only is still possible
        near = np.log(shares * np.sum(weight > 0.0) + 0.5)
        return {name: near - near.mean() for name in sources}, np.zeros(vector.n_free)
    used = weight > 0.0
    initial = model.starts(sample.fields["y"][used], weight[used])[0]
    for name in sources:
        domain = model.parameters[name]
        value = np.atleast_1d(np.asarray(initial.get(name, np.nan), dtype=np.float64))
        inside = value.size == domain.size and bool(np.all(domain.contains(value)))
        size = outputs_of(domain)
        outputs[name] = domain.unconstrained(value) if inside else np.zeros(size)
    u = []
    for c in vector.free:
        value = np.atleast_1d(np.asarray(initial.get(c.name, np.nan), dtype=np.float64))
        start = c.start if c.start is not None else value
        inside = start.size == c.domain.size and bool(np.all(c.domain.contains(start)))
        u.append(c.domain.unconstrained(start) if inside else np.zeros(c.domain.n_free))
    return outputs, np.concatenate(u) if u else np.zeros(0)


def _outcome_scale(y: Vector) -> float:
    """The interquartile range in normal standard deviations; half the range where that is 0."""
    first, third = (float(q) for q in np.quantile(y, [0.25, 0.75]))
    # 1.349: the interquartile range of a standard normal
    return (third - first) / 1.349 or 0.5 * float(y.max() - y.min()) or 1.0


def _location_parameters(model: Model, y: Vector, weight: Vector, unit: float) -> set[str]:
    """The parameters that shift with the outcome: their networks' outputs have its unit."""
    if not math.isinf(model.support.lower) or not math.isinf(model.support.upper):
        return set()
    here, there = (model.starts(values, weight)[0] for values in (y, y + unit))

    def moved(name: str) -> bool:
        before, after = (np.asarray(values[name], dtype=np.float64) for values in (here, there))
        # up to rounding errors, which for values far from 0 exceed that of the unit
        return bool(np.all(np.abs(after - before - unit) <= 1e-6 * unit + 1e-12 * np.abs(before)))

    return {name for name in here if moved(name)}


def _different(sample: ArraySample, copied: Any, held: ArraySample | None) -> int:
    """The number of rows of positive weight that are not copies of others."""
    different = np.unique(copied).size
    if held is None and different < 2:
        raise DataError(
            f"{sample.label}: the {copied.size:,} rows of positive weight are copies of one row; "
            "training needs one row to train on and a different one to hold out"
        )
    return different


def _folds(
    sample: ArraySample, weight: Vector, copied: Any, members: int, solver: Minibatch
) -> tuple[Any, Vector]:
    """Assign rows to held-out folds, each class evenly.

    Args:
        sample: the rows.
        weight: of the rows.
        copied: for each row of positive weight, the first row that it is a copy of.
        members: at most half the number of different rows, or 1.
        solver: the options.

    Returns:
        The member that each row is held out from, −1 for none; and the weights of held-out rows: a
        row's copies are counted in its weight, so that they do not narrow the standard error.
    """
    share = solver.held_out_share
    assert share is not None
    parts = members if members > 1 else max(round(1.0 / share), 2)
    rng = np.random.default_rng([solver.seed, 1])
    used = np.flatnonzero(weight > 0.0)
    first = sample.fields[sample.kind.fields[0]]
    if isinstance(sample.kind, Soft):  # by the most probable class
        shares = np.stack([sample.fields[name] for name in sample.kind.fields], axis=1)
        first = np.argmax(shares, axis=1)
    shuffled = rng.permutation(np.unique(copied))
    parts = min(parts, len(shuffled))
    ordered = shuffled[np.argsort(first[shuffled], kind="stable")]
    fold = np.full(sample.count, -1)
    fold[ordered] = np.arange(len(ordered)) % parts
    fold[used] = fold[copied]
    counted = np.bincount(copied, weights=weight[used], minlength=sample.count)
    together: Vector = counted.astype(np.float64)
    return np.where(fold < members, fold, -1), together
