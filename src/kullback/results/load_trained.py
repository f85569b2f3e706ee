"""Reading trained networks: a folder with JSON and safetensors, which hold data, never code."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import ModelError
from kullback._core.extras import need
from kullback.data.schema import Outcome, Schema
from kullback.models.activations import ACTIVATIONS
from kullback.models.encoding import EMBEDDING, Encoder
from kullback.models.model import Model
from kullback.models.network import MLP, Trained, outputs_of
from kullback.models.registry import own_models
from kullback.models.source import Fixed, SameAs, Source
from kullback.results.json_document import Node, WrongError, shortened
from kullback.results.model_document import source_from_json
from kullback.results.network_folder import JSON_FILE, read_network
from kullback.results.save_trained import SAMPLE_FIELDS
from kullback.results.trained import Epoch, TrainedFit


def is_trained(path: str) -> bool:
    """Whether a path is a folder that ``write_trained`` wrote."""
    return os.path.isfile(os.path.join(path, JSON_FILE))


def load_trained(folder: str | os.PathLike[str]) -> TrainedFit:
    """Load a folder that ``write_trained`` wrote. No code runs.

    Args:
        folder: its path.

    Returns:
        The trained fit, whose predictions have the same bits.

    Raises:
        FileFormatError: for a folder that does not hold such a fit, with the reason.
    """
    need("network", "networks")
    place = os.fspath(folder)
    try:
        return _read(place)
    except WrongError as wrong:
        raise wrong.public(f"{place} is not a saved network that can be read: {wrong}") from None


def _read(folder: str) -> TrainedFit:
    from safetensors.numpy import load

    document, weights = read_network(folder)
    try:
        tensors: dict[str, Any] = load(weights)
    except Exception as error:  # of kinds that safetensors does not document
        raise WrongError(f"the weights cannot be read ({str(error)[:100]}).") from None
    name = document["model"].text()
    kind = own_models().get(name)
    if kind is None:
        raise WrongError(f"{shortened(name)!r} is not a model of Kullback's.")
    classes = document["classes"].optional(_labels)
    entries = document["sources"].entries()
    given = {key: _bare(entry) for key, entry in entries.items()}
    try:
        bare: Model = kind(**given)
        form = bare.bind(Schema(outcome=Outcome(classes)))
        _ = form.vector  # raises for numbers outside a domain
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise document["sources"].wrong(
            f"does not make a model of {name}: {str(error)[:100]}"
        ) from None
    if set(form.parameters) != set(given) or not any(isinstance(s, MLP) for s in given.values()):
        raise document["sources"].wrong(f"needs every parameter of {name}, and a network")
    if (form.outcome == "label") != (classes is not None):
        needs = "needs" if form.outcome == "label" else "does not take"
        raise document["classes"].wrong(f"holds the labels, which {name} {needs}")
    levels = {key: _labels(entry) for key, entry in document["levels"].entries().items()}
    sources = {key: _source(key, entry, form, tensors, levels) for key, entry in entries.items()}
    if tensors:
        raise WrongError(f"the weights hold {min(tensors)!r}, which the model lacks.")
    history = tuple(_epoch(k, node) for k, node in enumerate(document["history"].items(), 1))
    sample = document["sample"]
    if sample["best"].whole() > len(history):
        raise sample["best"].wrong(f"needs one of {len(history)} epochs")
    return TrainedFit(
        form=form,
        model=form.with_sources(sources),
        history=history,
        levels=levels,
        **{key: read(sample[key]) for key, read in _SAMPLE.items()},
    )


def _not_negative(node: Node) -> float:
    value = node.number()
    if value < 0.0:
        raise node.wrong("needs a number that is not negative")
    return value


# How each saved field of the sample and the training is read.
_SAMPLE: Mapping[str, Callable[[Node], Any]] = {
    "label": Node.text,
    "source": Node.text,
    "rows": Node.whole,
    "held_out_rows": Node.whole,
    "baseline": Node.number,
    "cross_entropy": Node.number,
    "error": _not_negative,
    "best": Node.whole,
    "converged": Node.flag,
    "reason": Node.text,
    "weights": Node.whole,
    "compile_seconds": _not_negative,
    "seconds": _not_negative,
}
assert set(_SAMPLE) == set(SAMPLE_FIELDS)


def _epoch(number: int, node: Node) -> Epoch:
    values = node.items()
    if len(values) != 4 or values[0].whole() != number:
        raise node.wrong(f"needs the number {number} and three losses")
    return Epoch(number, *(value.number() for value in values[1:]))


def _labels(node: Node) -> tuple[Any, ...]:
    """Class labels or levels: texts and numbers, none twice."""
    labels = tuple(item.label() for item in node.items())
    if len(set(labels)) < len(labels):
        raise node.wrong("holds a label twice")
    return labels


def _numbers(node: Node, sizes: tuple[int, ...]) -> Vector:
    """A vector of finite numbers, of one of the sizes."""
    items = node.items()
    if len(items) not in sizes:
        raise node.wrong(f"needs {' or '.join(map(str, sizes))} numbers and has {len(items)}")
    values = np.array([item.number() for item in items], dtype=np.float64)
    if not np.all(np.isfinite(values)):
        raise node.wrong("needs finite numbers")
    return values


def _bare(entry: Node) -> Any:
    """Return the source without its weights, as the user would give it."""
    kind = entry["kind"].text()
    if kind == "number":
        estimated = "given" in entry.entries()
        return source_from_json(entry["given"]) if estimated else entry["value"].array()
    if kind == "same_as":
        return SameAs(entry["other"].text())
    if kind != "mlp":
        raise entry["kind"].wrong("needs number, same_as or mlp")
    options = entry["options"]
    activation = options["activation"].text()
    if activation not in ACTIVATIONS:
        raise WrongError(f"{shortened(activation)!r} is not an activation.")
    try:
        return MLP(
            hidden=tuple(width.whole() for width in options["hidden"].items()),
            activation=activation,
            dropout=options["dropout"].number(),
            normalization=cast("Any", options["normalization"].optional(Node.text)),
            skip=options["skip"].flag(),
            frequencies=options["frequencies"].optional(Node.whole),
            members=options["members"].optional(Node.whole),
            inputs=options["inputs"].optional(Node.texts),
            categorical=options["categorical"].texts(),
        )
    except ModelError as error:
        raise options.wrong(f"does not make a network: {str(error)[:100]}") from None


def _source(
    name: str,
    entry: Node,
    form: Model,
    tensors: dict[str, Any],
    levels: Mapping[str, tuple[Any, ...]],
) -> Source:
    source = form.sources[name]
    if not isinstance(source, MLP):
        return _estimate(name, entry, form) if "given" in entry.entries() else source
    encoder = _encoder(entry["encoder"])
    own = {n: levels.get(n, ()) for n, k in zip(encoder.names, encoder.sizes, strict=True) if k}
    if any(len(own[n]) != k for n, k in zip(encoder.names, encoder.sizes, strict=True) if k):
        raise entry["encoder"].wrong("does not fit the levels of its categories")
    domain = form.parameters[name]
    size = outputs_of(domain)
    scale = _numbers(entry["scale"], (1, size))
    if np.any(scale < 0.0):
        raise entry["scale"].wrong("needs numbers that are not negative")
    shift = _numbers(entry["shift"], (size,))
    background = entry["background"].optional(lambda node: _numbers(node, (size,)))
    if background is not None and not (np.all(background >= 0.0) and background.sum() < 1.0):
        raise entry["background"].wrong("needs probabilities with a sum below 1")
    modules = _modules(name, entry, source, encoder, size, tensors)
    return Trained(source, modules, encoder, domain, scale, shift, background, own)


def _estimate(name: str, entry: Node, form: Model) -> Fixed:
    try:
        number = Fixed(entry["value"].array())
        number.coefficients(name, form.parameters[name])
    except ModelError:
        raise entry["value"].wrong(f"is not a value of {name}") from None
    return number


def _encoder(node: Node) -> Encoder:
    names = node["names"].texts()
    sizes = tuple(size.whole() for size in node["sizes"].items())
    gaps = tuple(gap.flag() for gap in node["gaps"].items())
    embedded = tuple(place.whole() for place in node["embedded"].items())
    k = len(names)
    if len(set(names)) < k or not len(sizes) == len(gaps) == k:
        raise node.wrong("needs a size and a gap for each of its names, none of them twice")
    if any(a >= b for a, b in pairwise(embedded)) or any(
        place >= k or not sizes[place] for place in embedded
    ):
        raise node["embedded"].wrong("needs the places of categories, in their order")
    scale = _numbers(node["scale"], (k,))
    if np.any(scale < 0.0):
        raise node["scale"].wrong("needs numbers that are not negative")
    centre = _numbers(node["centre"], (k,))
    return Encoder(names, sizes, centre, scale, gaps, node["limited"].flag(), embedded)


def _modules(
    name: str, entry: Node, source: MLP, encoder: Encoder, size: int, tensors: dict[str, Any]
) -> tuple[Any, ...]:
    """The members, whose arrays are taken out of those of the file."""
    members = entry["members"].whole()
    # a file may claim any size: nothing is made that is larger than what the file holds
    held = sum(array.size for key, array in tensors.items() if key.startswith(f"{name}."))
    tables = EMBEDDING * sum(encoder.tables)
    width = sum(encoder.widths) + EMBEDDING * len(encoder.embedded)
    waves = source.frequencies or 0
    sizes = (width * (1 + 2 * waves), *source.widths, size)
    each = tables + width * (1 + waves) + sum((a + 1) * b for a, b in pairwise(sizes))
    if members < 1:
        raise entry["members"].wrong("needs at least one network")
    if members * each > held:
        raise WrongError(f"the file of weights lacks {name}.0: its options need larger arrays.")
    like = source.build(encoder, np.zeros(size), np.random.default_rng(0))
    leaves, structure = jax.tree.flatten(like)
    modules = []
    for member in range(members):
        arrays = []
        for leaf, expected in enumerate(leaves):
            key = f"{name}.{member}.{leaf}"
            array = tensors.pop(key, None)
            if array is None or array.shape != expected.shape or array.dtype != expected.dtype:
                raise WrongError(f"the file of weights lacks {key} of shape {expected.shape}.")
            if not np.all(np.isfinite(array)):
                raise WrongError(f"{key} of the weights holds numbers that are not finite.")
            arrays.append(jnp.asarray(array))
        modules.append(jax.tree.unflatten(structure, arrays))
    return tuple(modules)
