"""Saved fits: JSON that holds data and never code, read with suspicion.

Every float is written in Python's shortest form that reads back to the same bits; infinities and NaN,
which JSON lacks, as the texts "inf", "-inf" and "nan". A model is written as its name, which must be
one of Kullback's own, and the source of each parameter.
"""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import FileFormatError, KullbackError, ModelError, did_you_mean
from kullback.models.layout import Layout
from kullback.models.model import Model
from kullback.models.registry import own_models
from kullback.models.source import Free, Param, Pinned, SameAs, Source
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.statistics import Sums
from kullback.results.certificate import Certificate
from kullback.results.fit import Fit, Seen

FORMAT, VERSION = "kullback fit", 1

# Room for three matrices of 1,300 coefficients at 25 bytes a number; a file without an end (a device,
# a runaway download) is refused before it fills the memory.
LARGEST = 128 * 2**20

# Estimates are stored in both scales, which must agree: the exponentials of two platforms differ by
# a few roundings (2e-16), a number that was changed by hand by more than this.
_SAME = 1e-12

Kind = TypeVar("Kind")


def write(fit: Fit, path: str | os.PathLike[str]) -> None:
    """Write a fit as JSON, whole or not at all.

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
            f"the fit has {fit.parameter_count:,} coefficients and takes {len(text):,} bytes; a saved "
            f"fit may take {LARGEST:,}."
        )
    _replace(Path(os.path.realpath(path)), text.encode("ascii"), os.fspath(path))


def read(path: str | os.PathLike[str]) -> Fit:
    """Read a fit that ``write`` wrote.

    Args:
        path: the file.

    Returns:
        An equal fit: the same estimates, errors, ledger and certificate, to the last bit.

    Raises:
        FileFormatError: for a file that cannot be read, or that is no saved fit; it says why.
    """
    name = os.fspath(path)
    try:
        document = _parse(_bytes(name))
        with np.errstate(all="ignore"):  # what overflows is compared, and refused, below
            return _fit(document)
    except WrongError as wrong:
        raise FileFormatError(f"{name} is not a saved fit that can be read: {wrong}") from None


def load(path: str | os.PathLike[str]) -> Fit:
    """Load a fit that ``fit.save`` wrote. No code runs: a saved fit is data.

    Args:
        path: the file.

    Returns:
        The fit, equal to the one that was saved: estimates, errors, ledger, certificate.

    Raises:
        FileFormatError: for a file that cannot be read, or that is no saved fit; it says why.
    """
    return read(path)


# ---- writing -----------------------------------------------------------------------------------


def _text(fit: Fit) -> str:
    evaluation, sums = fit.evaluation, fit.evaluation.sums
    natural = fit.layout.split(fit.layout.natural(evaluation.at))
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kullback": _version(),
        "model": _model_out(fit),
        "estimates": {name: _plain(value) for name, value in natural.items()},
        "held": {name: _plain(value) for name, value in fit.layout.held.items()},
        "evaluation": {
            "at": _plain(evaluation.at),
            "value": _plain(evaluation.value),
            "gradient": _plain(evaluation.gradient),
            "hessian": _plain(evaluation.hessian),
        },
        "sums": {name: _plain(value) for name, value in vars(sums).items()},
        "seen": {
            **{name: _plain(value) for name, value in vars(fit.seen).items() if name != "levels"},
            "levels": None if fit.seen.levels is None else [_level_out(v) for v in fit.seen.levels],
        },
        "certificate": {name: _plain(value) for name, value in asdict(fit.certificate).items()},
    }
    # a part a line: readable, without a line for every number
    parts = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in document.items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _plain(value: Any) -> Any:
    """Turn arrays into lists, and numbers that JSON lacks into texts."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0.0 else "-inf"
    return value


def _version() -> str | None:
    try:
        return importlib.metadata.version("kullback")
    except importlib.metadata.PackageNotFoundError:  # run from a folder, not installed
        return None


def _model_out(fit: Fit) -> dict[str, Any]:
    form = fit.form
    if own_models().get(form.name) is not type(form):
        raise ModelError(
            f"{form!r} cannot be saved: {type(form).__module__}.{type(form).__qualname__} is not one "
            f"of Kullback's own models, and a saved fit holds data, never code. Save the numbers in "
            f"fit.params instead."
        )
    sources = {name: _source_out(name, source) for name, source in form.sources.items()}
    written = {"name": form.name, "sources": sources}
    try:
        again = _model(Node(json.loads(json.dumps(written)), "model"), fit.seen.levels)
    except WrongError:
        again = None
    if again is None or again.structure != form.structure:
        raise ModelError(
            f"{form!r} cannot be saved: its name and sources alone do not make the same model again."
        )
    return written


