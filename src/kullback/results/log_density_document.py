"""Models with a log-density of the user's as JSON: all but the function, which a load is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kullback._core.domains import Interval
from kullback.models.composite import Composite
from kullback.models.function import Function
from kullback.models.log_density import LogDensity
from kullback.models.model import Model
from kullback.models.source import Source
from kullback.results.json_document import Node, WrongError, plain

# What the function is called where functions are named, beside those of parameters.
OWN = "log_density"


def functions_of(model: Model) -> dict[str, Callable[..., Any]]:
    """Return the functions of the user's that a model holds, by the names that a load takes."""
    found = {name: s.f for name, s in model.sources.items() if isinstance(s, Function)}
    if isinstance(model, LogDensity):
        found[OWN] = model.f
    if isinstance(model, Composite):
        for prefix, part in model.parts.items():
            found |= {prefix + name: f for name, f in functions_of(part).items()}
    return found


def log_density_to_json(model: LogDensity) -> dict[str, Any]:
    """Return what the function, its parameters' sources left out, is called with, as JSON."""
    s = model.support
    return {
        "columns": [model.outcome_argument, *model.covariates],
        "support": {
            "lower": plain(s.lower),
            "upper": plain(s.upper),
            "holds_lower": s.holds_lower,
            "holds_upper": s.holds_upper,
            "whole": s.whole,
        },
        "cdf": model.cdf_by_quadrature,
        "check": plain(model.check()),
    }


def log_density_from_json(
    node: Node, sources: Mapping[str, Source], f: Callable[..., Any] | None
) -> LogDensity:
    """Read a model.

    Args:
        node: what ``log_density_to_json`` wrote.
        sources: of its parameters.
        f: the function.

    Raises:
        WrongError: without the function, or for one with other values.
    """
    if f is None:
        raise WrongError(
            "its log-density is a function, which the file does not hold: give it, "
            f"kl.load(path, functions={{{OWN!r}: f}})."
        )
    s = node["support"]
    support = Interval(
        s["lower"].number(),
        s["upper"].number(),
        holds_lower=s["holds_lower"].flag(),
        holds_upper=s["holds_upper"].flag(),
        whole=s["whole"].flag(),
    )
    made = LogDensity(f, sources, node["columns"].texts(), support, cdf=node["cdf"].flag())
    check = made.check()
    stored = node["check"].vector(check.size)
    if not np.allclose(stored, check, rtol=1e-9, atol=0.0, equal_nan=True):
        raise WrongError(
            "the function given as log_density has other values than the one that was fitted."
        )
    return made
