"""The terms of a formula: products of factors, from sums, products, nesting and powers.

    a*b = a + b + a:b,    a/b = a + a:b,    (a + b)**2 = a + b + a:b,    a + b - a = b

Terms are ordered by their number of factors, as R orders them. Source: G. N. Wilkinson and
C. E. Rogers (1973), "Symbolic description of factorial models for analysis of variance".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from kullback._core.errors import ModelError
from kullback.models.formula.syntax import Call, Everything, Name, Node, Number, Operation

Term: TypeAlias = tuple[Node, ...]
"""A product of factors, each once; the constant is ()."""

# By their factors, in whatever order: b:a is a:b.
_Terms: TypeAlias = dict[frozenset[Node], Term]

# (a + b + ...)**n and products of sums multiply the number of terms.
_MOST = 10_000

# The highest power of a sum: a term has at most as many factors as the sum has terms.
_HIGHEST = 20


def terms_of(
    signed: Sequence[tuple[str, Node]], everything: Sequence[str] = ()
) -> tuple[Term, ...]:
    """Return the terms of a parsed formula, in order.

    Args:
        signed: what ``syntax.parse`` returns.
        everything: the columns that a full stop stands for.

    Raises:
        ModelError: for what is not a term.
    """
    found = _terms(())
    for sign, node in signed:
        if node == Number(0.0):
            own, add = _terms(()), sign == "-"
        else:
            own, add = _expanded(node, everything), sign == "+"
        found = _join(found, own) if add else _without(found, own)
    return tuple(sorted(found.values(), key=len))


def names_in(node: Node) -> Iterator[str]:
    """The columns that a node names, in their order."""
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Operation):
        for side in (node.left, node.right):
            if side is not None:
                yield from names_in(side)
    elif isinstance(node, Call):
        for argument in node.arguments[:1]:  # what follows are options
            yield from names_in(argument)


def _expanded(node: Node, everything: Sequence[str]) -> _Terms:
    if isinstance(node, Name | Call):
        return _terms((node,))
    if isinstance(node, Everything):
        return _terms(*((Name(name),) for name in everything))
    if node == Number(1.0):
        return _terms(())
    if isinstance(node, Operation) and node.left is not None:
        if node.operator == "**":
            return _power(node, everything)
        left, right = _expanded(node.left, everything), _expanded(node.right, everything)
        if node.operator == "+":
            return _join(left, right)
        if node.operator == "-":
            return _without(left, right)
        if node.operator == ":":
            return _product(left, right)
        if node.operator == "*":
            return _join(left, right, _product(left, right))
        nested = tuple(dict.fromkeys(factor for term in left.values() for factor in term))
        return _join(left, _product(_terms(nested), right))
    raise ModelError(
        f"{node} is not a term of a formula: arithmetic is written within I(), such as I(2*x)."
    )


def _power(node: Operation, everything: Sequence[str]) -> _Terms:
    assert node.left is not None
    power = node.right.value if isinstance(node.right, Number) else 0.0
    if power not in range(1, _HIGHEST + 1):
        raise ModelError(
            f"the power in {node} must be a whole number from 1 to {_HIGHEST}; the power of a "
            "column is written I(x**2)."
        )
    left = _expanded(node.left, everything)
    if power > 1 and isinstance(node.left, Name | Call):
        category = isinstance(node.left, Call) and node.left.function == "C"
        instead = f"I({node}), or poly({node.left}, {int(power)})"
        raise ModelError(
            f"{node} would be {node.left} itself, as ** makes the products of different terms: "
            + ("leave it out." if category else f"the power of a number is written {instead}.")
        )
    out = left
    for _ in range(int(power) - 1):
        out = _join(out, _product(out, left))
    return out


def _terms(*terms: Term) -> _Terms:
    found: _Terms = {}
    for term in terms:
        found.setdefault(frozenset(term), tuple(dict.fromkeys(term)))
    return found


def _join(*parts: _Terms) -> _Terms:
    return _terms(*(term for part in parts for term in part.values()))


def _without(left: _Terms, right: _Terms) -> _Terms:
    return {factors: term for factors, term in left.items() if factors not in right}


def _product(left: _Terms, right: _Terms) -> _Terms:
    if len(left) * len(right) > _MOST:
        raise ModelError(f"a formula has at most {_MOST:,} terms: this one has more.")
    return _terms(*((*a, *b) for a in left.values() for b in right.values()))
