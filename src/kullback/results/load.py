"""Reading saved fits: JSON that holds data, never code."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.domains import Reals, Simplex
from kullback._core.lazy import Lazy
from kullback._core.spanned import Spanned
from kullback.models.forms import SaturatedForm
from kullback.models.model import Model
from kullback.models.parameter_vector import ParameterVector
from kullback.objective.class_shares import ClassShares
from kullback.objective.cross_entropy import Evaluation
from kullback.objective.evaluated import Evaluated
from kullback.objective.statistics import LossSums, ScoreMoments
from kullback.results.clusters import Clusters
from kullback.results.convergence import Convergence
from kullback.results.entropy_estimate import EntropyEstimate
from kullback.results.fit import Fit
from kullback.results.fit_numbers import KINDS
from kullback.results.json_document import (
    Node,
    WrongError,
    check_version,
    read_document,
    shortened,
)
from kullback.results.load_trained import is_trained, load_trained
from kullback.results.model_document import model_from_json
from kullback.results.sample_info import FREQUENCY, SAMPLING, SampleInfo
from kullback.results.save import FORMAT, VERSION

# Estimates are stored in both scales, which must agree: the exponentials of two platforms differ by
# a few roundings (2e-16), a number that was changed by hand by more than this.
_SAME = 1e-12

# Larger than the exponent of any double, subnormal ones included.
_LARGEST_POWER = 1100


def load(
    path: str | os.PathLike[str], *, functions: Mapping[str, Callable[..., Any]] | None = None
) -> Any:
    """Load a fit that ``fit.save`` wrote. No code runs: a saved fit is data.

    Args:
        path: the file, or the folder of a network.
        functions: by parameter, the functions of ``kl.Function`` that the file leaves out, and by
            "log_density" that of a ``kl.LogDensity``; one that gives other values than the saved
            one is refused.

    Returns:
        The fit, equal (``==``) to the saved one: estimates, errors, decomposition and convergence
        to the last bit.

    Raises:
        MissingFileError: for a file that does not exist; it is a ``FileNotFoundError`` as well.
        FileFormatError: for a file that cannot be read, or is not a saved fit, with the reason.
    """
    name = os.fspath(path)
    if is_trained(name):
        return load_trained(name)
    try:
        document = read_document(name)
        with np.errstate(all="ignore"):  # what overflows is compared, and refused, below
            return _fit(document, functions or {})
    except WrongError as wrong:
        raise wrong.public(f"{name} is not a saved fit that can be read: {wrong}") from None


def _fit(document: Node, functions: Mapping[str, Callable[..., Any]]) -> Fit:
    if document["format"].text() != FORMAT:
        raise document["format"].wrong(f"needs {FORMAT!r}")
    by = document["kullback"].value if "kullback" in document.entries() else None
    writer = f"Kullback {shortened(by)}" if isinstance(by, str) else "another Kullback"
    check_version(document, VERSION, "Fit the model again and save it.", f", from {writer}")
    sample = _sample(document["sample"])
    model = model_from_json(document["model"], sample.levels, functions)
    vector = _vector(model, document["on_bound"])
    if "bases" in document.entries():
        vector = _in_coordinates(vector, document["bases"])
    form, at = model.saturated_form, "evaluation.at"
    evaluation: Evaluated
    if form is not None and "evaluation" not in document.entries():
        shares, at = _shares(document["shares"], form, vector), "shares"
        sampled = sample.weight_kind == SAMPLING
        squares = document["squares"].vector(shares.shares.size) if sampled else None
        evaluation = replace(shares, squares=squares)
    else:
        evaluation = _evaluation(document, vector)
    convergence = _fields(Convergence, document["convergence"])
    estimates = document["estimates"]
    for name, value in vector.split(evaluation.constrained(vector)).items():
        stored = estimates[name].vector(value.size)
        if not np.allclose(stored, value, rtol=_SAME, atol=0.0, equal_nan=True):
            raise estimates[name].wrong(f"does not agree with {at}")
    fit = Fit(model, vector, evaluation, sample, convergence, _power(document, model))
    return replace(fit, **_covariance(document, sum(vector.is_free)))


def _covariance(document: Node, d: int) -> dict[str, Any]:
    """Read which covariance standard errors are from, and the scores of clusters."""
    entries, out = document.entries(), dict[str, Any]()
    if "clusters" in entries:
        node = document["clusters"]
        texts = {name: node[name].text() for name in ("label", "correction")}
        out["clusters"] = Clusters(
            count=node["count"].whole(), outer=node["outer"].matrix(d), **texts
        )
    if "covariance_kind" in entries:
        kind = out["covariance_kind"] = document["covariance_kind"].text()
        if kind not in KINDS or (kind == "clustered" and "clusters" not in out):
            raise document["covariance_kind"].wrong(f"needs one of {', '.join(KINDS)}")
    return out


def _power(document: Node, model: Model) -> int:
    """Read the power of two that the rows were fitted in: only extreme rows have one."""
    if "power" not in document.entries():
        return 0
    power = document["power"].number()
    if not (model.dimensions and abs(power) <= _LARGEST_POWER and power == int(power)):
        raise document["power"].wrong("needs a power of two, for a family of scale")
    return int(power)


def _evaluation(document: Node, vector: ParameterVector) -> Evaluation:
    at = document["evaluation"]
    k, d = vector.n_free, sum(vector.is_free)
    penalty = at.entries().get("penalty")
    return Evaluation(
        at["at"].vector(k),
        at["value"].number(),
        at["gradient"].vector(k),
        at["hessian"].matrix(k),
        _sums(document["sums"], d),
        0.0 if penalty is None else penalty.number(),
    )


def _shares(node: Node, form: SaturatedForm, vector: ParameterVector) -> ClassShares:
    shares = node.vector(len(vector.is_free))
    if not Simplex(shares.size).contains(shares) or (form.as_logits and not np.all(shares > 0.0)):
        raise node.wrong("needs shares of the classes, with sum 1")
    return ClassShares(shares, form.as_logits)


def _vector(model: Model, node: Node) -> ParameterVector:
    vector = model.vector
    sizes = {c.name: c.domain.size for c in vector.free}
    on_bound: dict[str, Vector] = {}
    for name, entry in node.entries().items():
        if name not in sizes:
            raise entry.wrong("is not a free coefficient")
        on_bound[name] = entry.vector(sizes[name])
    return replace(vector, on_bound=on_bound)


def _in_coordinates(vector: ParameterVector, node: Node) -> ParameterVector:
    """Read the coordinates of the coefficients of functions."""
    coefficients = {c.name: c for c in vector.coefficients}
    for name, entry in node.entries().items():
        if name not in coefficients or not isinstance(coefficients[name].domain, Reals):
            raise entry.wrong("is not of the coefficients of a function")
        size = coefficients[name].domain.size
        domain = Spanned(entry["centre"].vector(size), entry["basis"].matrix(size))
        coefficients[name] = replace(coefficients[name], domain=domain, start=domain.centre)
    return replace(vector, coefficients=tuple(coefficients.values()))


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
        levels=node["levels"].optional(lambda levels: tuple(v.label() for v in levels.items())),
        inexact=node["inexact"].text() if "inexact" in node.entries() else "",
        weight_kind=_weight_kind(node),
        pearson=_pearson(node),
        instructions=node["instructions"].texts() if "instructions" in node.entries() else (),
        entropy_estimate=node["entropy_estimate"].optional(
            lambda entry: _fields(EntropyEstimate, entry)
        ),
    )


def _pearson(node: Node) -> tuple[float, float] | None:
    """Read Pearson's statistic and its variance, which fits of counts alone have."""
    if "pearson" not in node.entries():
        return None
    statistic, variance = node["pearson"].vector(2).tolist()
    if not (statistic >= 0.0 and variance > 0.0):
        raise node["pearson"].wrong("needs a statistic and a variance that are not negative")
    return statistic, variance


def _weight_kind(node: Node) -> str:
    """Read what the weights are: only sampling weights are named."""
    if "weight_kind" not in node.entries():
        return FREQUENCY
    if node["weight_kind"].text() != SAMPLING:
        raise node["weight_kind"].wrong(f"needs {SAMPLING!r}")
    return SAMPLING


# How each field of a convergence or an entropy estimate is read, by its declared type.
_READERS: Mapping[str, Callable[[Node], Any]] = {
    "bool": Node.flag,
    "str": Node.text,
    "int": Node.whole,
    "float": Node.number,
    "tuple[str, ...]": Node.texts,
}


def _fields(kind: Any, node: Node) -> Any:
    # a field's type is a text, because annotations are postponed
    return kind(**{f.name: _READERS[str(f.type)](node[f.name]) for f in fields(kind)})
