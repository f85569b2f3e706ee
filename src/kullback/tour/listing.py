"""A listing: lines of Python that are shown, and run as shown."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import Any, final

import numpy as np


@final
@dataclass(frozen=True)
class Line:
    """A statement as shown, and its output.

    Attributes:
        code: the statement, with the comments before it.
        shown: its value as a prompt would print it; empty for a statement without one.
    """

    code: str
    shown: str


def run(source: str, namespace: dict[str, Any]) -> tuple[Line, ...]:
    """Run a listing as a session at a prompt, and return each statement with its output.

    Likelihoods underflow here on purpose, so NumPy's warnings are off.

    Args:
        source: Python statements.
        namespace: the names that they may use; the names that they define are added.
    """
    text = source.strip("\n").splitlines()
    lines, start = [], 0
    with np.errstate(all="ignore"):
        for statement in ast.parse("\n".join(text)).body:
            end = statement.end_lineno or statement.lineno
            code, start = "\n".join(text[start:end]).strip("\n"), end
            if isinstance(statement, ast.Expr):
                expression = compile(ast.Expression(statement.value), "<tour>", "eval")
                lines.append(Line(code, _shown(eval(expression, namespace))))
            else:
                exec(compile(ast.Module([statement], []), "<tour>", "exec"), namespace)
                lines.append(Line(code, ""))
    return tuple(lines)


def _shown(value: Any) -> str:
    """Show a value as Python does, and NumPy's numbers as plain ones."""
    if isinstance(value, np.ndarray):
        return "[" + ", ".join(f"{item:.6g}" for item in value.ravel()) + "]"
    return repr(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        # A double always holds fifteen digits; beyond them two computations of the same number may
        # differ by rounding.
        return float(f"{value:.15g}")
    if isinstance(value, tuple | list):
        return type(value)(_plain(item) for item in value)
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return value
