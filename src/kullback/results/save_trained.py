"""Writing trained networks: a folder with JSON and safetensors, which hold data, never code.

`model.json` has the family, the options of each network, the encoders and the training's history;
another file has the weights (see ``network_folder.py``). ``load_trained.py`` reads the folder.
"""

from __future__ import annotations

import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from kullback._core.errors import ModelError
from kullback.models.network import MLP, Trained
from kullback.models.registry import own_models
from kullback.models.source import Fixed, SameAs, Source
from kullback.results.json_document import plain, plain_label
from kullback.results.model_document import source_to_json
from kullback.results.network_folder import write_network

if TYPE_CHECKING:  # TrainedFit.save calls this module, which only reads the fit
    from kullback.results.trained import TrainedFit

# Saved fields of the sample and the training.
SAMPLE_FIELDS = (
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


def write_trained(fit: TrainedFit, folder: str | os.PathLike[str]) -> None:
    """Write a trained fit as a folder, all of it or nothing.

    Args:
        fit: the fit.
        folder: its path: a new or empty folder, or one with an older model, which is replaced;
            other files in it are kept.

    Raises:
        ModelError: for a network that is the user's own code.
        KullbackError: where it cannot be written, or holds something else.
    """
    from safetensors.numpy import save

    tensors: dict[str, Any] = {}
    sources = {
        name: _source(name, s, fit.form.sources[name], tensors)
        for name, s in fit.model.sources.items()
    }
    if own_models().get(fit.form.name) is not type(fit.form):
        raise ModelError(f"{fit.form!r} cannot be saved: it is not one of Kullback's own models.")
    classes: tuple[Any, ...] | None = getattr(fit.model, "levels", None)
    document = {
        "model": fit.form.name,
        "classes": None if classes is None else [plain_label(v) for v in classes],
        "sources": sources,
        "levels": {name: [plain_label(v) for v in levels] for name, levels in fit.levels.items()},
        "history": [plain(list(vars(epoch).values())) for epoch in fit.history],
        "sample": {name: plain(getattr(fit, name)) for name in SAMPLE_FIELDS},
    }
    write_network(folder, document, save(tensors))


def _source(name: str, source: Source, given: Source, tensors: dict[str, Any]) -> dict[str, Any]:
    """A source of the trained model, and the original source of an estimated number."""
    if isinstance(source, Fixed):
        number = {"kind": "number", "value": source.number.tolist()}
        estimated = {} if source == given else {"given": source_to_json(name, given)}
        return {**number, **estimated}
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
    """Turn a tuple or list into a list, and NumPy's numbers into Python's."""
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
