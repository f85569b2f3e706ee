"""Find texts, such as "?" or "1,5", that make a category of a column of numbers."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from numpy.typing import NDArray

from kullback._core.errors import DataError
from kullback.data.arrays import is_missing, reads_as_number, shown
from kullback.data.checks import and_more, count_of, name_of_column
from kullback.data.coded import Coded

# Texts that usually mean a missing value, in lower case.
_MARKS = frozenset({"?", "-", "--", ".", "*", "na", "n/a", "n.a.", "nan", "nil", "none", "null"})
_MARKS |= {"missing", "unknown", "not available", "#n/a", "#value!", "#div/0!"}

# Without such a mark, a column with at most so many different numbers may well be categories, such
# as 0, 1, 2, "3 or more".
_FEW_NUMBERS = 10

# Numbers with decimals, with separators of thousands, or in percent. Whole numbers written as text
# may be categories, such as postal codes.
_MEASURED = re.compile(
    r"[-+]?(\d*[.,]\d+([eE][-+]?\d+)?|\d+(?=\s*%)|\d{1,3}([.,' ]\d{3})+([.,]\d+)?)\s*%?"
)

# A message lists so many texts.
_SHOWN = 3


def is_usual_mark(text: str) -> bool:
    """Whether a text usually means a missing value.

    >>> is_usual_mark("?"), is_usual_mark("N/A"), is_usual_mark("red")
    (True, True, False)
    """
    return text.strip().lower() in _MARKS


def missing_values_of(texts: list[str]) -> str:
    """How to say that texts in CSV files mean missing values."""
    listed = ", ".join(f'"{text}"' for text in texts[:_SHOWN])
    return f"kl.DataFiles(paths, missing_values=[{listed}])"


def refuse_text_among_numbers(values: NDArray[Any], label: str, of: str = "") -> None:
    """Refuse a column of which at least half is numbers, and the rest texts; and numbers as text.

    Args:
        values: the column, to be read as categories because of its texts.
        label: its name in messages.
        of: what else than a covariate is asked for.

    Raises:
        DataError: there are texts that usually mean a missing value, or many different numbers.
    """
    if isinstance(values, Coded):
        counts: Counter[Any] = Counter(values.counts)
    elif values.dtype.kind in "OUST":
        counts = Counter(
            v for v in values.tolist() if isinstance(v, (str, int, float)) and not is_missing(v)
        )
    else:
        return
    if len(counts) > _FEW_NUMBERS and all(
        isinstance(v, str) and _MEASURED.fullmatch(v.strip()) for v in counts
    ):
        first = next(iter(counts))
        raise DataError(
            f"{label} holds numbers written as text, such as {shown(first)}. Write them as "
            "numbers, with a decimal point and without separators of thousands and percent signs. "
            f'If they are categories, give categorical=("{name_of_column(label)}",).'
        )
    texts = {v: n for v, n in counts.items() if isinstance(v, str) and not reads_as_number(v)}
    numbers, others = counts.total() - sum(texts.values()), sum(texts.values())
    if not texts or numbers < others:
        return
    marked = any(map(is_usual_mark, texts))
    if not marked and len(counts) - len(texts) <= _FEW_NUMBERS:
        return
    common = sorted(texts, key=lambda text: (-texts[text], text))
    parts = [f"{shown(text)} ({count_of(texts[text], 'row')})" for text in common[:_SHOWN]]
    raise DataError(
        f"{label} holds {count_of(numbers, 'number')} and {count_of(others, 'text')}: "
        f"{and_more(parts, len(texts))}. If they mean missing values, make them missing in the "
        f"table, or read CSV files with {missing_values_of(common)}. "
        + (
            f"Otherwise its values are of two kinds, and {of} needs one."
            if of
            else f'If they are categories, give categorical=("{name_of_column(label)}",).'
        )
    )
