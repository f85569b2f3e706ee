"""The syntax of formulas: a text becomes a tree of names, numbers, calls and operations.

Nothing is evaluated. What is not in the grammar is refused with its place; there are no attributes,
indices, comparisons or quotes around names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, TypeAlias, final

from kullback._core.errors import ModelError, did_you_mean

# A formula of a thousand columns is shorter; what is longer was not written by hand.
_LONGEST = 10_000

# No one nests as deep or writes terms as long, and Python's own stack would end.
_DEEPEST, _MOST_OPERATORS = 30, 100

# How much of a formula a message shows around the place of an error.
_SHOWN = 30

# The functions of a formula.
FUNCTIONS = ("C", "I", "log", "exp", "sqrt", "center", "scale", "poly", "bs", "cs")

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![^\W\d])"
    r"|(?P<name>[^\W\d]\w*)"
    r"|(?P<text>\"[^\"\\]*\"|'[^'\\]*')"
    r"|(?P<sign>\*\*|[-+*/:(),=\[\].]))"
)

# How tightly operators bind: a + b:c is a + (b:c).
_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2, ":": 3, "**": 5}
_SIGN_BINDS = 4


@final
@dataclass(frozen=True)
class Name:
    """A column, or True or False among arguments."""

    name: str

    def __str__(self) -> str:
        return self.name


@final
@dataclass(frozen=True)
class Number:
    """A number."""

    value: float

    def __str__(self) -> str:
        whole = self.value.is_integer() and abs(self.value) < 1e15
        return str(int(self.value)) if whole else repr(self.value)


@final
@dataclass(frozen=True)
class Text:
    """A text, such as the name of a level."""

    value: str

    def __str__(self) -> str:
        return f'"{self.value}"'


@final
@dataclass(frozen=True)
class Everything:
    """The full stop: every other column."""

    def __str__(self) -> str:
        return "."


@final
@dataclass(frozen=True)
class Listing:
    """Values in square brackets."""

    values: tuple[Node, ...]

    def __str__(self) -> str:
        return f"[{', '.join(map(str, self.values))}]"


@final
@dataclass(frozen=True)
class Call:
    """A call of one of the functions."""

    function: str
    arguments: tuple[Node, ...]
    options: tuple[tuple[str, Node], ...] = ()

    def __str__(self) -> str:
        options = (f"{name}={value}" for name, value in self.options)
        return f"{self.function}({', '.join([*map(str, self.arguments), *options])})"


@final
@dataclass(frozen=True)
class Operation:
    """An operator between two nodes; or a sign, the left of which is None."""

    operator: str
    left: Node | None
    right: Node

    def __str__(self) -> str:
        if self.left is None:
            return f"{self.operator}{_within(self.right, _SIGN_BINDS)}"
        binds = _BINDS[self.operator]
        space = " " if binds < 3 else ""
        left = _within(self.left, binds + (self.operator == "**"))
        right = _within(self.right, binds + (self.operator != "**"))
        return f"{left}{space}{self.operator}{space}{right}"


Node: TypeAlias = Name | Number | Text | Everything | Listing | Call | Operation


def _within(node: Node, binds: int) -> str:
    """The text of a node, in parentheses where the operator around it binds more tightly."""
    if isinstance(node, Operation):
        own = _SIGN_BINDS if node.left is None else _BINDS[node.operator]
        return f"({node})" if own < binds else str(node)
    return str(node)


@final
@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def parse(text: str) -> tuple[tuple[str, Node], ...]:
    """Parse the right side of a formula, with or without its "~": terms with their signs.

    Args:
        text: such as "~ age + C(region)".

    Raises:
        ModelError: with the place of what is not in the grammar.
    """
    if len(text) > _LONGEST:
        raise ModelError(
            f"a formula has at most {_LONGEST:,} characters, got {len(text):,}: {text[:_SHOWN]!r}…"
        )
    return _Parser(text).whole()


@final
class _Parser:
    """Precedence climbing over the tokens of a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        start = len(text) - len(text.lstrip())
        start += text[start : start + 1] == "~"
        self.tokens = list(self._tokens(start))
        self.next = self.depth = self.operators = 0

    def _tokens(self, at: int) -> Iterator[_Token]:
        end = len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None:
                at += len(self.text[at:]) - len(self.text[at:].lstrip())
                self.refuse(at, _why_not(self.text, at))
            kind = str(match.lastgroup)
            token = _Token(kind, match[kind], match.start(kind))
            if kind == "name" and "__" in token.text:
                self.refuse(token.at, f"{token.text} is not a name that a formula may have")
            yield token
            at = match.end()
        yield _Token("end", "", end)

    def refuse(self, at: int, why: str) -> NoReturn:
        """Raise an error that shows the place."""
        begin = max(0, at - _SHOWN)
        shown = f"{'…' * (begin > 0)}{self.text[begin:at]}⟨here⟩{self.text[at : at + _SHOWN]}"
        raise ModelError(f"{why}, in {shown!r}.")

    @property
    def token(self) -> _Token:
        return self.tokens[self.next]

    def accept(self, sign: str) -> bool:
        """Whether the next token is this sign, which is then taken."""
        found = self.token.kind == "sign" and self.token.text == sign
        self.next += found
        return found

    def expect(self, sign: str) -> None:
        if not self.accept(sign):
            found = repr(self.token.text) if self.token.text else "the end"
            self.refuse(self.token.at, f"{sign!r} is missing before {found}")

    def whole(self) -> tuple[tuple[str, Node], ...]:
        if self.token.kind == "end":
            self.refuse(self.token.at, 'a formula needs a term: "~ 1" is a constant')
        found: list[tuple[str, Node]] = []
        while not found or self.token.kind != "end":
            sign = self.token.text if self.token.kind == "sign" else ""
            if sign in ("+", "-"):
                self.next += 1
            elif found:
                self.refuse(self.token.at, f"{self.token.text!r} cannot stand here")
            self.operators = 0
            found.append((sign if sign == "-" else "+", self.operation(_BINDS["*"])))
        return tuple(found)

    def operation(self, least: int) -> Node:
        """Parse operands joined by operators that bind at least so tightly."""
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse(self.token.at, f"parentheses are nested more than {_DEEPEST} deep")
        if self.token.kind == "sign" and self.token.text in "+-":
            sign = self.token.text
            self.next += 1
            node: Node = Operation(sign, None, self.operation(_SIGN_BINDS))
        else:
            node = self.operand()
        while self.token.kind == "sign" and _BINDS.get(self.token.text, -1) >= least:
            operator = self.token.text
            self.next += 1
            self.operators += 1
            if self.operators > _MOST_OPERATORS:
                self.refuse(self.token.at, f"a term has at most {_MOST_OPERATORS} operators")
            # a power's exponent is what follows, also another power or a sign
            right = _SIGN_BINDS if operator == "**" else _BINDS[operator] + 1
            node = Operation(operator, node, self.operation(right))
        self.depth -= 1
        return node

    def operand(self) -> Node:
        token = self.token
        self.next += 1
        if token.kind == "number":
            return Number(float(token.text))
        if token.kind == "text":
            return Text(token.text[1:-1])
        if token.kind == "name":
            if self.accept("("):
                return self.call(token)
            if self.token.text == ".":
                self.refuse(token.at, _attribute(token.text, self.tokens[self.next + 1].text))
            return Name(token.text)
        if token.text == ".":
            return Everything()
        if token.text == "(":
            node = self.operation(0)
            self.expect(")")
            return node
        if token.text != "[":
            what = f"before {token.text!r}" if token.text else "at the end"
            self.refuse(token.at, f"a term is missing {what}")
        return Listing(self.listing("]"))

    def listing(self, end: str) -> tuple[Node, ...]:
        values: list[Node] = []
        while not self.accept(end):
            if values:
                self.expect(",")
            values.append(self.operation(0))
        return tuple(values)

    def call(self, function: _Token) -> Call:
        name = function.text
        if name not in FUNCTIONS:
            known = _ELSEWHERE.get(name)
            if known:
                self.refuse(function.at, f"{name}() is not a function of formulas: {known}")
            hint = did_you_mean(name, FUNCTIONS) or "."
            self.refuse(
                function.at,
                f"{name}() is not a function of formulas{hint} There are {', '.join(FUNCTIONS)}",
            )
        arguments: list[Node] = []
        options: dict[str, Node] = {}
        while not self.accept(")"):
            if arguments or options:
                self.expect(",")
            at, following = self.token, self.tokens[self.next + 1 : self.next + 2]
            if at.kind == "name" and following and following[0].text == "=":
                if at.text in options:
                    self.refuse(at.at, f"{at.text} is given twice")
                self.next += 2
                options[at.text] = self.operation(0)
            elif options:
                self.refuse(at.at, "an argument without a name cannot follow one with a name")
            else:
                arguments.append(self.operation(0))
        return Call(name, tuple(arguments), tuple(options.items()))


