"""Saved fits: JSON that holds data and never code.

A model is written as its name, which must be one of Kullback's own, and the source of each
parameter; every number so that it reads back to the same bits.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import FileFormatError, KullbackError, ModelError, did_you_mean
from kullback._core.lazy import Lazy
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.models.registry import own_models
from kullback.models.source import Fixed, Free, Param, SameAs, Source
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.statistics import LossSums, ScoreMoments
from kullback.results.convergence import Convergence
from kullback.results.entropy_estimate import EntropyEstimate
from kullback.results.fit import Fit, SampleInfo
from kullback.results.json_document import (
    LARGEST,
    Node,
    WrongError,
    plain,
    read_document,
    shortened,
)

FORMAT, VERSION = "kullback fit", 2

# Estimates are stored in both scales, which must agree: the exponentials of two platforms differ by
# a few roundings (2e-16), a number that was changed by hand by more than this.
_SAME = 1e-12

# What is saved of the sample beside class labels and the estimated entropy.
_OF_THE_SAMPLE = ("label", "source", "rows", "weight", "dropped", "entropy")

# What is saved of the sums.
_OF_THE_SUMS = ("weight", "loss", "variance", "score", "hessian", "outer")

# How much of a model's own message about its sources is repeated: it may repeat the file.
_QUOTED = 200

_NEVER_CODE = "a saved fit holds data, never code. Save the numbers in fit.params instead."


def write(fit: Fit, path: str | os.PathLike[str]) -> None:
    """Write a fit as JSON, the whole file or nothing.

    Args:
        fit: the fit.
        path: the file; one that exists is replaced.

    Raises:
        ModelError: for a model, a source or class labels that are the user's own code.
        KullbackError: where the file cannot be written.
    """
    text = _text(fit)
    if len(text) > LARGEST:
        raise ModelError(
            f"a fit of {fit.parameter_count:,} coefficients takes {len(text):,} bytes; a saved fit "
            f"may take {LARGEST:,}."
        )
    _replace(Path(os.path.realpath(path)), text.encode("ascii"), os.fspath(path))


def load(path: str | os.PathLike[str]) -> Any:
    """Load a fit that ``fit.save`` wrote. No code runs: a saved fit is data.

    Args:
        path: the file, or the folder of a network.

    Returns:
        The fit, equal to the one that was saved to the last bit: estimates, errors, decomposition
        and convergence.

    Raises:
        FileFormatError: for a file that cannot be read, or that is no saved fit; it says why.
    """
    name = os.fspath(path)
    if os.path.isfile(os.path.join(name, "model.json")):
        from kullback.results.trained_storage import load_trained

        return load_trained(name)
    try:
        document = read_document(name)
        with np.errstate(all="ignore"):  # what overflows is compared, and refused, below
            return _fit(document)
    except WrongError as wrong:
        raise FileFormatError(f"{name} is not a saved fit that can be read: {wrong}") from None


# ---- writing -----------------------------------------------------------------------------------


def _text(fit: Fit) -> str:
    evaluation, sums = fit.evaluation, fit.evaluation.sums
    with np.errstate(all="ignore"):  # a fit that ran away may overflow
        constrained = fit.vector.split(fit.vector.constrained(evaluation.at))
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kullback": _version(),
        "model": _model_out(fit),
        "estimates": {name: plain(value) for name, value in constrained.items()},
        "on_bound": {name: plain(value) for name, value in fit.vector.on_bound.items()},
        "evaluation": {
            "at": plain(evaluation.at),
            "value": plain(evaluation.value),
            "gradient": plain(evaluation.gradient),
            "hessian": plain(evaluation.hessian),
        },
        "sums": {name: plain(getattr(sums, name)) for name in _OF_THE_SUMS},
        "sample": {
            **{name: plain(getattr(fit.sample_info, name)) for name in _OF_THE_SAMPLE},
            "entropy_estimate": _entropy_out(fit.entropy_estimate),
            "levels": None
            if fit.sample_info.levels is None
            else [_level_out(v) for v in fit.sample_info.levels],
        },
        "convergence": {name: plain(value) for name, value in vars(fit.convergence).items()},
    }
    # a part a line: readable, without a line for every number
    parts = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in document.items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _entropy_out(estimate: EntropyEstimate | None) -> dict[str, Any] | None:
    return (
        None if estimate is None else {name: plain(value) for name, value in vars(estimate).items()}
    )


def _version() -> str | None:
    try:
        return importlib.metadata.version("kullback")
    except importlib.metadata.PackageNotFoundError:  # run from a folder, not installed
        return None


def _model_out(fit: Fit) -> dict[str, Any]:
    form = fit.form
    if own_models().get(form.name) is not type(form):
        raise ModelError(
            f"{form!r} cannot be saved: {type(form).__module__}.{type(form).__qualname__} is not "
            f"one of Kullback's own models, and {_NEVER_CODE}"
        )
    sources = {name: _source_out(name, source) for name, source in form.sources.items()}
    written = {"name": form.name, "sources": sources}
    try:
        again = _model(Node(json.loads(json.dumps(written)), "model"), fit.sample_info.levels)
    except WrongError:
        again = None
    if again is None or again.structure != form.structure:
        raise ModelError(
            f"{form!r} cannot be saved: its name and sources alone do not make the same model."
        )
    return written


def _source_out(name: str, source: Source) -> dict[str, Any]:
    # by exact type: a subclass may compute something else
    if type(source) is Free:
        return {"source": "free"}
    if type(source) is Fixed:
        return {"source": "fixed", "number": plain(source.number)}
    if type(source) is Param:
        bounds = {"start": source.start, "lower": source.lower, "upper": source.upper}
        numbers = {k: None if v is None else plain(float(v)) for k, v in bounds.items()}
        return {"source": "param", **numbers}
    if type(source) is SameAs:
        return {"source": "same_as", "other": source.other}
    raise ModelError(
        f"{name}={source!r} cannot be saved: {type(source).__module__}."
        f"{type(source).__qualname__} is not one of Kullback's own sources, and {_NEVER_CODE}"
    )


def _level_out(level: Any) -> Any:
    if isinstance(level, float) and not math.isfinite(level):
        return {"float": plain(level)}  # the text "inf" is a label, too
    if type(level) in (str, bool, int, float):
        return level
    raise ModelError(
        f"the class label {level!r} of type {type(level).__name__} cannot be saved: a saved fit "
        f"holds texts and numbers. Turn the labels into text before fitting."
    )


def _replace(path: Path, content: bytes, name: str) -> None:
    """Put the content in place in one step, so that no reader and no crash sees half of it."""
    part = path.with_name(f".kullback-{secrets.token_hex(8)}.tmp")
    try:
        if path.exists() and not path.is_file():
            raise KullbackError(f"{name} cannot be written: it is not a regular file.")
        try:
            with open(part, "xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise KullbackError(f"{name} cannot be written: {error.strerror or error}.") from None


# ---- reading -----------------------------------------------------------------------------------


def _fit(document: Node) -> Fit:
    if document["format"].text() != FORMAT:
        raise document["format"].wrong(f"needs {FORMAT!r}")
    version = document["version"].whole()
    if version != VERSION:
        by = document["kullback"].value if "kullback" in document.entries() else None
        writer = f"Kullback {shortened(by)}" if isinstance(by, str) else "another Kullback"
        what_to_do = (
            "Upgrade with: pip install --upgrade kullback"
            if version > VERSION
            else "Fit the model again and save it."
        )
        raise WrongError(
            f"it has version {version} of the format, from {writer}; this Kullback reads version "
            f"{VERSION}. {what_to_do}"
        )
    sample = _sample(document["sample"])
    model = _model(document["model"], sample.levels)
    vector = _vector(model, document["on_bound"])
    at = document["evaluation"]
    k, d = vector.n_free, sum(vector.is_free)
    evaluation = Evaluation(
        at["at"].vector(k),
        at["value"].number(),
        at["gradient"].vector(k),
        at["hessian"].matrix(k),
        _sums(document["sums"], d),
    )
    estimates = document["estimates"]
    for name, value in vector.split(vector.constrained(evaluation.at)).items():
        stored = estimates[name].vector(value.size)
        if not np.allclose(stored, value, rtol=_SAME, atol=0.0, equal_nan=True):
            raise estimates[name].wrong("does not agree with what evaluation.at makes of it")
    return Fit(model, vector, evaluation, sample, _convergence(document["convergence"]))


def _model(node: Node, levels: tuple[Any, ...] | None) -> Model:
    name = node["name"].text()
    known = own_models()
    if name not in known:
        hint = did_you_mean(shortened(name), known)
        raise WrongError(f"{shortened(name)!r} is no model of Kullback's{hint}.")
    labelled = known[name].outcome == "label"
    if labelled != (levels is not None):
        raise WrongError(
            f"{name} {'needs' if labelled else 'has no'} class labels (sample.levels)."
        )
    try:
        sources = {key: _source(entry) for key, entry in node["sources"].entries().items()}
        model: Model = known[name](**sources)
        model = model if levels is None else model.with_levels(levels)
        _ = model.vector  # bounds and numbers outside a domain are told here
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongError(f'"{node.place}" makes no model: {str(error)[:_QUOTED]}') from None
    if set(model.parameters) != set(sources):
        missing = ", ".join(sorted(set(model.parameters) - set(sources)))
        raise WrongError(f'"{node.place}.sources" lacks {missing}.')
    return model


def _source(node: Node) -> Source:
    kind = node["source"].text()
    if kind == "free":
        return Free()
    if kind == "fixed":
        return Fixed(node["number"].array())
    if kind == "param":
        return Param(*(node[name].optional(Node.number) for name in ("start", "lower", "upper")))
    if kind == "same_as":
        return SameAs(node["other"].text())
    raise node["source"].wrong("needs free, fixed, param or same_as")


def _vector(model: Model, node: Node) -> ParameterVector:
    vector = model.vector
    sizes = {c.name: c.domain.size for c in vector.free}
    on_bound: dict[str, Vector] = {}
    for name, entry in node.entries().items():
        if name not in sizes:
            raise entry.wrong("is no free coefficient")
        on_bound[name] = entry.vector(sizes[name])
    return replace(vector, on_bound=on_bound)


def _sums(node: Node, d: int) -> LossSums:
    variance = node["variance"].number()
    if variance < 0.0:
        raise node["variance"].wrong("needs a number that is not negative")
    return LossSums(
        node["weight"].positive(),
        node["loss"].number(),
        node["score"].vector(d),
        node["hessian"].matrix(d),
        Lazy.known(ScoreMoments(variance, node["outer"].matrix(d))),
    )


def _sample(node: Node) -> SampleInfo:
    return SampleInfo(
        label=node["label"].text(),
        source=node["source"].text(),
        rows=node["rows"].whole(),
        weight=node["weight"].positive(),
        dropped=node["dropped"].whole(),
        entropy=node["entropy"].optional(Node.number),
        levels=node["levels"].optional(lambda found: tuple(_level(v) for v in found.items())),
        entropy_estimate=node["entropy_estimate"].optional(_entropy_estimate),
    )


def _entropy_estimate(node: Node) -> EntropyEstimate:
    return EntropyEstimate(
        **{f.name: _READERS[str(f.type)](node[f.name]) for f in fields(EntropyEstimate)}
    )


def _level(node: Node) -> Any:
    if isinstance(node.value, dict):
        return node["float"].number()
    if type(node.value) not in (str, bool, int, float):
        raise node.wrong("needs a text or a number")
    return node.value


# How each field of a convergence is read, by its declared type.
_READERS: Mapping[str, Callable[[Node], Any]] = {
    "bool": Node.flag,
    "str": Node.text,
    "int": Node.whole,
    "float": Node.number,
    "tuple[str, ...]": Node.texts,
}


def _convergence(node: Node) -> Convergence:
    # a field's type is a text, because annotations are postponed
    return Convergence(**{f.name: _READERS[str(f.type)](node[f.name]) for f in fields(Convergence)})
