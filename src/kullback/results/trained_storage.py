"""Saved networks: a folder with JSON and safetensors, which hold data and never code.

`model.json` has the family, the options of each network, the encoders and what is known of the
training; `weights.safetensors` the numbers, whose digest is in `model.json`, so that a folder whose
two files do not belong together is refused.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import secrets
import shutil
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.errors import FileFormatError, KullbackError, ModelError
from kullback._core.extras import need
from kullback.models.activations import ACTIVATIONS
from kullback.models.encoding import Encoder
from kullback.models.model import Model
from kullback.models.network import MLP, Trained, outputs_of
from kullback.models.registry import own_models
from kullback.models.source import Fixed, SameAs, Source
from kullback.results.trained import Epoch, TrainedFit

FORMAT, VERSION = "kullback network", 2
_JSON, _WEIGHTS = "model.json", "weights.safetensors"

# A table of a million levels and ten thousand epochs stays far below this.
_LARGEST = 64 * 2**20


def write_trained(fit: TrainedFit, folder: str | os.PathLike[str]) -> None:
    """Write a trained fit as a folder, all of it or nothing.

    Args:
        fit: the fit.
        folder: its name; one that holds an older model is replaced.

    Raises:
        ModelError: for a network that is the user's own code.
        KullbackError: where it cannot be written, or holds something else.
    """
    from safetensors.numpy import save

    tensors: dict[str, Any] = {}
    sources = {name: _source_out(name, s, tensors) for name, s in fit.model.sources.items()}
    if own_models().get(fit.form.name) is not type(fit.form):
        raise ModelError(f"{fit.form!r} cannot be saved: it is not one of Kullback's own models.")
    weights = save(tensors)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "model": fit.form.name,
        "classes": _plain(getattr(fit.model, "levels", None)),
        "sources": sources,
        "levels": {name: _plain(levels) for name, levels in fit.levels.items()},
        "history": [[_number(v) for v in vars(epoch).values()] for epoch in fit.history],
        "sample": {name: _number(getattr(fit, name)) for name in _SAMPLE},
    }
    try:
        text = json.dumps(document, allow_nan=False, indent=1)
    except TypeError as error:
        raise ModelError(f"the classes or levels cannot be saved: {error}") from None
    _replace(Path(folder), {_JSON: text.encode(), _WEIGHTS: weights})


_SAMPLE = (
    "label",
    "source",
    "rows",
    "held_out_rows",
    "baseline",
    "cross_entropy",
    "error",
    "best",
    "converged",
    "reason",
    "weights",
    "compile_seconds",
    "seconds",
)


def load_trained(folder: str | os.PathLike[str]) -> TrainedFit:
    """Load what ``write_trained`` wrote. No code runs.

    Args:
        folder: its name.

    Returns:
        The trained fit, whose predictions have the same bits.

    Raises:
        FileFormatError: for a folder that holds no such fit, saying what is wrong with it.
    """
    need("network", "networks")
    place = os.fspath(folder)
    try:
        return _read(Path(folder))
    except FileFormatError as error:
        raise FileFormatError(f"{place} is not a saved network that can be read: {error}") from None
    except (KullbackError, KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        told = f"{type(error).__name__}: {error}"[:200]
        raise FileFormatError(
            f"{place} is not a saved network that can be read: {_JSON} was altered ({told})"
        ) from None


# ---- writing -----------------------------------------------------------------------------------


def _source_out(name: str, source: Source, tensors: dict[str, Any]) -> dict[str, Any]:
    if isinstance(source, Fixed):
        return {"kind": "number", "value": source.number.tolist()}
    if isinstance(source, SameAs):
        return {"kind": "same_as", "other": source.other}
    form = source.form if isinstance(source, Trained) else None
    if not isinstance(source, Trained) or not isinstance(form, MLP) or callable(form.activation):
        raise ModelError(
            f"{name} of the model cannot be saved: it is the user's own code, and a saved network "
            "holds data only. Use kl.MLP with an activation known by name."
        )
    for member, module in enumerate(source.modules):
        for leaf, array in enumerate(jax.tree.leaves(module)):
            tensors[f"{name}.{member}.{leaf}"] = np.asarray(array)
    encoder = source.encoder
    return {
        "kind": "mlp",
        "options": {f.name: _plain(getattr(form, f.name)) for f in fields(form)},
        "members": len(source.modules),
        "scale": source.scale.tolist(),
        "shift": source.shift.tolist(),
        "background": None if source.background is None else source.background.tolist(),
        "encoder": {
            "names": list(encoder.names),
            "sizes": list(encoder.sizes),
            "centre": encoder.centre.tolist(),
            "scale": encoder.scale.tolist(),
            "gaps": list(encoder.gaps),
            "limited": encoder.limited,
            "embedded": list(encoder.embedded),
        },
    }


def _plain(value: Any) -> Any:
    return (
        [v.item() if isinstance(v, np.generic) else v for v in value]
        if isinstance(value, (tuple, list))
        else value
    )


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0.0 else "-inf"
    return value


def _replace(folder: Path, files: dict[str, bytes]) -> None:
    """Write a folder beside the target and swap them, so that neither is ever half written."""
    target = Path(os.path.realpath(folder))
    if target.exists() and not (target / _JSON).is_file():
        raise KullbackError(f"{folder} is there already and holds no saved network: it is kept.")
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    old = beside.with_suffix(".old")
    try:
        beside.mkdir()
        for name, content in files.items():
            (beside / name).write_bytes(content)
        if target.exists():
            target.rename(old)
        beside.rename(target)
    except OSError as error:
        if old.exists() and not target.exists():
            old.rename(target)
        raise KullbackError(f"{folder} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


# ---- reading -----------------------------------------------------------------------------------


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise FileFormatError(f"there is no file {path.name} in it")
    try:
        return path.read_bytes()
    except OSError as error:
        raise FileFormatError(f"{path.name}: {error.strerror or error}") from None


def _read(folder: Path) -> TrainedFit:
    from safetensors.numpy import load

    content = _content(folder / _JSON)
    if len(content) > _LARGEST:
        raise FileFormatError(f"{_JSON} is larger than any saved network")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(f"{_JSON} is no JSON: {str(error)[:100]}") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FileFormatError(f'{_JSON} does not say "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        raise FileFormatError(
            f"it has version {document.get('version')!r} of the format; this Kullback reads "
            f"version {VERSION}. Train the network again and save it."
        )
    weights = _content(folder / _WEIGHTS)
    if hashlib.sha256(weights).hexdigest() != document["sha256"]:
        raise FileFormatError(f"{_WEIGHTS} was altered, or belongs to another {_JSON}")
    try:
        tensors = load(weights)
    except Exception as error:
        raise FileFormatError(f"{_WEIGHTS}: {str(error)[:100]}") from None
    kind = own_models().get(document["model"])
    if kind is None:
        raise FileFormatError(f"there is no model {str(document['model'])[:40]!r}")
    classes = None if document["classes"] is None else tuple(document["classes"])
    bare: Model = kind(**{name: _bare(entry) for name, entry in document["sources"].items()})
    form = bare if classes is None else bare.with_levels(classes)
    levels = {name: tuple(found) for name, found in document["levels"].items()}
    sources = {
        name: _source_in(name, entry, form, tensors, levels)
        for name, entry in document["sources"].items()
    }
    sample = {name: _from_text(document["sample"][name]) for name in _SAMPLE}
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
    """The source as the user would give it."""
    if entry["kind"] == "number":
        return entry["value"]
    if entry["kind"] == "same_as":
        return SameAs(entry["other"])
    if entry["kind"] != "mlp":
        raise FileFormatError(f"there is no source {str(entry['kind'])[:40]!r}")
    told: dict[str, Any] = entry["options"]
    options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in told.items()}
    if options.get("activation") not in ACTIVATIONS:
        raise FileFormatError(f"there is no activation {str(options.get('activation'))[:40]!r}")
    return MLP(**options)


def _source_in(
    name: str,
    entry: dict[str, Any],
    form: Model,
    tensors: dict[str, Any],
    levels: dict[str, tuple[Any, ...]],
) -> Source:
    source = form.sources[name]
    if not isinstance(source, MLP):
        return source
    told = entry["encoder"]
    encoder = Encoder(
        tuple(map(str, told["names"])),
        tuple(map(int, told["sizes"])),
        np.array(told["centre"], dtype=np.float64),
        np.array(told["scale"], dtype=np.float64),
        tuple(map(bool, told["gaps"])),
        bool(told["limited"]),
        tuple(map(int, told["embedded"])),
    )
    lengths = {len(told[key]) for key in ("names", "sizes", "centre", "scale", "gaps")}
    if len(lengths) != 1:
        raise FileFormatError(f"the encoder of {name} has parts of different lengths")
    domain = form.parameters[name]
    size = outputs_of(domain)
    # a file may claim any size: nothing is made that is larger than what it holds
    largest = max((array.size for array in tensors.values()), default=0)
    sizes = (sum(encoder.widths), *source.widths, size)
    if max(*encoder.tables, *(a * b for a, b in pairwise(sizes)), 0) > largest:
        raise FileFormatError(f"{_WEIGHTS} lacks {name}.0: its options ask for more numbers")
    like = source.build(encoder, np.zeros(size), np.random.default_rng(0))
    leaves, structure = jax.tree.flatten(like)
    modules = []
    for member in range(int(entry["members"])):
        arrays = []
        for leaf, wanted in enumerate(leaves):
            key = f"{name}.{member}.{leaf}"
            array = tensors.get(key)
            if array is None or array.shape != wanted.shape or array.dtype != wanted.dtype:
                raise FileFormatError(f"{_WEIGHTS} lacks {key} of shape {wanted.shape}")
            if not np.all(np.isfinite(array)):
                raise FileFormatError(f"{key} in {_WEIGHTS} holds numbers that are not finite")
            arrays.append(jnp.asarray(array))
        modules.append(jax.tree.unflatten(structure, arrays))
    scale = np.array(entry["scale"], dtype=np.float64)
    shift = np.array(entry["shift"], dtype=np.float64)
    background = None
    if entry["background"] is not None:
        background = np.array(entry["background"], dtype=np.float64)
        whole = background.shape == (size,) and bool(np.all(background >= 0.0))
        if not whole or not float(background.sum()) < 1.0:
            raise FileFormatError(f"the background of {name} holds no probabilities of its classes")
    if not modules or scale.shape not in ((1,), (size,)) or shift.shape != (size,):
        raise FileFormatError(f"the calibration of {name} has another shape than its outputs")
    own = {n: levels[n] for n, size in zip(encoder.names, encoder.sizes, strict=True) if size}
    if any(
        len(own[n]) != size for n, size in zip(encoder.names, encoder.sizes, strict=True) if size
    ):
        raise FileFormatError(f"the levels of the categories of {name} do not fit its encoder")
    return Trained(source, tuple(modules), encoder, domain, scale, shift, background, own)
