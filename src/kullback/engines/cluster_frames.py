"""The partitions of a distributed table as a source of columns, each held by some worker."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from typing import Any, final

from kullback.data.checks import count_of
from kullback.data.sample import Cut
from kullback.data.stream import Part, Piece
from kullback.data.tables import read_table

_NAME = "the dask.dataframe"


@final
class FrameSource:
    """Columns of tables that are the partitions of one.

    Args:
        tables: the partitions: tables, or futures of them.
        rows: the number of rows of each.
        types: the types of the columns, by name.
        first: the position of the first of them in the whole.
        categorical: by column of a categorical type, its categories in their order; none where
            only the partitions know them.
    """

    only_text = False

    def __init__(
        self,
        tables: Sequence[Any],
        rows: Sequence[int],
        types: Mapping[str, str],
        first: int = 0,
        categorical: Mapping[str, Sequence[Any]] | None = None,
    ) -> None:
        self._tables, self._rows, self._types = list(tables), list(rows), dict(types)
        self._first = first
        self.categorical = dict(categorical or {})
        self.names = list(types)
        self.description = f"a dask.dataframe of {count_of(len(tables), 'partition')}"

    @property
    def texts(self) -> frozenset[str]:
        """The columns that hold text."""
        text = ("object", "str", "category")
        return frozenset(name for name, kind in self._types.items() if kind.startswith(text))

    def check_columns(self, names: tuple[str, ...]) -> None:
        """All partitions have the same columns."""

    def size(self, names: tuple[str, ...]) -> int:
        """The size of the columns as float64, in bytes."""
        return sum(self._rows) * len(names) * 8

    def describe(self) -> str:
        """A description of the table."""
        return self.description

    def split(self, cut: Cut) -> list[Piece]:
        """Return each partition: it is where it is."""
        del cut
        return [
            Piece(
                FrameSource([table], [rows], self._types, i), rows, {f"{_NAME}'s partition {i}": 0}
            )
            for i, (table, rows) in enumerate(zip(self._tables, self._rows, strict=True))
        ]

    def parts(
        self,
        names: tuple[str, ...],
        text: frozenset[str],  # noqa: ARG002
        coded: frozenset[str] = frozenset(),  # noqa: ARG002
    ) -> Generator[Part, None, None]:
        """Yield the partitions, one by one."""
        for i, table in enumerate(self._tables, self._first):
            whole = table.result() if hasattr(table, "result") else table
            frame = read_table(whole)
            columns = {name: frame.column(name) for name in names}
            shown = f"{_NAME}'s partition {i}"
            yield Part(columns, shown, 0, f" in {shown}")
