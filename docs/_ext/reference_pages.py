"""The reference: a page for every public name from its docstring, and the table of families."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import formulas
import numpy as np
from families import families, family_block, family_table

import kullback as kl

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).parents[1]
NAMES = DOCS / "reference" / "names"
SECTION = re.compile(
    r"(Args|Attributes|Returns|Raises|Example|Examples|Note|Yields|Source|Sources):"
)


def examples() -> dict[str, str]:
    """By name, the examples of docs/reference/examples.md, for docstrings without one."""
    text = (DOCS / "reference" / "examples.md").read_text(encoding="utf-8")
    return {
        part.split("\n", 1)[0].strip(): part.split("\n", 1)[1].strip()
        for part in text.split("\n## ")[1:]
    }


def slug(name: str) -> str:
    """A name as a file's: kl.Fit and kl.fit are one where upper case does not count."""
    twins = [other for other in kl.__all__ if other.lower() == name.lower()]
    return f"{name}-class" if len(twins) > 1 and name[0].isupper() else name


def page_of(name: str, more: str) -> str:
    """The page of a name."""
    value: Any = getattr(kl, name)
    parts = [f"(name-{slug(name)})=", f"# kl.{name}", ""]
    if name in families():
        parts += [family_block(name), ""]
    directive = "autofunction"
    options = ""
    if inspect.isclass(value):
        error = issubclass(value, BaseException)
        directive = "autoexception" if error else "autoclass"
        shown = [] if error or (name in families()) else members(value)
        options = f"\n   :members: {', '.join(shown)}" if shown else ""
    parts += ["```{eval-rst}", f".. {directive}:: kullback.{name}{options}", "```", ""]
    if name in families():
        parts += ["Its methods are those of every distribution: {ref}`kl.Model <name-Model>`.", ""]
    if more:
        parts += ["## Example", "", more, ""]
    return "\n".join(parts)


def members(kind: type) -> list[str]:
    """The public methods and properties of a class, those of its bases too."""
    found = []
    for name in dir(kind):
        if name.startswith("_"):
            continue
        member = inspect.getattr_static(kind, name)
        member = getattr(
            member, "__func__", getattr(member, "fget", getattr(member, "func", member))
        )
        if (
            inspect.isfunction(member)
            and member.__module__.startswith("kullback")
            and member.__doc__
        ):
            found.append(name)
    return found


def write_pages(*_: Any) -> None:
    NAMES.mkdir(exist_ok=True)
    more = examples()
    pages = {f"{slug(name)}.md": page_of(name, more.get(name, "")) for name in kl.__all__}
    pages["families.md"] = family_table(NAMES / "plots")
    for file in NAMES.glob("*.md"):
        if file.name not in pages:
            file.unlink()
    for name, text in pages.items():
        file = NAMES / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


# ---- docstrings: formulas, and signs that reStructuredText would take as its own -----------------


def prepare(*arguments: Any) -> None:
    """Set formulas of the text before the first section, and escape what is not markup."""
    lines: list[str] = arguments[-1]
    head: list[str] = []
    rest: list[str] = []
    for at, line in enumerate(lines):
        if SECTION.fullmatch(line.strip()) or line.lstrip().startswith(">>>"):
            rest = lines[at:]
            break
        joined = bool(head) and head[-1].strip() and line.strip()
        if (
            joined
            and not re.match(r"\s*(?:[*-]|\d+\.)\s", line)
            and indent(line) == indent(head[-1])
        ):
            head[-1] += " " + line.strip()
        else:
            head.append(line)
    code = False
    done = []
    for line in rest:
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        done.append(line if code else escaped(line))
    lines[:] = [with_formulas(line) for line in head] + done


def indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def with_formulas(line: str) -> str:
    parts, last = [], 0
    for start, end in formulas.found_in(line):
        set_ = f":formula:`{line[start:end]}`"
        parts += [
            escaped(line[last:start]),
            ("" if line[:start].endswith(" ") or not start else "\\ "),
            set_,
        ]
        last = end
        if line[end : end + 1].isalnum():
            parts.append("\\ ")
    return "".join([*parts, escaped(line[last:])])


def escaped(line: str) -> str:
    """Escape |, trailing underscores and lone asterisks outside of literals."""
    parts = re.split(r"(``.*?``|:formula:`[^`]*`)", line)
    for at in range(0, len(parts), 2):
        text = re.sub(r"\|", r"\\|", parts[at])
        text = re.sub(r"(\w)_(?!\w)", r"\1\\_", text)
        bullet = re.match(r"\s*\* ", text) if at == 0 else None
        start = bullet.end() if bullet else 0
        emphasis = re.split(r"(?<!\w)(\*[\w(][^*]*\w\.?\*)(?!\w)", text[start:])
        emphasis[::2] = [part.replace("*", r"\*") for part in emphasis[::2]]
        parts[at] = text[:start] + "".join(emphasis)
    return "".join(parts)


def signature(*arguments: Any) -> tuple[str, None] | None:
    """The signature without types: jaxtyping's are longer than the line."""
    what, value = arguments[1], arguments[3]
    if what not in ("class", "exception", "function", "method"):
        return None
    if what == "exception":
        return "", None
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return None
    parameters = [one.replace(annotation=one.empty) for one in found.parameters.values()]
    if what == "method" and parameters and parameters[0].name == "self":
        parameters = parameters[1:]
    shown = found.replace(parameters=parameters, return_annotation=found.empty)
    return re.sub(r"<[^>]*\.(\w+)[^>]*>", r"\1", str(shown)), None


def setup(app: Sphinx) -> dict[str, bool]:
    np.seterr(all="ignore")  # densities at the ends of their plots
    app.connect("config-inited", write_pages)
    app.connect("autodoc-process-docstring", prepare, priority=100)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
