"""Match the columns of a table of classes, by their names, with the class labels."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._core.errors import DataError
from kullback.data.arrays import shown
from kullback.data.checks import and_more, check_columns, check_lengths, column_label
from kullback.data.tables import read_table
from kullback.evaluation.numbers import column_of_numbers

# The number of names that a message lists.
_SHOWN = 5


def read_matrix(values: Any, label: str) -> tuple[Any, tuple[Any, ...] | None]:
    """The values of a table as an array of numbers, and the names of its columns.

    Anything but a table is returned unchanged, without names.

    Args:
        values: a table (pandas, polars, Arrow, a mapping of names to arrays), or anything else.
        label: of the values, for messages.

    Raises:
        DataError: a table whose columns are not numbers of one length, or share a name.
    """
    if not is_table(values):
        return values, None
    if isinstance(values, np.ndarray):  # a structured one
        values = {name: values[name] for name in values.dtype.names or ()}
    table = read_table(values)
    check_columns(table.names, table.names, label, table.description)
    columns = [column_of_numbers(table.column(name), column_label(name)) for name in table.names]
    if not table.names:
        raise DataError(f"{label} are a table without columns")
    check_lengths({column_label(n): len(c) for n, c in zip(table.names, columns, strict=True)})
    # pandas and mappings have names of any type; the other libraries have texts
    own = list(values) if isinstance(values, Mapping) or hasattr(values, "iloc") else table.names
    names = tuple(name.item() if isinstance(name, np.generic) else name for name in own)
    return np.column_stack(columns), names


def is_table(values: Any) -> bool:
    """Whether values are a table with named columns."""
    if isinstance(values, np.ndarray):
        return bool(values.dtype.names)
    # of the type: a lazy table would compute its columns
    named = any(hasattr(type(values), name) for name in ("columns", "column_names"))
    return named or isinstance(values, Mapping)


def classes_by_name(
    names: Sequence[Any], labels: Sequence[Any], what: str, of: str, *, in_order: bool = False
) -> list[Any] | None:
    """The class label of each column if the columns are named like the labels; None if not.

    Columns ``p(low)`` or ``q_low`` are named like the label "low" where all have the same text
    around the labels, and so is ``Low`` where no name is spelled like the label. A column whose
    label does not occur is a class of that name. The numbers of columns numbered in order (0, 1, 2,
    or x0, x1, x2) are taken for positions where numeric labels leave doubt.

    Args:
        names: of the columns.
        labels: different class labels; not necessarily all of them.
        what: the table, for messages.
        of: what the labels are those of, for messages.
        in_order: whether the labels were given as those of the columns, in their order.

    Raises:
        DataError: some labels are names of columns and others are not.
    """
    texts = [text_of(name) for name in names]
    ways = _spellings(texts, labels)
    if not names or len(set(ways[0][1])) < len(labels):  # such as 1 and "1"
        return None
    texts, spelled = next((way for way in ways if set(way[1]) <= set(_bare(*way))), ways[0])
    wanted = dict(zip(spelled, labels, strict=True))
    bare = _bare(texts, spelled)
    found = wanted.keys() & set(bare)
    partial = len(found) < len(wanted)
    start = _numbered(texts)
    if start is not None and all(text.isdecimal() for text in wanted):
        unseen = len(wanted) < len(names) and not (start == "0" and "0" in wanted)
        if partial or unseen or in_order:
            return None
    if not found:
        return None
    if partial:
        missing = [shown(label) for text, label in wanted.items() if text not in found]
        raise DataError(
            f"some columns of {what} are named like classes and others are not: the classes of "
            f"{of} are {listed(labels)}, the columns {listed(names)}, and there is no column for "
            f"{and_more(missing[:_SHOWN], len(missing))}. Name every column like its class, or "
            "give an array and classes=[...] in the order of its columns"
        )
    kinds = {type(label) for label in labels}
    return [
        wanted[b] if b in wanted else _unseen(name if b == t else b, kinds)
        for b, t, name in zip(bare, texts, names, strict=True)
    ]


def is_numbered(names: Sequence[Any]) -> bool:
    """Whether columns are numbered in their order: 0, 1, 2 or x1, x2, x3."""
    return _numbered([text_of(name) for name in names]) is not None


def by_position(names: Sequence[Any], labels: Sequence[Any], what: str) -> str:
    """A note that columns were taken by their position; empty if their names are only numbers."""
    if is_numbered(names):
        return ""
    return (
        f"the columns of {what} ({listed(names)}) are not named like the classes "
        f"({listed(labels)}), so they were taken in the order of the classes"
    )


def listed(values: Sequence[Any]) -> str:
    """The first values, for a message."""
    return and_more([shown(value) for value in values[:_SHOWN]], len(values))


def text_of(value: Any) -> str:
    """A label or a name as text: 2, 2.0 and "2" are the same."""
    value = value.item() if isinstance(value, np.generic) else value
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _numbered(texts: Sequence[str]) -> str | None:
    """The first number of columns numbered in order, from 0, or after a text from 0 or 1."""
    match = re.fullmatch(r"(.*?)([01])", texts[0]) if texts else None
    if match is None or match.groups() == ("", "1"):
        return None
    first = int(match[2])
    same = all(text == f"{match[1]}{first + k}" for k, text in enumerate(texts))
    return match[2] if same else None


def _spellings(texts: list[str], labels: Sequence[Any]) -> list[tuple[list[str], list[str]]]:
    """Names and labels as texts to compare: as they are, then what may differ between them."""
    own = [text_of(label) for label in labels]
    ways = [(texts, own)]
    if all(isinstance(label, (bool, np.bool_)) for label in labels):
        ways.append((texts, [str(int(label)) for label in labels]))
    small, small_own = ([text.casefold() for text in part] for part in (texts, own))
    ways.append((small, small_own))
    head, tail = _shared(small_own), _shared([text[::-1] for text in small_own])
    cut = [text[head : len(text) - tail] for text in small_own]  # p(low) beside votes_low
    if not all(text.isdecimal() for text in cut):
        ways.append((small, cut))
    return [way for way in ways if way is ways[0] or ("" not in way[1] and _differ(way))]


def _differ(way: tuple[list[str], list[str]]) -> bool:
    """Whether names, and labels, are still different from each other."""
    return all(len(set(part)) == len(part) for part in way)


def _bare(texts: Sequence[str], wanted: Collection[str]) -> list[str]:
    """The names without the text that all have around the label; as they are if none has one."""
    head, tail = _shared(texts), _shared([text[::-1] for text in texts])
    room = min(map(len, texts))
    cuts = [(i, j) for i in range(head + 1) for j in range(tail + 1) if i + j <= room]

    def cut_off(i: int, j: int) -> list[str]:
        return [text[i : len(text) - j] for text in texts]

    # of cuts that give as many labels the shortest one, which comes first
    best = max(sorted(cuts, key=sum), key=lambda cut: sum(t in wanted for t in cut_off(*cut)))
    return cut_off(*best)


def _shared(texts: Sequence[str]) -> int:
    """The number of letters at the beginning that all texts share."""
    letters = enumerate(zip(*texts, strict=False))
    shortest = min(map(len, texts), default=0)
    return next((k for k, same in letters if len(set(same)) > 1), shortest)


def _unseen(name: Any, kinds: set[type]) -> Any:
    """A class without a row: the name of its column, as a number if the labels are."""
    if kinds <= {int, float} and isinstance(name, str):
        try:
            return (int if kinds == {int} else float)(name)
        except ValueError:
            return name
    return name
