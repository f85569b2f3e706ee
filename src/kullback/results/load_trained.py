"""Reading trained networks: a folder with JSON and safetensors, which hold data, never code."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.errors import FileFormatError, KullbackError
from kullback._core.extras import need
from kullback.models.activations import ACTIVATIONS
from kullback.models.encoding import Encoder
from kullback.models.model import Model
from kullback.models.network import MLP, Trained, outputs_of
from kullback.models.registry import own_models
from kullback.models.source import SameAs, Source
from kullback.results.json_document import WrongError
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
    except (FileFormatError, WrongError) as error:
        raise FileFormatError(f"{place} is not a saved network that can be read: {error}") from None
    except (KullbackError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        cause = f"{type(error).__name__}: {error}"[:200]
        raise FileFormatError(
            f"{place} is not a saved network that can be read: {JSON_FILE} was altered ({cause})"
        ) from None


def _read(folder: str) -> TrainedFit:
    from safetensors.numpy import load

    node, weights = read_network(folder)
    document: dict[str, Any] = node.value
    try:
        tensors = load(weights)
    except Exception as error:
        raise FileFormatError(f"the weights: {str(error)[:100]}") from None
    kind = own_models().get(document["model"])
    if kind is None:
        raise FileFormatError(f"{str(document['model'])[:40]!r} is not a model of Kullback's")
    classes = None if document["classes"] is None else tuple(document["classes"])
    bare: Model = kind(**{name: _bare(entry) for name, entry in document["sources"].items()})
    form = bare if classes is None else bare.with_levels(classes)
    levels = {name: tuple(values) for name, values in document["levels"].items()}
    sources = {
        name: _source(name, entry, form, tensors, levels)
        for name, entry in document["sources"].items()
    }
    sample = {name: _from_text(document["sample"][name]) for name in SAMPLE_FIELDS}
    return TrainedFit(
        form=form,
        model=form.with_sources(sources),
        history=tuple(Epoch(int(e[0]), *map(_from_text, e[1:])) for e in document["history"]),
        levels=levels,
        **sample,
    )


def _from_text(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value


def _bare(entry: dict[str, Any]) -> Any:
    """Return the source without its weights, as the user would give it."""
    if entry["kind"] == "number":
        return entry["value"]
    if entry["kind"] == "same_as":
        return SameAs(entry["other"])
    if entry["kind"] != "mlp":
        raise FileFormatError(f"{str(entry['kind'])[:40]!r} is not a source")
    options: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in entry["options"].items()
    }
    if options.get("activation") not in ACTIVATIONS:
        raise FileFormatError(f"{str(options.get('activation'))[:40]!r} is not an activation")
    return MLP(**options)


def _source(
    name: str,
    entry: dict[str, Any],
    form: Model,
    tensors: dict[str, Any],
    levels: dict[str, tuple[Any, ...]],
) -> Source:
    source = form.sources[name]
    if not isinstance(source, MLP):
        return source
    parts = entry["encoder"]
    encoder = Encoder(
        tuple(map(str, parts["names"])),
        tuple(map(int, parts["sizes"])),
        np.array(parts["centre"], dtype=np.float64),
        np.array(parts["scale"], dtype=np.float64),
        tuple(map(bool, parts["gaps"])),
        bool(parts["limited"]),
        tuple(map(int, parts["embedded"])),
    )
    lengths = {len(parts[key]) for key in ("names", "sizes", "centre", "scale", "gaps")}
    if len(lengths) != 1:
        raise FileFormatError(f"the encoder of {name} has parts of different lengths")
    domain = form.parameters[name]
    size = outputs_of(domain)
    # a file may claim any size: no array is made that is larger than those in the file
    largest = max((array.size for array in tensors.values()), default=0)
    sizes = (sum(encoder.widths), *source.widths, size)
    if max(*encoder.tables, *(a * b for a, b in pairwise(sizes)), 0) > largest:
        raise FileFormatError(f"the weights lacks {name}.0: its options need larger arrays")
    like = source.build(encoder, np.zeros(size), np.random.default_rng(0))
    leaves, structure = jax.tree.flatten(like)
    modules = []
    for member in range(int(entry["members"])):
        arrays = []
        for leaf, expected in enumerate(leaves):
            key = f"{name}.{member}.{leaf}"
            array = tensors.get(key)
            if array is None or array.shape != expected.shape or array.dtype != expected.dtype:
                raise FileFormatError(f"the weights lacks {key} of shape {expected.shape}")
            if not np.all(np.isfinite(array)):
                raise FileFormatError(f"{key} in the weights holds numbers that are not finite")
            arrays.append(jnp.asarray(array))
        modules.append(jax.tree.unflatten(structure, arrays))
    scale = np.array(entry["scale"], dtype=np.float64)
    shift = np.array(entry["shift"], dtype=np.float64)
    background = None
    if entry["background"] is not None:
        background = np.array(entry["background"], dtype=np.float64)
        whole = background.shape == (size,) and bool(np.all(background >= 0.0))
        if not whole or not float(background.sum()) < 1.0:
            raise FileFormatError(
                f"the background of {name} does not hold probabilities of its classes"
            )
    if not modules or scale.shape not in ((1,), (size,)) or shift.shape != (size,):
        raise FileFormatError(f"the calibration of {name} has another shape than its outputs")
    own = {n: levels[n] for n, size in zip(encoder.names, encoder.sizes, strict=True) if size}
    if any(
        len(own[n]) != size for n, size in zip(encoder.names, encoder.sizes, strict=True) if size
    ):
        raise FileFormatError(f"the levels of the categories of {name} do not fit its encoder")
    return Trained(source, tuple(modules), encoder, domain, scale, shift, background, own)
