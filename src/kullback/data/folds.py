"""Folds of a sample: parts of the rows, each scored by fits to others; the same if streamed."""

from __future__ import annotations

import abc
import copy
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from kullback._core.display import value_text
from kullback._core.errors import DataError
from kullback.data.checks import count_of
from kullback.data.fold_keys import FoldKey
from kullback.data.sample import ArraySample, Chunk, ChunkSample, Count, Cut, Floats, RowSource
from kullback.data.sample_head import row_fractions

# Seeds move what is hashed by so much, so that each has pseudo-random numbers of its own.
_APART = 2**40

# Up to so many rows the folds are equal; of more, whose hashes need not be kept, equal to 1%.
_EXACT = 2**17


class Folds(abc.ABC):
    """K parts of the rows: abstract.

    Args:
        sample: the rows.
        count: K.

    Attributes:
        left_out: the field that decides the part of a row, where no model reads it; else empty.

    Raises:
        DataError: for too few rows.
    """

    left_out: str = ""

    def __init__(self, sample: RowSource, count: int) -> None:
        self.sample, self.count = sample, count
        rows = self._learn()
        if rows < 2 * count:
            raise DataError(
                f"{sample.label} has {count_of(rows, 'row')}, too few for {count} folds of at "
                f"least two: give folds={max(rows // 2, 2)} or fewer, or criterion='aic'."
            )

    @abc.abstractmethod
    def _learn(self) -> int:
        """Read the sample once, and return the number of its rows."""

    @abc.abstractmethod
    def of_chunk(self, chunk: Chunk) -> NDArray[np.intp]:
        """The part of each row of a chunk."""

    @property
    def scored(self) -> range:
        """The parts that are scored."""
        return range(self.count)

    def fitted_on(self, part: int) -> tuple[int, ...]:
        """The parts that the fit is made to which scores a part."""
        return tuple(other for other in range(self.count) if other != part)

    @cached_property
    def parts(self) -> tuple[RowSource, ...]:
        """The parts: in memory copies of their rows, else read from the sample at every pass."""
        many = range(max(*self.scored, self.count - 1) + 1)
        sample = self.sample
        if isinstance(sample, ChunkSample):
            return tuple(_taken_of_kinds(sample, self, part) for part in many)
        if not isinstance(sample, ArraySample):
            return tuple(_StreamedPart(self, part) for part in many)
        (chunk,) = sample.chunks()
        of_rows = self.of_chunk(chunk)
        return tuple(_taken(sample, np.flatnonzero(of_rows == part)) for part in many)

    def others(self, part: int) -> JoinedSample:
        """The rows that the fit is made to which scores a part."""
        return JoinedSample(self.sample, [self.parts[other] for other in self.fitted_on(part)])

    def over(self, sample: RowSource) -> Folds:
        """The same folds of a part of the sample, in which rows keep their numbers."""
        own = copy.copy(self)
        vars(own).pop("parts", None)
        own.sample = sample
        return own

    def plain(self, part: int) -> RowSource:
        """A part without the field that no model reads."""
        return without(self.parts[part], self.left_out) if self.left_out else self.parts[part]