# Functions of other programs' formulas, and what to write here.
_SMOOTH = "write a spline, such as bs(x, df=5) or cs(x, df=5)"
_ELSEWHERE = {
    **dict.fromkeys(("factor", "as_factor", "ordered", "categorical"), "write C(x)"),
    **dict.fromkeys(("relevel", "Treatment", "Sum"), 'write C(x, reference="b")'),
    **dict.fromkeys(("s", "te", "ti", "lo", "pb"), _SMOOTH),
    **dict.fromkeys(("ns", "cr", "rcs"), "write cs(x, df=5), a natural cubic spline"),
    **dict.fromkeys(("log10", "log2"), "write log(x), whose coefficient is in another unit"),
    "log1p": "write log(1 + x)",
    "expm1": "write I(exp(x) - 1)",
    "offset": 'write kl.Formula("~ ...", offset="x"), or exposure="x" for offset(log(x))',
    **dict.fromkeys(("standardize", "zscore"), "write scale(x)"),
    **dict.fromkeys(("abs", "round", "ifelse", "where", "cut"), "make a column of it"),
}


def _attribute(owner: str, name: str) -> str:
    """Say what to write for np.log(x)."""
    if name in FUNCTIONS:
        return f"write {name}(x), not {owner}.{name}(x)"
    return f"{owner}.{name} is an attribute, which formulas do not have; rename the column"


_REFUSED = {
    "`": "backticks are not part of formulas: rename the column",
    "{": "braces are not part of formulas: make a column, or use kl.Function",
    "}": "braces are not part of formulas: make a column, or use kl.Function",
    "^": "write ** for a power",
    "|": "conditions are not part of formulas",
    **dict.fromkeys("<>!", "comparisons are not part of formulas: make a column of it"),
    "~": 'a formula has one "~", at its beginning: the outcome is the y of kl.fit',
    "%": "write a/b for a + a:b, b within a",
    '"': "a text lacks its closing quote",
    "'": "a text lacks its closing quote",
}


def _why_not(text: str, at: int) -> str:
    return _REFUSED.get(text[at], f"{text[at]!r} is not part of formulas")
