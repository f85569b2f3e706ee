"""What a terminal shows: summaries and the list of families as rich tables, pure functions of data."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from kullback._core.supports import REAL, Support
from kullback.models.family import Family
from kullback.models.model import Model
from kullback.results.ledger import Line
from kullback.results.summary import Summary

# A column of words may become this narrow before the whole is shown as plain text instead, which
# the terminal wraps itself; numbers are never broken or cut.
_WORDS = 16

_BETWEEN = 2
"""Spaces between columns."""
