"""Files with the same columns, each read by the kind that its ending names."""

from __future__ import annotations

from collections.abc import Generator
from typing import final

from kullback._core.errors import DataError, KullbackError
from kullback.data.checks import check_columns, column_label, count_of
from kullback.data.csv_files import CsvFile
from kullback.data.parquet_files import ParquetFile
from kullback.data.paths import DataFiles, describe_paths, find_paths
from kullback.data.sample import Cut
from kullback.data.separators import separator_name
from kullback.data.stream import Part, Piece
from kullback.data.table_file import File


@final
class Files:
    """Files with the same columns, read one after the other.

    Attributes:
        names: the columns of the first file.
        description: the first file, for messages about columns.
        only_text: whether the files hold only text, so that the type of a label is inferred.
    """

    def __init__(self, files: list[File], pattern: str) -> None:
        kinds = sorted({type(file).__name__ for file in files})
        if len(kinds) > 1:
            raise DataError(f"{pattern}: CSV and Parquet files are mixed; give files of one kind")
        self._files = files
        self._pattern = pattern
        self.names = files[0].names
        self.description = files[0].shown
        self.only_text = isinstance(files[0], CsvFile)

    def check_columns(self, names: tuple[str, ...]) -> None:
        """Refuse files that lack a column, or whose column differs from the first file's in type.

        Raises:
            DataError: the files differ.
        """
        first, *others = self._files
        for file in others:
            of = f"{file.shown} ({first.shown} has it)"
            for name in check_columns(names, file.names, "column", of):
                content, expected = file.content(name), first.content(name)
                if content != expected and "nothing" not in {content, expected}:
                    raise DataError(
                        f"{column_label(name)} holds {content} in {file.shown} and {expected} in "
                        f"{first.shown}; the files must agree"
                    )

    @property
    def texts(self) -> frozenset[str]:
        """The columns that hold text, by the beginning of the first file."""
        first = self._files[0]
        return frozenset(name for name in self.names if File.content(first, name) == "text")

    def size(self, names: tuple[str, ...]) -> int:
        """The approximate size of the columns in memory, in bytes."""
        return sum(file.size(names) for file in self._files)

    def parts(
        self,
        names: tuple[str, ...],
        text: frozenset[str] = frozenset(),
        coded: frozenset[str] = frozenset(),
    ) -> Generator[Part, None, None]:
        """Read columns once, file by file; see ``PartSource``.

        Raises:
            DataError: a value of a CSV file is not a number.
            FileFormatError: a file cannot be read, or has changed since it was opened.
        """
        for file in self._files:
            file.check_unchanged()
            try:
                yield from file.parts(names, text, coded)
            except KullbackError:
                file.check_unchanged()  # which explains what cannot be read
                raise
        for file in self._files:  # rows of two versions are a sample of neither
            file.check_unchanged()

    def split(self, cut: Cut) -> list[Piece] | None:
        """Join consecutive row groups to pieces, also of several files; None without row groups."""
        groups = [file.group_rows for file in self._files]
        rows = cut.rows(sum(map(sum, (own for own in groups if own is not None))))
        pieces: list[Piece] = []
        chosen: list[tuple[File, list[int]]] = []
        starts: dict[str, int] = {}
        count = 0

        def close() -> None:
            nonlocal chosen, starts, count
            files = [file.only(groups) for file, groups in chosen if groups]
            pieces.append(Piece(Files(files, self._pattern), count, starts))
            chosen, starts, count = [], {}, 0

        for file, own in zip(self._files, groups, strict=True):
            if own is None:
                return None
            starts.setdefault(file.shown, count)
            chosen.append((file, []))
            for group, group_rows in enumerate(own):
                chosen[-1][1].append(group)
                count += group_rows
                if count >= rows:
                    close()
                    chosen = [(file, [])]
        if count:
            close()
        return pieces

    def describe(self) -> str:
        """A description of the files: `losses/*.parquet (12 files, 96 row groups)`."""
        groups = sum(file.groups for file in self._files)
        counts = [count_of(len(self._files), "file")] if len(self._files) > 1 else []
        counts += [count_of(groups, "row group")] if groups else []
        return self._described([file.note for file in self._files if file.note] or counts)

    @property
    def title(self) -> str:
        """The files without their counts: `losses.csv (separated by semicolons)`."""
        return self._described([])

    def _described(self, details: list[str]) -> str:
        separators = sorted({file.separator for file in self._files})
        if separators != [","]:
            details = [*details, f"separated by {' and '.join(map(separator_name, separators))}"]
        return f"{self._pattern} ({', '.join(details)})" if details else self._pattern


def open_files(paths: list[str]) -> Files:
    """Open files, each by the kind that its ending names.

    Args:
        paths: paths or patterns; those of ``DataFiles`` with what it says about CSV files.

    Raises:
        DataError: a file has another ending than FILE_KINDS.
        FileFormatError: a file cannot be read.
    """
    absent, separator = (), None
    if isinstance(paths, DataFiles):
        absent, separator = paths.missing_values, paths.separator
    files = [_open(path, absent, separator) for path in find_paths(paths)]
    return Files(files, describe_paths(paths))


def _open(path: str, missing_values: tuple[str, ...], separator: str | None) -> File:
    for ending, kind in FILE_KINDS.items():
        if path.lower().endswith(ending):
            return kind(path, missing_values, separator)
    *most, last = FILE_KINDS
    raise DataError(f"{path}: the name of a file must end in {', '.join(most)} or {last}")


# The kinds of files, by the ending of their names.
FILE_KINDS: dict[str, type[File]] = {
    ".csv": CsvFile,
    ".csv.gz": CsvFile,
    ".tsv": CsvFile,
    ".tsv.gz": CsvFile,
    ".parquet": ParquetFile,
    ".pq": ParquetFile,
}
