"""Models written as text, "Truncated(Gamma(shape=2), lower=1)": read, and never run."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import kullback
from kullback._core.errors import ModelError, did_you_mean

# Calls in calls: no model needs as many, and Python's parser has its own limit.
_LONGEST = 1_000


def model_of_text(
    text: str, known: Mapping[str, type[kullback.Model]], key: Callable[[str], str]
) -> kullback.Model:
    """Read a model that is written as a call: of numbers, texts, ? for free parameters, and models.

    Texts are formulas, "Weibull(scale='~ age')", and names of columns; ``Formula`` and ``Ridge``
    take their options as in Python.

    Args:
        text: the model.
        known: the models by name.
        key: what is compared of a name.

    Raises:
        ModelError: for anything else.
    """
    if len(text) > _LONGEST:
        raise ModelError(f"--model has {len(text):,} characters: at most {_LONGEST:,} are read.")
    try:
        # ? is a free parameter, as models are shown, and not an expression of Python
        tree = ast.parse(text.strip().replace("=?", "=None"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ModelError(f'--model "{text}" cannot be read. {_LIKE}') from None
    parts = {"Formula": kullback.Formula, "Ridge": kullback.Ridge}
    kinds = {key(name): kind for name, kind in [*known.items(), *parts.items()]}
    made = _value(tree, text, kinds, key)
    if not isinstance(made, kullback.Model):
        raise ModelError(f'--model "{text}" is not a model. {_LIKE}')
    return made


def split_models(text: str) -> list[str]:
    """Split a list of models at the commas outside of parentheses."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


_LIKE = (
    """Write it like "Truncated(Gamma(shape=2, rate=?), lower=1)" or "Weibull(scale='~ age')"."""
)


def _value(node: ast.expr, text: str, kinds: Mapping[str, Any], key: Callable[[str], str]) -> Any:
    """Return the model, number, text or list of these that a part of the text stands for."""
    simple = (int, float, str)
    if isinstance(node, ast.Constant) and (node.value is None or type(node.value) in simple):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand, text, kinds, key)
        if isinstance(number, int | float):
            return -number
    if isinstance(node, ast.List | ast.Tuple):
        return [_value(part, text, kinds, key) for part in node.elts]
    called = node.func if isinstance(node, ast.Call) else node
    if not isinstance(called, ast.Name):
        part = ast.get_source_segment(text.strip().replace("=?", "=None"), node) or text
        if part.startswith("~"):
            raise ModelError(f"--model: a formula stands in quotes, as in scale='{part}'. {_LIKE}")
        raise ModelError(f'--model: "{part}" is neither a model nor a number. {_LIKE}')
    if key(called.id) not in kinds:
        hint = did_you_mean(called.id, [kind.__name__ for kind in kinds.values()])
        raise ModelError(f'there is no model "{called.id}"{hint or "."}')
    kind = kinds[key(called.id)]
    if not isinstance(node, ast.Call):
        return kind()
    parts = [_value(part, text, kinds, key) for part in node.args]
    named: dict[str, Any] = {}
    for keyword in node.keywords:
        if keyword.arg is None:
            raise ModelError(f'--model "{text}" cannot be read. {_LIKE}')
        value = _value(keyword.value, text, kinds, key)
        # of a parameter ? is free; naming it selects its parametrisation
        free = value is None and keyword.arg not in ("lower", "upper")
        named[keyword.arg] = kullback.Param() if free else value
    try:
        model: kullback.Model = kind(*parts, **named)
    except TypeError as error:  # of the call's signature
        raise ModelError(f"--model {kind.__name__}: {error}. {_LIKE}") from None
    return model
