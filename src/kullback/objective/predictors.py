"""The predictors of a model: few numbers η_a of a row, from which its loss is computed.

There is one for each linear source (K − 1 for the logits of K classes), one for each nonlinear
function of columns, and each other number of the model is a predictor of all rows. The compiled
code of a row depends on their number, not on that of the coefficients.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, TypeAlias, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.data.blocks import TILE, Block
from kullback.data.observation import Exact, RowKind
from kullback.models.design_matrix import DesignMatrix
from kullback.models.model import Model
from kullback.models.source import Source
from kullback.objective.class_terms import class_scores, class_terms
from kullback.objective.nonlinear import Nonlinear, nonlinear_source
from kullback.objective.row_programs import RowPrograms
from kullback.objective.row_terms import RowDerivatives, RowTerms

# Rows in one matrix product: with a hundred coefficients their design takes 3.2 MB and stays in a
# core's cache, from which the products read it several times.
_RUN = 2 * TILE

# Up to this many free predictors, second derivatives are built one scalar pair at a time, which
# keeps zero tangents symbolic; beyond it the number of pairs would make compilation slow. So it
# would for the logits of few classes, each of which depends on all of them.
SCALARS = 6

# Where there are indicators, sums over their codes want long runs: as many rows as the columns of
# numbers take 3.2 MB. (Six categories with 322 levels, two columns of numbers, a block: 6.3 ms in
# runs of 4,096 rows, 2.9 to 3.6 as a whole.)
_DENSE = 400_000

# For more predictors a product takes fewer rows, so that their terms are at most about this many
# numbers, 16 MB; but no fewer rows than the least.
_NUMBERS, _FEWEST = 1 << 21, 64

# Designs are kept with rows whose columns take a half of their memory at least.
_KEPT = 2

# Designs of one run of rows, by the keys of their sources in brief.
Designs: TypeAlias = dict[object, DesignMatrix]

NO_BASES: Mapping[str, Vector] = {}


@final
@dataclass(frozen=True)
class Predictor:
    """A number of a row, or of all rows, that coefficients determine.

    Attributes:
        where: its coefficients, among all constrained numbers of the model.
        to: its free coefficients, among the free numbers; None where it is fixed.
        linear: the parameter whose source is linear in columns; None for other predictors.
        function: the function of columns that it is a value of; None for other predictors.
        position: its place among the values of that function.
    """

    where: slice
    to: slice | None
    linear: str | None = None
    function: Nonlinear | None = None
    position: int = 0

    @property
    def varies(self) -> bool:
        """Whether rows differ in it."""
        return self.linear is not None or self.function is not None


@final
@dataclass(frozen=True)
class Predictors:
    """The predictors of a model, in the order of its numbers.

    Attributes:
        model: the model.
        each: the predictors.
        columns: the columns that the loss of a row reads, beside the predictors.
        of_row: the model of the predictors, which has one number for each.
        triangles: by parameter, the triangle R of linear sources that are differentiated in R times
            their coefficients: their design is X R⁻¹.
    """

    model: Model
    each: tuple[Predictor, ...]
    columns: tuple[str, ...]
    of_row: Model
    triangles: Mapping[str, Vector] = field(default_factory=dict)
    _lengths: dict[int, int] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_free(self) -> tuple[bool, ...]:
        """For each, whether to differentiate in it."""
        return tuple(p.to is not None for p in self.each)

    @property
    def free(self) -> list[int]:
        """Those to differentiate in."""
        return [a for a, p in enumerate(self.each) if p.to is not None]

    @cached_property
    def by_reverse(self) -> bool:
        """Whether to differentiate a row in all of them at once, not one pair at a time."""
        linear = [p.linear for p in self.each if p.linear is not None]
        return len(self.free) > SCALARS or len(set(linear)) < len(linear)

    @cached_property
    def _programs(self) -> RowPrograms:
        return RowPrograms(
            tuple(p.varies for p in self.each),
            tuple(self.free),
            self.columns,
            by_reverse=self.by_reverse,
            in_numpy=bool(self.model.nonlinear),
            length=_run(len(self.free)),
        )

    @cached_property
    def _are_log_odds(self) -> bool:
        """Whether they are the log odds of classes, all of them free."""
        return self.of_row.log_odds and all(self.is_free)

    def runs(self, block: Block) -> Iterator[tuple[dict[str, Vector], Vector, Designs]]:
        """Cut the rows of a block into runs that stay in a core's cache.

        Yields:
            The fields, the weights and the designs that are known, as ``evaluate`` takes them.
        """
        if block.capacity not in self._lengths:
            self._lengths[block.capacity] = min(self._length(block), block.capacity)
        length = self._lengths[block.capacity]
        for begin in range(0, block.count, length):
            rows = slice(begin, min(begin + length, block.count))
            fields = {name: values[rows] for name, values in block.fields.items()}
            designs: Designs = {}
            if block.memo is not None:
                designs = block.memo.setdefault(("designs", begin, length), designs)
            yield fields, block.weight[rows], designs
            for key in [k for k, d in designs.items() if d.width > _KEPT * (1 + len(fields))]:
                del designs[key]

    def _length(self, block: Block) -> int:
        """The rows of a run: more where most columns are indicators, whose sums take few rows."""
        length = _run(len(self.free))
        if block.capacity <= length or len(self.free) > SCALARS:
            return length
        row = {name: values[:1] for name, values in block.fields.items()}
        sources = [self.model.sources[name] for name in {p.linear for p in self.each if p.linear}]
        designs = [design for s in sources if (design := s.design(row)) is not None]
        if not any(design.indicators for design in designs):
            return length
        dense = max(len(design.dense) for design in designs)
        return max(length, _DENSE // max(dense, 1))

    def evaluate(
        self, arguments: Vector, fields: Mapping[str, Vector], designs: Designs | None = None
    ) -> tuple[list[Vector], list[DesignMatrix | None]]:
        """Return the predictors of rows, and their derivatives in the free coefficients.

        Args:
            arguments: all constrained numbers.
            fields: the columns of the rows.
            designs: those of the rows that are known, to which others are added.

        Returns:
            For each predictor a vector of the rows, or of one number; and a design matrix, None
            where the derivative is 1.
        """
        known: dict[str, Any] = {}
        designs = {} if designs is None else designs
        values: list[Vector] = []
        slopes: list[DesignMatrix | None] = []
        for p in self.each:
            own: Vector = arguments[p.where]
            slope: DesignMatrix | None = None
            if p.linear is not None:
                if p.linear not in known:
                    design, slope = self._design(p.linear, fields, designs)
                    betas = [arguments[where] for where in self._linear[p.linear]]
                    several = len(betas) > 1
                    etas = design.dot(np.stack(betas)) if several else [design.dot(betas[0])]
                    known[p.linear] = iter(etas), slope
                etas, slope = known[p.linear]
                own = next(etas)
                offset = self.model.sources[p.linear].offset_of(fields)
                own = own if offset is None else own + offset
            elif p.function is not None:
                name = p.function.parameter
                if name not in known:
                    known[name] = p.function.evaluate(own, fields)
                own, jacobian = (found[p.position] for found in known[name])
                slope = DesignMatrix(jacobian)
            values.append(own)
            slopes.append(slope)
        return values, slopes

    @cached_property
    def _linear(self) -> dict[str, list[slice]]:
        """Where the coefficients of each linear source are, predictor by predictor."""
        found: dict[str, list[slice]] = {}
        for p in self.each:
            if p.linear is not None:
                found.setdefault(p.linear, []).append(p.where)
        return found

    @cached_property
    def _design_keys(self) -> dict[str, object]:
        return {name: _brief(self.model.sources[name].design_key) for name in self._linear}

    def _design(
        self, name: str, fields: Mapping[str, Vector], designs: Designs
    ) -> tuple[DesignMatrix, DesignMatrix]:
        """The design of a linear source, and that of the numbers that it is differentiated in."""
        key = self._design_keys[name]
        design = designs.get(key)
        if design is None:
            design = self.model.sources[name].design(fields)
            assert design is not None  # the source is linear
            designs[key] = design
        r = self.triangles.get(name)
        return design, design if r is None else design.along(r)

    def terms(
        self,
        derivatives: RowDerivatives,
        kind: RowKind,
        fields: Mapping[str, Vector],
        values: Sequence[Vector],
        *,
        few: bool = False,
    ) -> RowTerms:
        """Return ℓ, ∂ℓ and ∂²ℓ of rows, in the free predictors.

        NumPy computes them without compilation where the formula is short, or all rows of the kind
        are few. Compiled code takes the same number of rows whatever a run's.
        """
        if self._are_log_odds and isinstance(kind, Exact):
            return class_terms(fields["y"], values)
        found = self._programs.of_rows(derivatives, kind, fields, values, slice(None), few=few)
        return RowTerms.of(found, len(self.free))

    def scores(
        self,
        derivatives: RowDerivatives,
        kind: RowKind,
        fields: Mapping[str, Vector],
        values: Sequence[Vector],
        *,
        few: bool = False,
    ) -> Vector:
        """Return ∂ℓ of rows alone, shape (free, rows)."""
        if self._are_log_odds and isinstance(kind, Exact):
            return class_scores(fields["y"], values)
        first = slice(1, 1 + len(self.free))
        return self._programs.of_rows(derivatives, kind, fields, values, first, few=few)


def predictors_of(
    model: Model, is_free: Sequence[bool], bases: Mapping[str, Vector] = NO_BASES
) -> Predictors:
    """Return the predictors of a model.

    A source that is a function of columns of another form than linear has predictors of its own
    where its coefficients, as predictors of all rows, would be more than a few.

    Args:
        model: the model.
        is_free: for each constrained number, whether to differentiate in it.
        bases: by parameter, vectors along which to differentiate instead; of a linear source the
            triangle of its design.
    """
    each = tuple(_predictors(model, is_free, None))
    if sum(p.to is not None for p in each) > SCALARS or model.nonlinear:
        each = tuple(_predictors(model, is_free, bases))
    functions = {p.function.parameter: p.function for p in each if p.function is not None}
    sources: dict[str, Source] = {}
    columns: list[str] = []
    for name, source in model.sources.items():
        predictor = functions[name].predictor() if name in functions else source.predictor()
        sources[name] = predictor
        columns += source.columns if predictor is source else ()
    of_row = model.with_sources(sources)
    linear = {p.linear for p in each if p.linear is not None}
    triangles = {name: r for name, r in bases.items() if name in linear}
    return Predictors(model, each, tuple(dict.fromkeys(columns)), of_row, triangles)


def _predictors(
    model: Model, is_free: Sequence[bool], bases: Mapping[str, Vector] | None
) -> Iterator[Predictor]:
    """The predictors of each source; a function without basis vectors has its coefficients."""
    start = 0

    def free(where: slice) -> slice | None:
        before, count = sum(is_free[: where.start]), sum(is_free[where])
        return slice(before, before + count) if count else None

    for name, source in model.sources.items():
        domain, predictor = model.parameters[name], source.predictor()
        size = sum(c.domain.size for c in source.coefficients(name, domain))
        where = slice(start, start + size)
        start += size
        of_function = bases is not None and predictor is source and source.columns
        if of_function and free(where) is not None:
            function = nonlinear_source(model, name, is_free[where], (bases or {}).get(name))
            for k in range(function.size):
                yield Predictor(where, free(where), function=function, position=k)
            continue
        linear = None if predictor is source else name
        many = size if linear is None else predictor.coefficients(name, domain)[0].domain.size
        for k in range(many):
            own = slice(where.start + k * (size // many), where.start + (k + 1) * (size // many))
            yield Predictor(own, free(own), linear)


@lru_cache(maxsize=256)
def _brief(_key: Hashable) -> object:
    """Return an object that stands for a key: that of a long formula takes long to hash."""
    return object()


@lru_cache(maxsize=64)
def _run(free: int) -> int:
    """The rows of one matrix product, for a number of free predictors."""
    length = _RUN
    while free > SCALARS and length > _FEWEST and 2 * free * free * length > _NUMBERS:
        length //= 2
    return length