@final
class RowFolds(Folds):
    """Parts drawn by a hash of the seed and the number of the row.

    Args:
        sample: the rows.
        count: K.
        seed: of the draw.
    """

    def __init__(self, sample: RowSource, count: int, seed: int) -> None:
        self._seed = seed
        self._cuts = np.arange(1, count) / count
        super().__init__(sample, count)

    def _learn(self) -> int:
        rows, kept = 0, []
        for chunk in self.sample.chunks():
            rows += chunk.count
            if rows <= _EXACT:
                kept.append(self._fractions(chunk))
        if rows <= _EXACT:  # equal parts, in the order of the same numbers
            first = -(-np.arange(1, self.count) * rows // self.count)
            self._cuts = np.sort(np.concatenate(kept))[np.minimum(first, rows - 1)]
        return rows

    def of_chunk(self, chunk: Chunk) -> NDArray[np.intp]:
        """The part of each row of a chunk."""
        return np.searchsorted(self._cuts, self._fractions(chunk), side="right")

    def _fractions(self, chunk: Chunk) -> Floats:
        return row_fractions(chunk.row_numbers + self._seed * _APART)


class _KeyedFolds(Folds):
    """Parts by the values of a column: abstract."""

    def __init__(self, sample: RowSource, count: int, key: FoldKey) -> None:
        self.key, self.left_out = key, key.field if key.alone else ""
        super().__init__(sample, count)

    def _learn(self) -> int:
        self.values, counts = np.zeros(0), np.zeros(0, dtype=np.intp)
        for chunk in self.sample.chunks():
            values, own = np.unique(chunk.fields[self.key.field], return_counts=True)
            both = np.concatenate([self.values, values])
            self.values, place = np.unique(both, return_inverse=True)
            counts = np.bincount(place, np.concatenate([counts, own])).astype(np.intp)
        self._part = self._parts_of(counts)
        return int(counts.sum())

    @abc.abstractmethod
    def _parts_of(self, counts: NDArray[np.intp]) -> NDArray[np.intp]:
        """The part of each value, given the number of its rows."""

    def of_chunk(self, chunk: Chunk) -> NDArray[np.intp]:
        """The part of each row of a chunk."""
        return self._part[self.places(chunk.fields[self.key.field])]

    def places(self, values: Floats) -> NDArray[np.intp]:
        """The place of each row's value among all."""
        return np.searchsorted(self.values, values)


@final
class GroupFolds(_KeyedFolds):
    """Parts of whole groups, as many groups in each, drawn by a hash of the group's key.

    Args:
        sample: the rows.
        count: K.
        key: the groups.
        seed: of the draw.

    Raises:
        DataError: for fewer groups than folds.
    """

    def __init__(self, sample: RowSource, count: int, key: FoldKey, seed: int) -> None:
        self._seed = seed
        super().__init__(sample, count, key)

    def _parts_of(self, counts: NDArray[np.intp]) -> NDArray[np.intp]:
        if counts.size < self.count:
            raise DataError(
                f"{self.key.label}: {count_of(counts.size, 'group')} cannot fill {self.count} "
                f"folds. Give folds={max(counts.size, 2)} or fewer."
            )
        column = self.sample.schema.columns.get(self.key.field)
        levels = None if column is None else column.levels
        own = self.values.tolist()
        texts = [value_text(v if levels is None else levels[int(v)]) for v in own]
        order = sorted(range(len(texts)), key=lambda i: (_digest(texts[i], self._seed), texts[i]))
        part = np.empty(len(order), dtype=np.intp)
        part[order] = np.arange(len(order)) * self.count // len(order)
        return part


@final
class TimeFolds(_KeyedFolds):
    """Parts one after the other in time; each but the first is scored by fits to earlier rows.

    Rows of the same time are in the same part. There are K + 1 parts, of which K are scored.

    Args:
        sample: the rows.
        count: K.
        key: the times.

    Raises:
        DataError: for too few distinct times.
    """

    def _parts_of(self, counts: NDArray[np.intp]) -> NDArray[np.intp]:
        before = np.cumsum(counts) - counts
        part: NDArray[np.intp] = before * (self.count + 1) // counts.sum()
        if np.unique(part).size <= self.count:
            raise DataError(
                f"{self.key.label}: {count_of(counts.size, 'distinct time')} cannot part the rows "
                f"into {self.count} folds and the rows before them. Give fewer folds."
            )
        return part

    @property
    def scored(self) -> range:
        """The parts that are scored."""
        return range(1, self.count + 1)

    def fitted_on(self, part: int) -> tuple[int, ...]:
        """The parts before."""
        return tuple(range(part))


def without(sample: RowSource, field: str) -> RowSource:
    """Return a sample without one of its fields."""
    if isinstance(sample, ArraySample):
        rest = {name: values for name, values in sample.fields.items() if name != field}
        return replace(sample, fields=rest)
    if isinstance(sample, ChunkSample):
        return replace(sample, parts=tuple(_chunk_without(part, field) for part in sample.parts))
    return _WithoutField(sample, field)


def _chunk_without(chunk: Chunk, field: str) -> Chunk:
    rest = {name: values for name, values in chunk.fields.items() if name != field}
    return replace(chunk, fields=rest)


def _digest(text: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed} {text}".encode(), digest_size=16).digest()


def _taken(sample: ArraySample, chosen: NDArray[np.intp]) -> ArraySample:
    return replace(
        sample,
        fields={name: values[chosen] for name, values in sample.fields.items()},
        weight=None if sample.weight is None else sample.weight[chosen],
        rows=chosen if sample.rows is None else sample.rows[chosen],
    )


def _taken_of_kinds(sample: ChunkSample, folds: Folds, part: int) -> ChunkSample:
    """The rows of a part, those of each kind for themselves."""
    parts = (_chunk_of(chunk, folds, part) for chunk in sample.parts)
    return replace(sample, parts=tuple(chunk for chunk in parts if chunk is not None))


def _chunk_of(chunk: Chunk, folds: Folds, part: int) -> Chunk | None:
    """The rows of a chunk that are in a part; None for none."""
    chosen = np.flatnonzero(folds.of_chunk(chunk) == part)
    if not chosen.size:
        return None
    numbers = chunk.row_numbers[chosen]
    return Chunk(
        chunk.kind,
        {name: values[chosen] for name, values in chunk.fields.items()},
        None if chunk.weight is None else chunk.weight[chosen],
        int(numbers[0]),
        numbers,
    )


@final
class JoinedSample(RowSource):
    """Parts of a sample, one after the other.

    Args:
        whole: the sample.
        parts: some of its parts.
    """

    def __init__(self, whole: RowSource, parts: Sequence[RowSource]) -> None:
        self._whole, self._parts = whole, tuple(parts)
        self.label, self.schema, self.kinds = whole.label, whole.schema, whole.kinds
        vars(self)["in_memory"] = whole.in_memory
        self.dropped = 0

    def chunks(self) -> Iterator[Chunk]:
        """Read one part after the other."""
        for part in self._parts:
            yield from part.chunks()

    def split(self, cut: Cut) -> list[RowSource] | None:
        """Return the parts of one part after the other."""
        every: list[RowSource] = []
        for part in self._parts:
            if (own := part.split(cut)) is None:
                return None
            every += own
        return every

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self._whole.describe_source()

    def locate(self, row: int) -> str:
        """Name a row."""
        return self._whole.locate(row)


@final
class _WithoutField(RowSource):
    """A streamed sample without one of its fields."""

    in_memory: ClassVar[bool] = False

    def __init__(self, whole: RowSource, field: str) -> None:
        self._whole, self._field = whole, field
        self.label, self.schema, self.kinds = whole.label, whole.schema, whole.kinds
        self.dropped = 0

    def chunks(self) -> Iterator[Chunk]:
        """Read the sample, and leave the field out."""
        for chunk in self._whole.chunks():
            yield _chunk_without(chunk, self._field)
        self.dropped = self._whole.dropped

    def split(self, cut: Cut) -> list[RowSource] | None:
        """Return the parts of the sample without the field."""
        parts = self._whole.split(cut)
        return None if parts is None else [_WithoutField(part, self._field) for part in parts]

    def take_counts(self, counts: Sequence[Count]) -> None:
        """Let the sample take over what was counted."""
        self._whole.take_counts(counts)
        self.dropped = self._whole.dropped

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self._whole.describe_source()

    def locate(self, row: int) -> str:
        """Name a row."""
        return self._whole.locate(row)


@final
class _StreamedPart(RowSource):
    """The rows of a streamed sample that are in one part."""

    in_memory: ClassVar[bool] = False

    def __init__(self, folds: Folds, part: int) -> None:
        self._folds, self._part = folds, part
        whole = folds.sample
        self.label, self.schema, self.kinds = whole.label, whole.schema, whole.kinds
        self.dropped = 0

    def chunks(self) -> Iterator[Chunk]:
        """Read the whole sample, and keep the rows of this part."""
        for chunk in self._folds.sample.chunks():
            own = _chunk_of(chunk, self._folds, self._part)
            if own is not None:
                yield own

    def split(self, cut: Cut) -> list[RowSource] | None:
        """Return the rows of the parts of the sample that are in this part."""
        parts = self._folds.sample.split(cut)
        if parts is None:
            return None
        return [_StreamedPart(self._folds.over(part), self._part) for part in parts]

    def describe_source(self) -> str:
        """A description of where the rows come from."""
        return self._folds.sample.describe_source()

    def locate(self, row: int) -> str:
        """Name a row."""
        return self._folds.sample.locate(row)
