"""Read columns of a Parquet file, row group by row group."""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterator, Sequence
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq

from kullback.data.arrow import columns_of, is_text
from kullback.data.blocks import ROWS
from kullback.data.stream import Part
from kullback.data.table_file import File, readable

# The largest size of one part of a file in memory; a few are held at once (one in use, two decoded
# ahead, one being decoded). A row group as pyarrow writes it, a million rows, is one part.
PART_BYTES = 16 * 2**20

# A larger row group is read in pieces of whole blocks, so that most blocks are views. Measured,
# pieces of one to sixteen blocks are read equally fast; larger ones take memory.
PIECE_ROWS = 4 * ROWS

# Such a row group is read from disk through a buffer of this size.
BUFFER_BYTES = 2**20


@final
class ParquetFile(File):
    """A Parquet file, read by row group."""

    def _find_types(self) -> list[tuple[str, Any]]:
        with readable(self.shown, "Parquet"), pq.ParquetFile(self.path) as file:
            self._metadata = file.metadata
            schema = file.schema_arrow
        self.groups = self._metadata.num_row_groups
        self._only: Sequence[int] | None = None
        self._texts = [f.name for f in schema if is_text(f.type)]
        return list(zip(schema.names, schema.types, strict=True))

    def __getstate__(self) -> dict[str, Any]:
        """What another process needs, which reads the metadata itself."""
        state = {**vars(self), "_metadata": None, "path": str.__str__(self.path)}
        return state | {"_types": [], "_type_of": {}, "names": []}

    @property
    def group_rows(self) -> list[int]:
        """The number of rows of each row group."""
        return [self._metadata.row_group(group).num_rows for group in range(self.groups)]

    def only(self, groups: Sequence[int]) -> ParquetFile:
        """The file with some of its row groups, for another process."""
        own = copy.copy(self)
        own._only = tuple(groups)
        return own

    def size(self, names: tuple[str, ...]) -> int:
        """The size of the columns as float64, in bytes."""
        return int(self._metadata.num_rows) * len(names) * 8

    def parts(
        self,
        names: tuple[str, ...],
        text: frozenset[str],  # noqa: ARG002
        coded: frozenset[str],
    ) -> Generator[Part, None, None]:
        """Read columns by row group, and a row group larger than one part piece by piece."""
        most = max(1, PART_BYTES // (8 * len(names)))
        if self._metadata is None:
            with readable(self.shown, "Parquet"), pq.ParquetFile(self.path) as file:
                self._metadata = file.metadata
        rows = self.group_rows
        # pyarrow's pre_buffer would keep every row group it has read until the file is closed.
        options = {
            "metadata": self._metadata,
            "pre_buffer": False,
            "page_checksum_verification": True,
            # files hold texts as codes already, which need not be decoded and found again
            "read_dictionary": [name for name in self._texts if name in coded],
        }
        if any(count > most for count in rows):
            options["buffer_size"] = BUFFER_BYTES
        first_row = 0
        with readable(self.shown, "Parquet"):
            opened = pq.ParquetFile(self.path, **options)
        with opened as file:
            for group, count in enumerate(rows):
                if self._only is not None and group not in self._only:
                    first_row += count
                    continue
                where = f"{self.shown} (row group {group})"
                for table in self._read_group(file, group, list(names), count, most, where):
                    columns = columns_of(table, names, coded)
                    yield Part(columns, self.shown, first_row, f" in {where}")
                    first_row += table.num_rows

    def _read_group(
        self, file: Any, group: int, names: list[str], count: int, most: int, where: str
    ) -> Iterator[Any]:
        """Yield a row group as one table, or in pieces if it has more than `most` rows."""
        if count <= most:
            with readable(where, "Parquet"):
                table = file.read_row_group(group, columns=names, use_threads=len(names) > 1)
            yield table
            return
        batches = file.iter_batches(
            batch_size=min(PIECE_ROWS, most),
            row_groups=[group],
            columns=names,
            use_threads=len(names) > 1,
        )
        while True:
            with readable(where, "Parquet"):
                batch = next(batches, None)
            if batch is None:
                return
            yield pa.Table.from_batches([batch])
