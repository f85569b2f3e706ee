"""Writing fits as JSON that holds data, never code.

Every number is written so that it reads back to the same bits; ``load.py`` reads the file.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.errors import ModelError
from kullback._core.files import replaced
from kullback._core.held import Held
from kullback._core.spanned import Spanned
from kullback._core.version import installed_version
from kullback.results.json_document import LARGEST, plain, plain_label
from kullback.results.model_document import model_to_json, refuse_functions
from kullback.results.overdispersion import pearson_of
from kullback.results.sample_info import SAMPLING

if TYPE_CHECKING:  # Fit.save calls this module, which only reads the fit
    from kullback.results.fit import Fit

FORMAT, VERSION = "kullback fit", 2

# Saved fields of the sample, besides class labels and the estimated entropy.
_OF_THE_SAMPLE = ("label", "source", "rows", "weight", "dropped", "entropy")


def write(fit: Fit, path: str | os.PathLike[str], functions: Sequence[str] = ()) -> None:
    """Write a fit as JSON, the whole file or nothing.

    Args:
        fit: the fit.
        path: the file; an existing one is replaced.
        functions: the parameters whose function may be left out.

    Raises:
        ModelError: for a model, a source or class labels that are the user's own code.
        KullbackError: where the file cannot be written.
    """
    refuse_functions(fit.form, functions)
    text = _text(fit)
    if len(text) > LARGEST:
        raise ModelError(
            f"a fit of {fit.parameter_count:,} coefficients takes {len(text):,} bytes; a saved fit "
            f"may take {LARGEST:,}."
        )
    with replaced(path, os.fspath(path)) as file:
        file.write(text.encode("ascii"))


def _text(fit: Fit) -> str:
    evaluation, sample = fit.evaluation, fit.sample_info
    with np.errstate(all="ignore"):  # a diverging fit may overflow
        constrained = fit.vector.split(evaluation.constrained(fit.vector))
    model = model_to_json(fit.form, sample.levels)
    _refuse_held(fit)
    estimate, levels, pearson = fit.entropy_estimate, sample.levels, pearson_of(fit)
    document = {
        "format": FORMAT,
        "version": VERSION,
        "kullback": installed_version(),
        "model": model,
        "estimates": {name: plain(value) for name, value in constrained.items()},
        **_bases(fit),
        "on_bound": {name: plain(value) for name, value in fit.vector.on_bound.items()},
        **{name: _plain_parts(part) for name, part in evaluation.stored().items()},
        "sample": {
            **{name: plain(getattr(sample, name)) for name in _OF_THE_SAMPLE},
            **({"inexact": sample.inexact} if sample.inexact else {}),
            **({"weight_kind": SAMPLING} if sample.weight_kind == SAMPLING else {}),
            **({} if pearson is None else {"pearson": list(pearson)}),
            **({"instructions": list(sample.instructions)} if sample.instructions else {}),
            "entropy_estimate": None if estimate is None else _fields(estimate),
            "levels": None if levels is None else [plain_label(v) for v in levels],
        },
        "convergence": _fields(fit.convergence),
        **({"power": fit.power} if fit.power else {}),
        **({} if fit.covariance_kind == "observed" else {"covariance_kind": fit.covariance_kind}),
        **({} if fit.clusters is None else {"clusters": _fields(fit.clusters)}),
    }
    # one part a line: readable, without a line for every number
    parts = (f"{json.dumps(k)}: {json.dumps(v, allow_nan=False)}" for k, v in document.items())
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _bases(fit: Fit) -> dict[str, Any]:
    """The coordinates of the coefficients of functions, in which the evaluation is."""
    own = {c.name: c.domain for c in fit.vector.coefficients if isinstance(c.domain, Spanned)}
    parts = {
        name: {"centre": plain(domain.centre), "basis": plain(domain.basis)}
        for name, domain in own.items()
    }
    return {"bases": parts} if parts else {}


def _plain_parts(part: Any) -> Any:
    if isinstance(part, Mapping):
        return {name: plain(value) for name, value in part.items()}
    return plain(part)


def _refuse_held(fit: Fit) -> None:
    """Raise where numbers are held fixed that are free in the model: the file has no place for it.

    Raises:
        ModelError: with the names of these coefficients.
    """
    pairs = zip(fit.vector.coefficients, fit.form.vector.coefficients, strict=True)
    held = [
        c.name
        for c, own in pairs
        if isinstance(c.domain, Held) or (c.value is None) != (own.value is None)
    ]
    if held:
        raise ModelError(
            f"a fit again with coefficients of {', '.join(held)} held fixed cannot be saved: it is "
            "a point of a profile. Save the fit that it was made from."
        )


def _fields(part: Any) -> dict[str, Any]:
    return {name: plain(value) for name, value in vars(part).items()}
