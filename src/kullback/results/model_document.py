"""Models as JSON: the name of one of Kullback's own models, and the source of each parameter."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from kullback._core.errors import ModelError, did_you_mean
from kullback.data.schema import Outcome, Schema
from kullback.models.composite import Composite
from kullback.models.function import Function
from kullback.models.linear import Linear
from kullback.models.log_density import Column, LogDensity
from kullback.models.model import Model
from kullback.models.registry import own_models
from kullback.models.source import Fixed, Free, Known, Param, SameAs, Source
from kullback.results.formula_document import formula_from_json, formula_to_json
from kullback.results.json_document import Node, WrongError, plain, shortened
from kullback.results.log_density_document import (
    OWN,
    functions_of,
    log_density_from_json,
    log_density_to_json,
)

NO_FUNCTIONS: Mapping[str, Callable[..., Any]] = {}

# How much of a model's own message about its sources is quoted: it may repeat the file.
_QUOTED = 200

# Models made of models made of models: no one needs as many, and a damaged file may have more.
_DEEPEST = 20

_NEVER_CODE = "a saved fit holds data, never code. Save the numbers in fit.params instead."


def _known() -> dict[str, type[Model]]:
    """The models that files may name: Kullback's own, and a log-density without its function."""
    return {**own_models(), LogDensity.__name__: LogDensity}


def model_to_json(model: Model, levels: tuple[Any, ...] | None) -> dict[str, Any]:
    """Return a model as JSON values.

    Args:
        model: the model as it was given, with its free sources.
        levels: its class labels, for outcomes that are labels.

    Raises:
        ModelError: for a model or a source that is the user's own code.
    """
    kind = type(model).__name__
    if _known().get(kind) is not type(model):
        raise ModelError(
            f"{model!r} cannot be saved: {type(model).__module__}.{type(model).__qualname__} is "
            f"not one of Kullback's own models, and {_NEVER_CODE}"
        )
    sources = {name: source_to_json(name, source) for name, source in _own(model).items()}
    written: dict[str, Any] = {"name": kind, "sources": sources}
    if isinstance(model, Composite):
        written["settings"] = {n: v if v is None else plain(v) for n, v in model.settings.items()}
        written["parts"] = [model_to_json(part, None) for part in model.parts.values()]
    if isinstance(model, LogDensity):
        written |= log_density_to_json(model)
    try:
        own, node = functions_of(model), Node(json.loads(json.dumps(written)), "model")
        again = model_from_json(node, levels, own)
    except WrongError:
        again = None
    if again is None or again.structure != model.structure:
        raise ModelError(
            f"{model!r} cannot be saved: its name and sources alone do not make the same model."
        )
    return written


def _own(model: Model) -> dict[str, Source]:
    """Return the sources that no part of the model has: its own, and ties between parts."""
    if not isinstance(model, Composite):
        return {n: s for n, s in model.sources.items() if not isinstance(s, Column)}
    parts = model.with_parts(model.parts, ties=False).sources
    return {
        name: source
        for name, source in model.sources.items()
        if name in model.own_parameters or parts[name] != source
    }


def model_from_json(
    node: Node,
    levels: tuple[Any, ...] | None,
    functions: Mapping[str, Callable[..., Any]] = NO_FUNCTIONS,
    depth: int = 0,
) -> Model:
    """Read a model.

    Args:
        node: what ``model_to_json`` wrote.
        levels: class labels, for outcomes that are labels.
        functions: by parameter, the functions that the file leaves out.
        depth: of how many models it is a part.

    Raises:
        WrongError: where it is not a model of Kullback's with the right sources.
    """
    name = node["name"].text()
    known = _known()
    if name not in known:
        hint = did_you_mean(shortened(name), known)
        raise WrongError(f"{shortened(name)!r} is not a model of Kullback's{hint}.")
    labelled = known[name].outcome == "label"
    if labelled != (levels is not None):
        needs = "needs" if labelled else "does not take"
        raise WrongError(f"{name} {needs} class labels (sample.levels).")
    kind = known[name]
    entries = node["sources"].entries()
    parts, own = [], dict(functions)
    if issubclass(kind, Composite):
        if depth == _DEEPEST:
            raise WrongError(f'"{node.place}" is nested more than {_DEEPEST} deep.')
        nodes = node["parts"].items()
        for prefix, part in zip(kind.prefixes(len(nodes)), nodes, strict=True):
            of_part = [n for n in own if n.startswith(prefix) and n not in entries]
            given = {n.removeprefix(prefix): own.pop(n) for n in of_part}
            parts.append(model_from_json(part, None, given, depth + 1))
    try:
        f = own.pop(OWN, None) if kind is LogDensity else None
        sources = {key: source_from_json(e, own.get(key)) for key, e in entries.items()}
        needless = [k for k in own if not isinstance(sources.get(k), Function)]
        if needless:
            raise WrongError(f"its {needless[0]} is not a kl.Function: leave it out of functions.")
        if kind is LogDensity:
            model: Model = log_density_from_json(node, sources, f)
        elif issubclass(kind, Composite):
            model = _composite(kind, node["settings"], parts, sources)
        else:
            model = kind(**sources)
        model = model.bind(Schema(outcome=Outcome(levels)))
        _ = model.vector  # raises for bounds and numbers outside a domain
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongError(f'"{node.place}" does not make a model: {str(error)[:_QUOTED]}') from None
    missing = ", ".join(sorted(set(_own(model)) - set(sources)))
    if missing:
        raise WrongError(f'"{node.place}.sources" lacks {missing}.')
    return model


