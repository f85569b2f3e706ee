"""Formulas of docstrings: read as they are written there, evaluated, and set as MathML.

The notation is that of the docstrings: ``rate^shape x^(shape−1) e^(−rate x) / Γ(shape)``. Factors
side by side are multiplied; ``/`` divides all of its product so far; a name directly before a
parenthesis is a function if it is one of ``FUNCTIONS`` or a letter of ``LETTERS``.

>>> evaluate("2 φ(z) Φ(shape z)/scale", {"z": 0.0, "shape": 1.0, "scale": 2.0}) == normal_density(
...     0.0
... ) / 2
True
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from html import escape
from typing import Any

import scipy.special


def normal_density(z: float) -> float:
    return math.exp(-z * z / 2) / math.sqrt(2 * math.pi)


FUNCTIONS = {
    "Γ": scipy.special.gamma,
    "B": scipy.special.beta,
    "C": scipy.special.binom,
    "ζ": scipy.special.zeta,
    "I₀": scipy.special.i0,
    "Φ": scipy.special.ndtr,
    "φ": normal_density,
    **{name: getattr(math, name) for name in ("exp", "log", "sin", "cos", "cosh", "sinh")},
}
LETTERS = "HDIPqhf"
CONSTANTS = {"π": math.pi, "e": math.e, "γ": 0.5772156649015329}
POWERS = {"²": "2", "³": "3"}
RELATIONS = "=≤≥<>≠≈"
TOKEN = re.compile(
    r"(?P<space>\s*)(?:(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z]\w*?(?=[²³])|I₀|[A-Za-z]\w*|[α-ωΑ-Ωℓ]['′]?)"
    r"|(?P<sign>\.\.\.|[-+−·×/^()\[\],;|‖!√Σ∫∂²³=≤≥<>≠≈…]))"
)
OPENING = "([|√"

Node = tuple[Any, ...]


class NotAFormula(ValueError):  # noqa: N818
    """The text is not in the notation."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str, bool]] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if found is None:
                raise NotAFormula(text[at:])
            kind = str(found.lastgroup)
            self.tokens.append((kind, found[kind], bool(found["space"])))
            at = found.end()
        self.at = 0

    def next(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self, *wanted: str) -> str:
        if wanted and self.next() not in wanted:
            raise NotAFormula(f"{self.next()!r} in place of {wanted}")
        self.at += 1
        return self.tokens[self.at - 1][1]

    def relation(self) -> Node:
        parts: list[Any] = [self.sum()]
        while self.next() and self.next() in RELATIONS:
            parts += [self.take(), self.sum()]
        return ("relation", *parts) if len(parts) > 1 else parts[0]

    def sum(self) -> Node:
        sign = self.take() if self.next() in ("−", "-", "+") else ""
        parts: list[Any] = [("negative", self.term()) if sign in ("−", "-") else self.term()]
        while self.next() in ("+", "−", "-"):
            parts += [self.take().replace("-", "−"), self.term()]
        return ("sum", *parts) if len(parts) > 1 else parts[0]

    def term(self) -> Node:
        found = self.power()
        while True:
            if self.next() == "/":
                self.take()
                found = ("quotient", found, self.power())
            elif self.next() in ("·", "×"):
                found = ("product", found, self.take(), self.power())
            elif self.starts():
                found = ("product", found, "", self.power())
            else:
                return found

    def starts(self) -> bool:
        if self.at >= len(self.tokens):
            return False
        kind, text, _ = self.tokens[self.at]
        return kind in ("number", "name") or text in ("(", "√", "Σ", "∂")

    def power(self) -> Node:
        found = self.atom()
        while True:
            if self.next() in POWERS:
                found = ("power", found, ("number", POWERS[self.take()]))
            elif self.next() == "^":
                self.take()
                negative = self.next() in ("−", "-") and bool(self.take())
                exponent = self.atom()
                found = ("power", found, ("negative", exponent) if negative else exponent)
            elif self.next() == "!":
                self.take()
                found = ("factorial", found)
            else:
                return found

    def atom(self) -> Node:
        if self.at >= len(self.tokens):
            raise NotAFormula("the end")
        kind, text, _ = self.tokens[self.at]
        self.take()
        if kind == "number":
            return ("number", text)
        if kind == "name":
            follows = self.tokens[self.at] if self.at < len(self.tokens) else ("", "", True)
            function = text in FUNCTIONS or text in LETTERS
            if follows[1] == "(" and not follows[2] and function:
                self.take()
                return ("call", text, *self.arguments(")"))
            if text in ("log", "exp", "sin", "cos"):
                return ("call", text, self.power())
            return ("name", text)
        if text in ("Σ", "∫", "∂"):
            return ("large", text, self.term())
        if text == "√":
            return ("root", self.atom())
        if text == "|":
            inner = self.sum()
            self.take("|")
            return ("absolute", inner)
        if text in ("(", "["):
            return ("group", text, *self.arguments(")" if text == "(" else "]"))
        if text in ("…", "..."):
            return ("name", "…")
        raise NotAFormula(text)

    def arguments(self, closing: str) -> list[Any]:
        parts: list[Any] = [self.relation()]
        while self.next() in (",", ";", "‖", "|"):
            parts += [self.take(), self.relation()]
        self.take(closing)
        return parts


def read(text: str) -> Node:
    """Read a formula; raise NotAFormula for anything else."""
    reader = _Reader(text)
    found = reader.relation()
    if reader.next():
        raise NotAFormula(reader.next())
    return found


def evaluate(text: str, values: Mapping[str, float]) -> float:
    """Evaluate a formula at values of its names."""
    return _value(read(text), {**CONSTANTS, **values})


