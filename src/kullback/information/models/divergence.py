"""Entropy, cross-entropy and divergences of models, for the functions of ``information.arrays``.

In closed form, where one exists that keeps its digits; else by quadrature (in one dimension) or a
sum over outcomes, with a bound on the error; else by simulation, with a standard error. Whether a
value is infinite is decided from supports and tails, before anything is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np

from kullback._core.errors import ModelError
from kullback.information.arrays.validation import two_weights
from kullback.information.estimate import Estimate
from kullback.information.models import closed_forms, integrate, lattice_sum, monte_carlo
from kullback.information.models.finiteness import Finiteness, aligned_outline, finiteness
from kullback.information.models.method_choice import ClosedForm, Options, choose
from kullback.information.models.tails import outline
from kullback.models.labels.categorical import Categorical
from kullback.models.model import Model
from kullback.models.source import Fixed

_Formula: TypeAlias = Callable[[Model, Model], ClosedForm | None]
_EQUAL = (0.0, 0.0, "closed form", "the two models are the same")


def entropy(p: Model, *, options: Options) -> Estimate:
    """Entropy H(p) = E_p[−log p(X)], differential for a continuous model."""
    _check(p)
    return choose(
        options,
        f"the entropy of {p!r}",
        p,
        lambda: closed_forms.entropy(p),
        lambda: _expectations(p).entropy,
        lambda: monte_carlo.cross_entropy(p, p, options.draws, options.seed),
    )


def cross_entropy(p: Model, q: Model, *, options: Options) -> Estimate:
    """Cross-entropy H(p, q) = E_p[−log q(X)] = H(p) + D(p‖q)."""
    found = _comparable(p, q)
    if found.infinite:
        return options.estimate(math.inf, 0.0, found.method, found.reason)
    return choose(
        options,
        f"the cross-entropy of {p!r} and {q!r}",
        p,
        lambda: _closed_form(p, q, closed_forms.cross_entropy, closed_forms.divergence, 1.0),
        lambda: _expectations(p, q).cross_entropy,
        lambda: monte_carlo.cross_entropy(p, q, options.draws, options.seed),
        undecided=found.undecided,
    )


def kl_divergence(p: Model, q: Model, *, options: Options) -> Estimate:
    """Relative entropy D(p‖q) = E_p[log p(X) − log q(X)] ≥ 0."""
    found = _comparable(p, q)
    if found.infinite:
        return options.estimate(math.inf, 0.0, found.method, found.reason)
    if _equal(p, q):
        return options.estimate(*_EQUAL)
    return choose(
        options,
        f"the relative entropy of {p!r} and {q!r}",
        p,
        lambda: _closed_form(p, q, closed_forms.divergence, closed_forms.cross_entropy, -1.0),
        lambda: _expectations(p, q).divergence,
        lambda: monte_carlo.kl_divergence(p, q, options.draws, options.seed),
        undecided=found.undecided,
        size=0.0,
    )


def jensen_shannon(
    p: Model, q: Model, *, weights: Sequence[float] = (0.5, 0.5), options: Options
) -> Estimate:
    """Jensen–Shannon divergence a D(p‖m) + b D(q‖m) with m = a p + b q; always finite."""
    a, b = two_weights(weights)
    _comparable(p, q)
    if _equal(p, q):
        return options.estimate(*_EQUAL)

    def numerical() -> tuple[float, float]:
        value, error = 0.0, 0.0
        for own, other, share in ((p, q, a), (q, p, b)):
            part, bound = _to_mixture(own, other, share).divergence
            value, error = value + share * part, error + share * bound
        return value, error

    return choose(
        options,
        f"the Jensen–Shannon divergence of {p!r} and {q!r}",
        p,
        lambda: None,
        numerical,
        lambda: monte_carlo.jensen_shannon(p, q, (a, b), options.draws, options.seed),
    )


def _closed_form(
    p: Model, q: Model, direct: _Formula, other: _Formula, sign: float
) -> ClosedForm | None:
    """The direct formula, or the other one plus or minus the entropy of p: H(p, q) = H(p) + D."""
    found = direct(p, q)
    if found is not None:
        return found
    found = other(p, q)
    own = None if found is None else closed_forms.entropy(p)
    if own is None or found is None:
        return None
    return ClosedForm(found.value + sign * own.value, own.error + found.error, found.method)


def _expectations(p: Model, q: Model | None = None) -> integrate.Expectations:
    _refuse_atoms(p)
    if p.discrete:
        return lattice_sum.expectations(p, q)
    if q is None:
        return integrate.expectations(p)
    return integrate.expectations(p, q.log_density, q=aligned_outline(p, q))


def _to_mixture(own: Model, other: Model, share: float) -> integrate.Expectations:
    """Expectations under ``own`` of the log-density of share·own + (1 − share)·other."""
    if own.discrete:
        return lattice_sum.expectations(own, other, share)

    def log_mixture(x: Any) -> Any:
        with np.errstate(invalid="ignore"):
            parts = (own.log_density(x) + math.log(share), other.log_density(x))
            return np.logaddexp(parts[0], parts[1] + math.log1p(-share))

    o, q = outline(own), aligned_outline(own, other)
    ends = tuple(end for end in (q.lower, q.upper) if math.isfinite(end))
    mixture = replace(
        q, lower=min(o.lower, q.lower), upper=max(o.upper, q.upper), kinks=(*q.kinks, *ends)
    )
    return integrate.expectations(own, log_mixture, q=mixture)


def _check(model: Model) -> None:
    _ = model.params  # raises where a parameter is free
    if model.tails is not None and model.tails.defect:
        raise ModelError(f"{model!r} is defective: {model.tails.defect}.")


def _refuse_atoms(model: Model) -> None:
    if model.atoms:
        raise ModelError(
            f"{model!r} has a probability at 0 and densities above, which neither a sum nor "
            "quadrature adds up: compare the bases and the probabilities of zero apart."
        )


def _comparable(p: Model, q: Model) -> Finiteness:
    """Refuse models whose outcomes differ in kind, and say whether E_p[−log q] is finite."""
    _check(p)
    _ = q.params
    if p.discrete != q.discrete:
        count, line = (p, q) if p.discrete else (q, p)
        raise ModelError(
            f"{count!r} is discrete and {line!r} is continuous: probabilities and densities cannot "
            f"be compared. Compare models of the same kind of outcome."
        )
    _refuse_atoms(p)
    _refuse_atoms(q)
    if p.outcome != q.outcome:
        raise ModelError(f"{p!r} has {p.outcome}s for outcomes and {q!r} has {q.outcome}s.")
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        if p.classes != q.classes:
            raise ModelError(f"{p!r} has {p.classes} classes and {q!r} has {q.classes}.")
        if p.levels is not None and q.levels is not None and p.levels != q.levels:
            raise ModelError(
                f"the class labels differ, or their order does: {p.levels!r} and {q.levels!r}."
            )
    return finiteness(p, q)


def _equal(p: Model, q: Model) -> bool:
    return type(p) is type(q) and _untied(p) == _untied(q)


def _untied(model: Model) -> Model:
    return model.with_sources({name: Fixed(number) for name, number in model.params.items()})