def _composite(
    kind: type[Composite], settings: Node, parts: list[Model], sources: dict[str, Source]
) -> Model:
    numbers = {name: entry.optional(Node.number) for name, entry in settings.entries().items()}
    ties = {name: s for name, s in sources.items() if isinstance(s, SameAs)}
    own = {name: s for name, s in sources.items() if name not in ties}
    return kind.assembled(parts, numbers, own).with_given(ties)


def source_to_json(name: str, source: Source) -> dict[str, Any]:
    """Return a source other than a network as JSON values.

    Raises:
        ModelError: for a source that is the user's own code.
    """
    # by exact type: a subclass may compute something else
    if type(source) is Free:
        return {"source": "free"}
    if type(source) is Fixed:
        return {"source": "fixed", "number": plain(source.number)}
    if type(source) is Param:
        bounds = {"start": source.start, "lower": source.lower, "upper": source.upper}
        numbers = {k: None if v is None else plain(float(v)) for k, v in bounds.items()}
        return {"source": "param", **numbers}
    if type(source) is Known:
        return {"source": "column", "column": source.column}
    if type(source) is Linear and source.terms is None:
        estimate = None if source.estimate is None else plain(source.estimate)
        columns, intercept = list(source.columns), source.intercept
        return {
            "source": "linear",
            "columns": columns,
            "intercept": intercept,
            "coefficients": estimate,
        }
    if type(source) is Linear and source.formula is not None:
        return formula_to_json(source.formula, source)
    if type(source) is Function:
        start = {k: plain(v) for k, v in source.start.items()}
        estimate = None if source.estimate is None else plain(source.estimate)
        return {
            "source": "function",
            "columns": dict(source.arguments),
            "start": start,
            "coefficients": estimate,
            "check": plain(source.check()),
        }
    if type(source) is SameAs:
        return {"source": "same_as", "other": source.other}
    raise ModelError(
        f"{name}={source!r} cannot be saved: {type(source).__module__}."
        f"{type(source).__qualname__} is not one of Kullback's own sources, and {_NEVER_CODE}"
    )


def refuse_functions(model: Model, left_out: Sequence[str]) -> None:
    """Raise for functions that the user has not agreed to leave out of the file.

    Raises:
        ModelError: with what to do.
    """
    names = list(functions_of(model))
    wrong = [name for name in left_out if name not in names]
    if wrong:
        raise ModelError(
            f"functions={list(left_out)!r}: {wrong[0]} is not a function of yours in {model!r}."
        )
    missing = [name for name in names if name not in left_out]
    if missing:
        listed = ", ".join(map(repr, names))
        given = ", ".join(f"{name!r}: f" for name in names)
        raise ModelError(
            f"{model!r} cannot be saved whole: {missing[0]} is a function of yours, and a "
            f"saved fit holds data, never code. fit.save(path, functions=[{listed}]) saves "
            f"everything else, and kl.load(path, functions={{{given}}}) puts the function back."
        )


def _function_from_json(node: Node, f: Callable[..., Any] | None) -> Function:
    if f is None:
        name = node.place.rsplit(".", 1)[-1]
        raise WrongError(
            f"its {name} is a function, which the file does not hold: give it, "
            f"kl.load(path, functions={{{name!r}: f}})."
        )
    columns = {name: entry.text() for name, entry in node["columns"].entries().items()}
    start = {name: entry.array() for name, entry in node["start"].entries().items()}
    made = Function(f, start, columns)
    estimate = node["coefficients"].optional(lambda entry: entry.vector(len(made.labels)))
    made = made if estimate is None else made.fixed_at([estimate])
    check = made.check()
    if not np.allclose(
        node["check"].vector(check.size), check, rtol=1e-9, atol=0.0, equal_nan=True
    ):
        raise WrongError(
            f"the function given for {node.place.rsplit('.', 1)[-1]} has other values than the one "
            "that was fitted."
        )
    return made


def source_from_json(node: Node, f: Callable[..., Any] | None = None) -> Source:
    """Read a source that ``source_to_json`` wrote.

    Args:
        node: the entry.
        f: the function, of a source that is one.

    Raises:
        WrongError: for anything else.
    """
    kind = node["source"].text()
    if kind == "free":
        return Free()
    if kind == "fixed":
        return Fixed(node["number"].array())
    if kind == "param":
        return Param(*(node[name].optional(Node.number) for name in ("start", "lower", "upper")))
    if kind == "linear":
        columns, intercept = node["columns"].texts(), node["intercept"].flag()
        size = len(columns) + int(intercept)
        estimate = node["coefficients"].optional(lambda entry: entry.vector(size))
        return Linear(columns, intercept, estimate=estimate)
    if kind == "function":
        return _function_from_json(node, f)
    if kind == "formula":
        return formula_from_json(node)
    if kind == "column":
        return Known(node["column"].text())
    if kind == "same_as":
        return SameAs(node["other"].text())
    raise node["source"].wrong(
        "needs free, fixed, param, linear, formula, function, column or same_as"
    )
