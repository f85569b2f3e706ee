"""Which columns of the data models read, and what they know of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kullback._core.errors import ModelError
from kullback.data.roles import Roles
from kullback.data.schema import Column, Schema
from kullback.models.model import Model


def roles_of(
    models: Sequence[Model],
    y: Any,
    *,
    weights: Any,
    missing: str,
    event: Any = None,
    truncation: Any = None,
    rounding: float | None = None,
) -> Roles:
    """Return the roles of the columns for models of the same outcome.

    Args:
        models: the models.
        y: the outcome, as for ``kl.fit``.
        weights: of the rows.
        missing: "error" or "drop".
        event: how each outcome was observed, as for ``kl.fit``.
        truncation: the window of each row, as for ``kl.fit``.
        rounding: the distance of rounded values.
    """
    sources = [source for model in models for source in model.sources.values()]
    columns = tuple(dict.fromkeys(c for model in models for c in model.columns))
    return Roles(
        y=y,
        weights=weights,
        columns=None if any(source.takes_all for source in sources) else columns,
        by_value=tuple(dict.fromkeys(n for s in sources for n in s.by_value)),
        categorical=tuple(dict.fromkeys(n for s in sources for n in s.categories or ())),
        missing=missing,
        outcome=models[0].outcome,
        classes=models[0].levels,
        inferred=any(source.takes_missing for source in sources),
        event=event,
        truncation=truncation,
        rounding=rounding,
    )


def schema_of(models: Sequence[Model], levels: tuple[Any, ...] | None = None) -> Schema:
    """Return what models know of their columns: all but categories without known levels.

    Args:
        models: the models.
        levels: the classes that the rows must have; None takes those that occur.

    Raises:
        ModelError: the models have different categories in one column.
    """
    found: dict[str, Column] = {}
    for source in (source for model in models for source in model.sources.values()):
        categories = source.categories or {}
        for name in source.columns:
            known = categories.get(name)
            if name in source.by_value or (name in categories and known is None):
                continue
            domain = source.domains.get(name)
            column = Column(name, known, may_be_missing=source.takes_missing, domain=domain)
            before = found.setdefault(name, column)
            if before.levels != known:
                raise ModelError(
                    f'the models have different categories in column "{name}": they were fitted to '
                    "different rows and cannot be compared row by row. Score each of them alone."
                )
            if not source.takes_missing:
                found[name] = column
    return Schema.of(found.values(), levels)
