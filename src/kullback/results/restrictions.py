"""Linear restrictions on the numbers of a model, as text: ``"shape = 1"``, ``"2*a - b = 0"``.

A restriction is a sum of numbers and names, each name with a factor where one is wanted, and at
most one sign of equality; without one it is that the sum is 0.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import final

from kullback._core.errors import KullbackError, did_you_mean

_NONE: Mapping[str, Sequence[str]] = MappingProxyType({})

# Names that a message lists.
_SHOWN = 20

# After a known name: a number, a name with whatever is in its brackets, or a sign.
_OTHERS = (
    r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[^\W\d][\w.:]*(?:\[[^\]]*\]+[\w.:]*)*)"
    r"|(?P<sign>[-+*/=−]))"
)

# A category as formulas write it; its numbers are named without.
_CATEGORY = re.compile(r"\bC\(\s*([^\W\d][\w.]*)\s*\)")

# Between these pieces of a name spaces do not count.
_PIECES = re.compile(r"\w+|[^\w\s]")


def _tokens(names: Iterable[str]) -> re.Pattern[str]:
    """A pattern of tokens: known names, which may hold any sign, the longest first.

    Spaces within a name may be left out or added, as in I(x**2). A name that goes on is another.
    """
    each = sorted(names, key=len, reverse=True)
    known = "|".join(r"\s*".join(map(re.escape, _PIECES.findall(name))) for name in each)
    return re.compile(rf"\s*(?:(?P<known>(?:{known or '(?!)'})(?![\w.:\[(])){_OTHERS}")


def _spelled(name: str) -> str:
    """A name without its spaces."""
    return "".join(name.split())


@final
@dataclass(frozen=True)
class Restriction:
    """Σ factor · number = value.

    Attributes:
        text: as it was given.
        factors: by name of the number.
        value: the right side.
    """

    text: str
    factors: Mapping[str, float]
    value: float


def parse_restrictions(
    texts: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    fixed: Sequence[str],
    ambiguous: Mapping[str, Sequence[str]] = _NONE,
    references: Collection[str] = (),
) -> list[Restriction]:
    """Read restrictions; a name alone that stands for several numbers restricts each of them to 0.

    Args:
        texts: the restrictions.
        groups: the numbers that a name stands for: itself, or all of a term's or a parameter's.
        fixed: numbers that are known and not estimated.
        ambiguous: names that stand for several things, with the full name of each.
        references: names of levels without a coefficient.

    Raises:
        KullbackError: with the place in the text where it is wrong.
    """
    out: list[Restriction] = []
    tokens = _tokens({*groups, *ambiguous, *fixed, *references})
    for text in (_CATEGORY.sub(r"\1", text) for text in texts):
        reader = _Reader(text, tokens, groups, fixed, ambiguous, references)
        alone = reader.alone
        if alone not in ambiguous and len(groups.get(alone, ())) > 1:
            out += [Restriction(f"{name} = 0", {name: 1.0}, 0.0) for name in groups[alone]]
        else:
            out.append(reader.read())
    return out


@final
class _Reader:
    """Reads one restriction from left to right."""

    def __init__(
        self,
        text: str,
        tokens: re.Pattern[str],
        groups: Mapping[str, Sequence[str]],
        fixed: Sequence[str],
        ambiguous: Mapping[str, Sequence[str]],
        references: Collection[str],
    ) -> None:
        self.text, self.groups, self.fixed = text, groups, fixed
        self.ambiguous, self.references = ambiguous, references
        spelled = {_spelled(name): name for name in (*groups, *ambiguous, *fixed, *references)}
        self.tokens: list[tuple[str, str, int]] = []
        place = 0
        while text[place:].strip():
            found = tokens.match(text, place)
            if found is None:
                place = len(text) - len(text[place:].lstrip())
                raise self._error(f"{text[place]!r} is not a number, a name or + - * / =", place)
            kind, own = str(found.lastgroup), found[str(found.lastgroup)]
            start, place = found.start(kind), found.end()
            if kind == "known":
                kind, own = "name", spelled[_spelled(own)]
            self.tokens.append((kind, own.replace("−", "-") if kind == "sign" else own, start))

    @property
    def alone(self) -> str:
        """The name, where the restriction is nothing else; else empty."""
        names = [text for kind, text, _ in self.tokens if kind == "name"]
        return names[0] if len(names) == len(self.tokens) == 1 else ""

    def read(self) -> Restriction:
        """Read both sides."""
        factors: dict[str, float] = {}
        value = self._side(factors, 1.0)
        if self._next == "=":
            self.tokens.pop(0)
            value += self._side(factors, -1.0)
        if self.tokens:
            raise self._error("needs +, -, * or / here, or one '='", self._place)
        if not any(factors.values()):
            raise KullbackError(f"the restriction {self.text!r} restricts no number of the model.")
        return Restriction(self.text.strip(), factors, 0.0 - value)

    def _side(self, factors: dict[str, float], sign: float) -> float:
        """Add the terms of a side to the factors; return the sum of its numbers."""
        total, first = 0.0, True
        while first or self._next in ("+", "-"):
            own, first = sign, False
            while self._next in ("+", "-"):
                own = -own if self.tokens.pop(0)[1] == "-" else own
            name, factor = self._term()
            if name is None:
                total += own * factor
            else:
                factors[name] = factors.get(name, 0.0) + own * factor
        return total

    def _term(self) -> tuple[str | None, float]:
        """Read a product of numbers and at most one name."""
        name, factor = self._factor()
        while self._next in ("*", "/"):
            sign, place = self.tokens.pop(0)[1], self._place
            other, number = self._factor()
            if other is not None and (name is not None or sign == "/"):
                raise self._error("a restriction is linear in the numbers of the model", place)
            if sign == "/" and number == 0.0:
                raise self._error("this divides by 0", place)
            name, factor = name or other, factor * number if sign == "*" else factor / number
        return name, factor

    def _factor(self) -> tuple[str | None, float]:
        """Read a number or a name."""
        place = self._place
        if not self.tokens or self.tokens[0][0] == "sign":
            raise self._error("a number or a name is missing", place)
        kind, text, _ = self.tokens.pop(0)
        if kind == "number":
            return None, float(text)
        names = self.groups.get(text, ())
        if text in self.ambiguous:
            named = " or ".join(self.ambiguous[text])
            raise self._error(f"{text} is several: write {named}", place)
        if text in self.references and text not in self.groups:
            raise self._error(
                f"{text} is the reference level, whose coefficient is 0: leave it out", place
            )
        if text in self.fixed:
            raise self._error(f"{text} is fixed, not estimated", place)
        if len(names) > 1:
            named = ", ".join(names)
            raise self._error(f"{text} has {len(names)} numbers, name one of {named}", place)
        if not names:
            hint = did_you_mean(text, self.groups)
            known = ", ".join(list(self.groups)[:_SHOWN])
            known += ", …" if len(self.groups) > _SHOWN else ""
            raise self._error(
                f"no estimated number is named {text!r}{hint or '.'} The names are {known}", place
            )
        return names[0], 1.0

    @property
    def _next(self) -> str:
        """The text of the next token; empty at the end."""
        return self.tokens[0][1] if self.tokens else ""

    @property
    def _place(self) -> int:
        """Where the next token begins."""
        return self.tokens[0][2] if self.tokens else len(self.text)

    def _error(self, what: str, place: int) -> KullbackError:
        return KullbackError(
            f"a restriction is wrong at the mark: {what}.\n  {self.text}\n  {' ' * place}^"
        )