def _value(node: Node, values: Mapping[str, float]) -> float:
    kind, *parts = node
    if kind == "number":
        return float(parts[0])
    if kind == "name":
        return values[parts[0]]
    if kind == "call":
        return float(FUNCTIONS[parts[0]](*(_value(part, values) for part in parts[1::2])))
    if kind == "sum":
        signs = ["+", *parts[1::2]]
        terms = [_value(part, values) for part in parts[::2]]
        return sum(t if s == "+" else -t for s, t in zip(signs, terms, strict=True))
    if kind == "group":
        return _value(parts[1], values)
    inner = [_value(part, values) for part in parts if isinstance(part, tuple)]
    return {
        "negative": lambda a: -a,
        "quotient": lambda a, b: a / b,
        "product": lambda a, b: a * b,
        "power": lambda a, b: a**b,
        "factorial": lambda a: math.gamma(a + 1),
        "root": math.sqrt,
        "absolute": abs,
    }[kind](*inner)


def mathml(text: str, display: bool = False) -> str:
    """Set a formula: a MathML element, with the text itself for those who cannot see it."""
    block = ' display="block"' if display else ""
    return f'<math{block} alttext="{escape(text)}"><mrow>{_set(read(text))}</mrow></math>'


def _tall(node: Any, small: bool) -> bool:
    """Whether a node is higher than a line: only then do its parentheses grow."""
    if not isinstance(node, tuple):
        return False
    kind, *parts = node
    if kind == "quotient":
        return not small
    inside = parts[:1] if kind == "power" else parts
    return any(_tall(part, small) for part in inside)


def _bare(node: Node, small: bool = False) -> str:
    """Set a node without the parentheses that a fraction, a root or an exponent makes needless."""
    inside = node[2] if node[0] == "group" and len(node) == 3 else node
    return f"<mrow>{_set(inside, small)}</mrow>"


def _sign(text: str, grows: bool | None = None) -> str:
    stretchy = "" if grows is None else f' stretchy="{str(grows).lower()}"'
    return f"<mo{stretchy}>{escape(text)}</mo>"


def _set(node: Node, small: bool = False) -> str:
    kind, *parts = node

    def listed(parts: list[Any]) -> str:
        return "".join(_sign(p) if isinstance(p, str) else _set(p, small) for p in parts)

    if kind == "number":
        return f"<mn>{parts[0]}</mn>"
    if kind == "name":
        return f"<mi>{escape(parts[0])}</mi>"
    if kind in ("sum", "relation"):
        return listed(parts)
    if kind == "negative":
        return _sign("−") + _set(parts[0], small)
    if kind == "product":
        between = _sign(parts[1]) if parts[1] else '<mspace width="0.17em"/>'
        return _set(parts[0], small) + between + _set(parts[2], small)
    if kind == "quotient":
        if small:
            return _set(parts[0], small) + _sign("/") + _set(parts[1], small)
        return f"<mfrac>{_bare(parts[0])}{_bare(parts[1])}</mfrac>"
    if kind == "power":
        return f"<msup><mrow>{_set(parts[0], small)}</mrow>{_bare(parts[1], True)}</msup>"
    if kind == "factorial":
        return _set(parts[0], small) + _sign("!")
    if kind == "root":
        return f"<msqrt>{_bare(parts[0], small)}</msqrt>"
    if kind == "absolute":
        grows = _tall(parts[0], small)
        return _sign("|", grows) + _set(parts[0], small) + _sign("|", grows)
    if kind == "large":
        large = {"Σ": "∑"}.get(parts[0], parts[0])
        return _sign(large) + '<mspace width="0.17em"/>' + _set(parts[1], small)
    if kind == "call":
        name, *inner = parts
        if len(inner) == 1 and name in ("log", "sin", "cos") and inner[0][0] != "sum":
            return f'<mi>{name}</mi><mspace width="0.17em"/>{_set(inner[0], small)}'
        grows = any(_tall(part, small) for part in inner)
        body = _sign("(", grows) + listed(inner) + _sign(")", grows)
        return f"<mi>{escape(name)}</mi><mrow>{body}</mrow>"
    opening, *inner = parts  # a group
    closing = ")" if opening == "(" else "]"
    grows = any(_tall(part, small) for part in inner)
    return f"<mrow>{_sign(opening, grows)}{listed(inner)}{_sign(closing, grows)}</mrow>"


# ---- formulas in prose ---------------------------------------------------------------------------

START = re.compile(
    r"(?<![\w`(])[HDIPqh]\([^()`]*\) =|(?<=Density )|(?<=hazard )"
    r"|(?<![\w`])[A-Za-zθλδα] = (?=[^,.;:]*[/^√²])"
)


def found_in(text: str) -> list[tuple[int, int]]:
    """Where formulas stand in a line of prose: from a left side to where they stop being one."""
    places: list[tuple[int, int]] = []
    for match in START.finditer(text):
        if places and match.start() < places[-1][1]:
            continue
        stop = next_stop(text, match.end())
        piece = text[match.start() : stop].rstrip()
        try:
            read(piece)
        except NotAFormula:
            continue
        if re.search(r"[=/^(²]", piece):
            places.append((match.start(), match.start() + len(piece)))
    return places


def next_stop(text: str, start: int) -> int:
    """The end of a formula: a comma, colon, full stop or word of prose outside of parentheses."""
    depth = 0
    for at in range(start, len(text)):
        if text[at] in "([":
            depth += 1
        elif text[at] in ")]":
            depth -= 1
            if depth < 0:
                return at
        elif depth == 0 and re.match(
            r"[,;:](?:\s|$)|\.(?:\s|$)|`| (?:with|for|of|where|in|and|at|is|a|the|from|\(GP)\b",
            text[at:],
        ):
            return at
    return len(text)
