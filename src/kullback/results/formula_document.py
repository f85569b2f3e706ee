"""Formulas as JSON: the text, and what it learned from the rows: levels, knots, centres.

A file is read by the parser of formulas, which evaluates nothing, and what it says was learned is
checked: an edited file is refused with its place.
"""

from __future__ import annotations

from typing import Any

from kullback._core.errors import KullbackError
from kullback.data.schema import Column, Schema
from kullback.models.formula.bases import Basis
from kullback.models.formula.source import Formula
from kullback.models.formula.syntax import Node as SyntaxNode
from kullback.models.linear import Linear
from kullback.models.penalty import Ridge
from kullback.results.json_document import Node, WrongError, plain, plain_label, shortened


def formula_to_json(formula: Formula, source: Linear) -> dict[str, Any]:
    """Return a formula that was bound to rows as JSON values."""
    assert source.terms is not None  # it is a formula's
    bases = source.terms.bases
    return {
        "source": "formula",
        "text": formula.text,
        "link": formula.link,
        "offset": list(formula.offsets),
        "exposure": list(formula.exposures),
        "ridge": None if formula.penalty is None else plain(formula.penalty.strength),
        "collinear": formula.collinear,
        "columns": {column.name: _column_to_json(column) for column in source.terms.read},
        "learned": {name: plain(basis.state) for name, basis in bases.items()},
        "dropped": dict(source.dropped),
        "coefficients": None if source.estimate is None else plain(source.estimate),
    }


def formula_from_json(node: Node) -> Linear:
    """Read a formula.

    Raises:
        WrongError: for another text than a formula, and for what it cannot have learned.
    """
    ridge = node["ridge"].optional(Node.positive)
    try:
        formula = Formula(
            node["text"].text(),
            node["link"].optional(Node.text),
            node["offset"].texts() or None,
            node["exposure"].texts() or None,
            None if ridge is None else Ridge(ridge),
            node["collinear"].text(),
        )
        entries = node["columns"].entries()
        schema = Schema.of(_column_from_json(name, entry) for name, entry in entries.items())
        terms = formula.columns_in(schema)
        needless = [name for name in entries if name not in terms.columns]
        if needless:
            raise WrongError(f'"{node.place}.columns" has {shortened(needless[0])} needlessly.')
        learned = node["learned"].entries()
        if set(learned) != set(terms.bases):
            raise WrongError(f'"{node.place}.learned" needs {", ".join(terms.bases) or "nothing"}.')
        bases: dict[SyntaxNode, Basis] = {
            basis.node: basis.with_state(
                tuple(tuple(v.number() for v in row.items()) for row in learned[name].items())
            )
            for name, basis in terms.bases.items()
        }
        source = formula.linear(terms.with_bases(bases) if bases else terms)
        dropped = {label: entry.text() for label, entry in node["dropped"].entries().items()}
        if not set(dropped) < set(source.labels):
            raise WrongError(f'"{node.place}.dropped" has columns that the formula lacks.')
        source = source.without(dropped) if dropped else source
    except WrongError:
        raise
    except (KullbackError, TypeError) as error:
        raise WrongError(f'"{node.place}" is not a formula of these columns: {error}') from None
    estimate = node["coefficients"].optional(lambda entry: entry.items())
    if estimate is None:
        return source
    if not estimate or len(estimate) % len(source.labels):
        raise node["coefficients"].wrong(f"needs {len(source.labels)} numbers, or a multiple")
    numbers = node["coefficients"].vector(len(estimate))
    return source.with_estimate(numbers)


def _column_to_json(column: Column) -> dict[str, Any] | None:
    if column.levels is None:
        return None
    return {
        "levels": [plain_label(level) for level in column.levels],
        "sorted": list(column.levels) == sorted(column.levels),
        "numbers": column.as_asked,
    }


def _column_from_json(name: str, node: Node) -> Column:
    if node.value is None:
        return Column(name)
    levels = tuple(item.label() for item in node["levels"].items())
    kinds = {(type(level) in (int, float) and "number") or type(level).__name__ for level in levels}
    if len(set(levels)) < len(levels) or len(kinds) > 1:
        raise node["levels"].wrong("needs different levels of one type")
    if node["sorted"].flag() != (list(levels) == sorted(levels)):
        raise node["levels"].wrong("needs its levels in sorted order")
    return Column(name, levels, as_asked=node["numbers"].flag())