def _source_out(name: str, source: Source) -> dict[str, Any]:
    match source:
        case Free():
            return {"source": "free"}
        case Pinned():
            return {"source": "pinned", "number": _plain(source.number)}
        case Param():
            bounds = {"start": source.start, "lower": source.lower, "upper": source.upper}
            numbers = {k: None if v is None else _plain(float(v)) for k, v in bounds.items()}
            return {"source": "param", **numbers}
        case SameAs():
            return {"source": "same_as", "other": source.other}
    raise ModelError(
        f"{name}={source!r} cannot be saved: {type(source).__qualname__} is the user's own kind of "
        f"source, and a saved fit holds data, never code. Save the numbers in fit.params instead."
    )


def _level_out(level: Any) -> Any:
    if isinstance(level, float) and not math.isfinite(level):
        return {"float": _plain(level)}  # the text "inf" is a label, too
    if type(level) in (str, bool, int, float):
        return level
    raise ModelError(
        f"the class label {level!r} of type {type(level).__name__} cannot be saved; a saved fit holds "
        f"texts and numbers. Turn the labels into text before fitting."
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
        writer = f"Kullback {by[:40]}" if isinstance(by, str) else "another Kullback"
        raise WrongError(
            f"it has version {version} of the format, from {writer}, and this Kullback reads version "
            f"{VERSION}. Upgrade with: pip install --upgrade kullback"
        )
    seen = _seen(document["seen"])
    model = _model(document["model"], seen.levels)
    layout = _layout(model, document["held"])
    at = document["evaluation"]
    k, d = layout.freedom, sum(layout.mask)
    evaluation = Evaluation(
        at["at"].vector(k),
        at["value"].number(),
        at["gradient"].vector(k),
        at["hessian"].matrix(k),
        _sums(document["sums"], d),
    )
    estimates = document["estimates"]
    for name, value in layout.split(layout.natural(evaluation.at)).items():
        stored = estimates[name].vector(value.size)
        if not np.allclose(stored, value, rtol=_SAME, atol=0.0, equal_nan=True):
            raise estimates[name].wrong("does not agree with what evaluation.at makes of it")
    return Fit(model, layout, evaluation, seen, _certificate(document["certificate"]))


def _model(node: Node, levels: tuple[Any, ...] | None) -> Model:
    name = node["name"].text()
    known = own_models()
    if name not in known:
        raise WrongError(f"{name[:40]!r} is no model of Kullback's{did_you_mean(name[:40], known)}.")
    sources = {key: _source(entry) for key, entry in node["sources"].entries().items()}
    labelled = known[name].outcome == "label"
    if labelled != (levels is not None):
        raise WrongError(f"{name} {'needs' if labelled else 'has no'} class labels (seen.levels).")
    try:
        model: Model = known[name](**sources)
        model = model if levels is None else model.with_levels(levels)
        _ = model.layout  # bounds and numbers outside a support are told here
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongError(f'"{node.place}" makes no model: {error}') from None
    if set(model.parameters) != set(sources):
        missing = ", ".join(sorted(set(model.parameters) - set(sources)))
        raise WrongError(f'"{node.place}.sources" lacks {missing}.')
    return model


def _source(node: Node) -> Source:
    kind = node["source"].text()
    if kind == "free":
        return Free()
    if kind == "pinned":
        return Pinned(node["number"].array())
    if kind == "param":
        return Param(*(node[name].optional(Node.number) for name in ("start", "lower", "upper")))
    if kind == "same_as":
        return SameAs(node["other"].text())
    raise node["source"].wrong("needs free, pinned, param or same_as")


def _layout(model: Model, node: Node) -> Layout:
    layout = model.layout
    sizes = {c.name: c.support.size for c in layout.free}
    held: dict[str, Vector] = {}
    for name, entry in node.entries().items():
        if name not in sizes:
            raise entry.wrong("is no free coefficient")
        held[name] = entry.vector(sizes[name])
    return replace(layout, held=held)


def _sums(node: Node, d: int) -> Sums:
    variance = node["variance"].number()
    if variance < 0.0:
        raise node["variance"].wrong("needs a number that is not negative")
    return Sums(
        node["weight"].positive(),
        node["loss"].number(),
        variance,
        node["score"].vector(d),
        node["hessian"].matrix(d),
        node["outer"].matrix(d),
    )


def _seen(node: Node) -> Seen:
    return Seen(
        label=node["label"].text(),
        source=node["source"].text(),
        rows=node["rows"].whole(),
        weight=node["weight"].positive(),
        dropped=node["dropped"].whole(),
        entropy=node["entropy"].optional(Node.number),
        levels=node["levels"].optional(lambda found: tuple(_level(v) for v in found.items())),
    )


def _level(node: Node) -> Any:
    if isinstance(node.value, dict):
        return node["float"].number()
    if type(node.value) not in (str, bool, int, float):
        raise node.wrong("needs a text or a number")
    return node.value


# How each field of a certificate is read, by its declared type.
_READERS: Mapping[str, Callable[[Node], Any]] = {
    "bool": Node.flag,
    "str": Node.text,
    "int": Node.whole,
    "float": Node.number,
    "tuple[str, ...]": Node.texts,
}


def _certificate(node: Node) -> Certificate:
    fields = Certificate.__annotations__  # texts, because annotations are postponed
    return Certificate(**{name: _READERS[kind](node[name]) for name, kind in fields.items()})
