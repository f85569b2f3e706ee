"""Formulas, written once: as a line of text for a terminal, and as MathML for a page."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

from markupsafe import escape

_TOKEN = re.compile(
    r"\s*(?:"
    r'"(?P<quoted>[^"]*)"'
    r"|(?P<word>arg max|arg min|[^\W\d_]\u0302|[^\W\d_]+)"
    r"|(?P<number>\d+)"
    r"|(?P<sign>\S))"
)

# What has its index below it, and not beside it.
_ABOVE = ("Σ", "Π", "arg max", "arg min")

# What is written without parentheses, and so needs a space after it.
_SPACED = ("log", *_ABOVE)

# After these a minus belongs to one number, and a logarithm needs no space before it.
_OPENING = ("", "=", "(", "[", "{", "−", "·")

# A browser makes these as large as a sum and a product should be.
_LARGE = {"Σ": "∑", "Π": "∏"}

# Signs that a browser would stretch to the height of a fraction, or space like a relation.
_FENCES = "()[]|‖"

_SPACE = '<mspace width="0.17em"/>'

_LOWERED = {"i": "ᵢ", "m": "ₘ", "1": "₁", "θ": "θ"}

# A quantity has one colour everywhere: in pictures, sentences and formulas.
_QUANTITIES = (
    (re.compile(r"[Hh]\([^(),]+, [^(),]+\)"), "cross"),
    (re.compile(r"D\([^()]+‖[^()]+\)"), "relative"),
    (re.compile(r"[Hh]\([^(),]+\)"), "entropy"),
)


@final
@dataclass(frozen=True)
class Formula:
    """A displayed formula.

    The source is the formula's text, with ``_`` and ``^`` for indices and powers, ``{a / b}`` for a
    fraction, and ``"..."`` for words. Of several lines the relations are aligned.

    >>> print(Formula("H(p) = Σ_x p(x) log {1 / p(x)}").text)
    H(p) = Σ p(x) log (1/p(x))
    >>> Formula("x_i").mathml
    '<math display="block" alttext="xᵢ"><mrow><msub><mi>x</mi><mi>i</mi></msub></mrow></math>'
    """

    source: str

    @property
    def text(self) -> str:
        """The formula in one line of characters for each of its lines."""
        text = re.sub(r"(Σ|Π|arg max|arg min)_(\{[^}]*\}|\S)", r"\1", self.source)
        text = re.sub(r"([_^])\{(\w+?)_(\w)\}", r"\1\2_\3", text)
        text = re.sub(r"= \{([^{}]*?) / ([^{}]*?)\}$", r"= \1 / \2", text)
        text = re.sub(r"\{([^{}]*?) / ([^{}]*?)\}", r"(\1/\2)", text)
        text = re.sub(r"_\{([^{}]*)\}", r"_\1", text).replace('"', "")
        return re.sub(r"_([im1θ])(?!\w)", lambda found: _LOWERED[found[1]], text)

    @property
    def mathml(self) -> str:
        """The formula as a MathML element."""
        lines = self.source.splitlines()
        if len(lines) == 1:
            body = _row(self.source)
        else:
            rows = (re.fullmatch(r"(.*?)\s*(=.*)", line) for line in lines)
            body = "".join(
                f"<mtr><mtd>{_row(row[1])}</mtd><mtd>{_row(row[2])}</mtd></mtr>"
                for row in rows
                if row
            )
            body = f'<mtable displaystyle="true">{body}</mtable>'
        spoken = escape(" ".join(line.strip() for line in self.text.splitlines()))
        return f'<math display="block" alttext="{spoken}">{body}</math>'


def coloured(text: str) -> list[tuple[str, str]]:
    """Split a text into quantities, each with its kind, and the rest, of kind "".

    >>> coloured("H(p) is 0")
    [('H(p)', 'entropy'), (' is 0', '')]
    """
    for pattern, kind in _QUANTITIES:
        found = pattern.search(text)
        if found:
            before, after = text[: found.start()], text[found.end() :]
            return [*coloured(before), (found[0], kind), *coloured(after)]
    return [(text, "")] if text else []


def _row(source: str) -> str:
    parts = []
    for text, kind in coloured(source):
        inside = _sequence(_tokens(text))
        parts.append(f'<mrow class="{kind}">{inside}</mrow>' if kind else inside)
    return f"<mrow>{''.join(parts)}</mrow>"


def _tokens(source: str) -> list[tuple[str, str]]:
    """Return the tokens in reverse, each with its kind, so that the next is popped from the end."""
    found = [(str(match.lastgroup), match) for match in _TOKEN.finditer(source)]
    return [(kind, match[kind]) for kind, match in reversed(found)]


def _sequence(tokens: list[tuple[str, str]]) -> str:
    """Read up to a closing brace or the end."""
    parts: list[str] = []
    before = ""
    while tokens and tokens[-1] != ("sign", "}"):
        kind, text = tokens[-1]
        if text == "log" and before not in _OPENING:
            parts.append(_SPACE)
        element = _element(tokens)
        if text == "−" and before in (*_OPENING, *_SPACED):
            element = '<mo form="prefix">−</mo>'
        tag = "under" if text in _ABOVE else "sub"
        while tokens and tokens[-1][1] in ("_", "^"):
            below = tokens.pop()[1] == "_"
            index = _element(tokens)
            name = f"m{tag}" if below else "msup"
            element = f"<{name}>{element}{index}</{name}>"
        parts.append(element)
        if kind != "quoted" and text in _SPACED and not (tokens and tokens[-1][1] in "(}"):
            parts.append(_SPACE)
        before = text
    return "".join(parts)


def _element(tokens: list[tuple[str, str]]) -> str:
    kind, text = tokens.pop()
    if kind == "quoted":
        return f"<mtext>{escape(text)}</mtext>"
    if kind == "number":
        return f"<mn>{text}</mn>"
    if kind == "word":
        return f"<mo>{_LARGE[text]}</mo>" if text in _LARGE else f"<mi>{text}</mi>"
    if text != "{":
        fence = ' stretchy="false"' if text in _FENCES else ""
        return f"<mo{fence}>{escape(text)}</mo>"
    inside = _group(tokens)
    tokens.pop()  # the closing brace
    return inside


def _group(tokens: list[tuple[str, str]]) -> str:
    """Read what is in braces: a fraction where it has a slash."""
    depth, slash = 0, None
    for i in range(len(tokens) - 1, -1, -1):
        sign = tokens[i][1] if tokens[i][0] == "sign" else ""
        depth += (sign == "{") - (sign == "}")
        if depth < 0:
            break
        if depth == 0 and sign == "/":
            slash = i
    if slash is None:
        return f"<mrow>{_sequence(tokens)}</mrow>"
    numerator = _sequence(above := tokens[slash + 1 :])
    assert not above
    del tokens[slash:]
    return f"<mfrac><mrow>{numerator}</mrow><mrow>{_sequence(tokens)}</mrow></mfrac>"
