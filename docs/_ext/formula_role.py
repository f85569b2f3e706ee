"""The role ``formula``, in Markdown and docstrings: a formula in plain notation, set as MathML."""

from __future__ import annotations

from typing import Any

import formulas
from docutils import nodes
from docutils.parsers.rst.states import Inliner
from sphinx.application import Sphinx


def formula(
    name: str, rawtext: str, text: str, lineno: int, inliner: Inliner, *_: Any, **__: Any
) -> tuple[list[nodes.Node], list[nodes.system_message]]:
    """Set the formula; ``formula-block`` in a line of its own."""
    try:
        html = formulas.mathml(nodes.unescape(text), display=name == "formula-block")
    except formulas.NotAFormula as error:
        message = inliner.reporter.error(f"not a formula: {text!r} ({error})", line=lineno)
        return [inliner.problematic(rawtext, rawtext, message)], [message]
    return [nodes.raw(rawtext, html, format="html")], []


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("formula", formula)
    app.add_role("formula-block", formula)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
