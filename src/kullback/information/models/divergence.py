"""Entropy, cross-entropy and relative entropy of models: a ladder that says which rung it used.

Closed form, where there is one that keeps its digits; else quadrature (in one dimension) or a sum
over outcomes, with a bound on the error; else simulation, with a standard error. What is infinite
is told from supports and tails, before anything is computed.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from kullback._core.errors import ModelError
from kullback.information.estimate import Estimate
from kullback.information.models import closed_forms, integrate, lattice_sum, monte_carlo
from kullback.information.models.exact import Exact
from kullback.information.models.finiteness import Reach, infinite, reach
from kullback.information.models.method_choice import DRAWS, Options, Rungs, climb
from kullback.information.models.tails import default_numbers, outline
from kullback.models.labels.categorical import Categorical
from kullback.models.model import Model

# ---- public --------------------------------------------------------------------------------


def entropy(
    model: Model,
    *,
    unit: str = "nats",
    level: float = 0.95,
    method: str = "auto",
    draws: int = DRAWS,
    seed: Any = 0,
) -> Estimate:
    """Entropy H(p) = E_p[−log p(X)] of a model (differential for a continuous one).

    Args:
        model: with every parameter fixed.
        unit: "nats", "bits" or "hartleys".
        level: of the interval.
        method: "auto" takes the first rung that serves: "closed form", "quadrature" (for counts and
            labels a sum over the outcomes), "monte carlo".
        draws: of a simulation.
        seed: of a simulation, a whole number.

    Returns:
        An Estimate; its ``method`` says which rung was used.

    Raises:
        ModelError: where a parameter is free, the rung that was asked for does not exist, or the
            distribution is defective.

    Example:
        >>> import kullback as kl
        >>> float(entropy(kl.Exponential(rate=1.0)))
        1.0
    """
    options = Options(unit, level, method, draws, seed)
    _check(model)

    def closed() -> Exact | None:
        return closed_forms.entropy(model)

    def numeric() -> Estimate:
        if model.discrete:
            return options.numeric(*lattice_sum.expectations(model).entropy, "sum over outcomes")
        return options.numeric(*integrate.expectations(model).entropy, "quadrature")

    def simulated() -> Estimate:
        return options.simulated(monte_carlo.entropy(model, draws, seed))

    return climb(options, f"the entropy of {model!r}", model, Rungs(closed, numeric, simulated))


def cross_entropy(
    p: Model,
    q: Model,
    *,
    unit: str = "nats",
    level: float = 0.95,
    method: str = "auto",
    draws: int = DRAWS,
    seed: Any = 0,
) -> Estimate:
    """Cross-entropy H(p, q) = E_p[−log q(X)] of two models; = H(p) + D(p‖q).

    Args:
        p: the model that the outcomes come from, fixed.
        q: the model whose log-density is averaged, fixed.
        unit: "nats", "bits" or "hartleys".
        level: of the interval.
        method: as for ``entropy``.
        draws: of a simulation.
        seed: of a simulation.

    Returns:
        An Estimate; +∞, with the reason in its ``assumptions``, where p has mass and q has none, or
        where p's tail is too heavy for −log q.

    Raises:
        ModelError: where a parameter is free, a discrete model meets a continuous one, labels do
            not agree, or it cannot be decided whether the value is finite.

    Example:
        >>> import kullback as kl
        >>> float(cross_entropy(kl.Exponential(rate=1.0), kl.Exponential(rate=0.5), unit="nats"))
        1.193147180559945
    """
    options = Options(unit, level, method, draws, seed)
    verdict = _both(p, q)
    if verdict.infinite:
        return options.estimate(math.inf, 0.0, verdict.method, (verdict.reason,))

    def closed() -> Exact | None:
        direct = closed_forms.cross_entropy(p, q)
        if direct is not None:
            return direct
        gap = closed_forms.divergence(p, q)
        own = None if gap is None else closed_forms.entropy(p)
        if own is None or gap is None:
            return None
        return Exact(own.value + gap.value, own.error + gap.error, gap.method)

    def numeric() -> Estimate:
        return options.numeric(*_expectations(p, q).cross_entropy, _rung(p))

    def simulated() -> Estimate:
        found = monte_carlo.cross_entropy(p, q, draws, seed)
        return options.simulated(found, *verdict.doubts)

    name = f"the cross-entropy of {p!r} and {q!r}"
    return climb(options, name, p, Rungs(closed, numeric, simulated), verdict.doubts)


def kl_divergence(
    p: Model,
    q: Model,
    *,
    unit: str = "nats",
    level: float = 0.95,
    method: str = "auto",
    draws: int = DRAWS,
    seed: Any = 0,
) -> Estimate:
    """Relative entropy D(p‖q) = E_p[log p(X) − log q(X)] ≥ 0 of two models.

    Args:
        p: the model that the outcomes come from, fixed.
        q: the model compared with it, fixed.
        unit: "nats", "bits" or "hartleys".
        level: of the interval.
        method: as for ``entropy``.
        draws: of a simulation.
        seed: of a simulation.

    Returns:
        An Estimate; +∞ where ``cross_entropy`` is. (S. Kullback and R. A. Leibler, 1951.)

    Raises:
        ModelError: as ``cross_entropy``.

    Example:
        >>> import kullback as kl
        >>> float(kl_divergence(kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=1.0, scale=1.0)))
        0.5
    """
    options = Options(unit, level, method, draws, seed)
    verdict = _both(p, q)
    if verdict.infinite:
        return options.estimate(math.inf, 0.0, verdict.method, (verdict.reason,))
    if _equal(p, q):
        return options.estimate(0.0, 0.0, "closed form", ("the two models are the same",))

    def closed() -> Exact | None:
        return _closed_divergence(p, q)

    def numeric() -> Estimate:
        return options.numeric(*_expectations(p, q).divergence, _rung(p))

    def simulated() -> Estimate:
        found = monte_carlo.kl_divergence(p, q, draws, seed)
        return options.simulated(found, *verdict.doubts)

    rungs = Rungs(closed, numeric, simulated)
    name = f"the relative entropy of {p!r} and {q!r}"
    return climb(options, name, p, rungs, verdict.doubts, size=0.0)


def jensen_shannon(
    p: Model,
    q: Model,
    *,
    weights: tuple[float, float] = (0.5, 0.5),
    unit: str = "nats",
    level: float = 0.95,
    method: str = "auto",
    draws: int = DRAWS,
    seed: Any = 0,
) -> Estimate:
    """Jensen–Shannon divergence w D(p‖m) + (1 − w) D(q‖m) with m = w p + (1 − w) q.

    Always finite: at most the entropy of the weights, log 2 for equal ones (J. Lin, 1991).

    Args:
        p: a fixed model.
        q: another.
        weights: w and 1 − w.
        unit: "nats", "bits" or "hartleys".
        level: of the interval.
        method: as for ``entropy``; there is no closed form, but for classes a sum is exact.
        draws: of a simulation, from either model.
        seed: of a simulation.

    Returns:
        An Estimate.

    Raises:
        ModelError: as ``kl_divergence``, and for weights that are not positive with sum 1.

    Example:
        >>> import kullback as kl
        >>> one = kl.Bernoulli(probability=1.0)
        >>> float(jensen_shannon(one, kl.Bernoulli(probability=0.0), unit="bits"))
        1.0
    """
    options = Options(unit, level, method, draws, seed)
    first, second = (float(w) for w in weights)
    if not (first > 0.0 and second > 0.0 and abs(first + second - 1.0) <= 1e-12):
        raise ModelError(f"weights={weights!r}: give two positive numbers with sum 1.")
    _both(p, q)
    if _equal(p, q):
        return options.estimate(0.0, 0.0, "closed form", ("the two models are the same",))

    def closed() -> None:
        return None

    def numeric() -> Estimate:
        value, error = 0.0, 0.0
        for own, other, share in ((p, q, first), (q, p, second)):
            part, bound = _to_mixture(own, other, share).divergence
            value, error = value + share * part, error + share * bound
        return options.numeric(value, error, _rung(p))

    def simulated() -> Estimate:
        found = monte_carlo.jensen_shannon(p, q, (first, second), draws, seed)
        return options.simulated(found)

    name = f"the Jensen–Shannon divergence of {p!r} and {q!r}"
    return climb(options, name, p, Rungs(closed, numeric, simulated))


# ---- the rungs ------------------------------------------------------------------------------


def _closed_divergence(p: Model, q: Model) -> Exact | None:
    found = closed_forms.divergence(p, q)
    if found is not None:
        return found
    both = closed_forms.cross_entropy(p, q)
    own = None if both is None else closed_forms.entropy(p)
    if own is None or both is None:
        return None
    return Exact(both.value - own.value, own.error + both.error, both.method)


def _rung(p: Model) -> str:
    return "sum over outcomes" if p.discrete else "quadrature"


def _expectations(p: Model, q: Model) -> integrate.Expectations:
    if p.discrete:
        return lattice_sum.expectations(p, q)
    return integrate.expectations(p, q.log_density, q=reach(p, q))


def _to_mixture(own: Model, other: Model, share: float) -> integrate.Expectations:
    """Expectations under ``own`` of the log-density of share·own + (1 − share)·other."""

    def log_mixture(x: Any) -> Any:
        with np.errstate(invalid="ignore"):
            parts = (own.log_density(x) + math.log(share), other.log_density(x))
            return np.logaddexp(parts[0], parts[1] + math.log1p(-share))

    if own.discrete:
        return lattice_sum.expectations(own, None, log_mixture)
    o, q = outline(own), reach(own, other)
    ends = tuple(end for end in (q.lower, q.upper) if math.isfinite(end))
    mixture = replace(
        q, lower=min(o.lower, q.lower), upper=max(o.upper, q.upper), kinks=(*q.kinks, *ends)
    )
    return integrate.expectations(own, log_mixture, q=mixture)


# ---- what goes with what -------------------------------------------------------------------


def _check(model: Model) -> None:
    _ = model.params  # raises where a parameter is free
    if model.name == "Gompertz" and outline(model).upper_tail is not None:
        shape = default_numbers(model)["shape"]
        if shape < 0.0:
            raise ModelError(
                f"{model!r} is defective: with a negative shape a share of the probability lies at "
                f"infinity, and no entropy is defined. Use a shape ≥ 0."
            )


def _both(p: Model, q: Model) -> Reach:
    _check(p)
    _ = q.params
    if p.discrete != q.discrete:
        count, line = (p, q) if p.discrete else (q, p)
        raise ModelError(
            f"{count!r} is discrete and {line!r} is continuous: one gives probabilities and the "
            f"other densities, and no number compares them. Compare models of the same kind of "
            f"outcome."
        )
    if p.outcome != q.outcome:
        raise ModelError(f"{p!r} has {p.outcome}s for outcomes and {q!r} has {q.outcome}s.")
    if isinstance(p, Categorical) and isinstance(q, Categorical):
        if p.classes != q.classes:
            raise ModelError(f"{p!r} has {p.classes} classes and {q!r} has {q.classes}.")
        if p.levels is not None and q.levels is not None and p.levels != q.levels:
            raise ModelError(
                f"the class labels differ, or their order does: {p.levels!r} and {q.levels!r}."
            )
    return infinite(p, q)


def _equal(p: Model, q: Model) -> bool:
    if type(p) is not type(q) or not type(p).__module__.startswith("kullback.models."):
        return p is q
    first, second = p.params, q.params
    return set(first) == set(second) and all(
        np.array_equal(np.asarray(first[name]), np.asarray(second[name])) for name in first
    )
