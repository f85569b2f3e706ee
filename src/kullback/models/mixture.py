"""Mixtures of models: each outcome comes from one of several components."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Domain, Interval, Shares
from kullback._core.errors import ModelError
from kullback.models.caution import Caution
from kullback.models.composite import Composite
from kullback.models.mixture_labels import degenerate, in_order
from kullback.models.mixture_starts import mixture_starts
from kullback.models.model import Model
from kullback.models.row_functions import Moment, RowFunctions
from kullback.models.source import Fixed, Free, Param, SameAs, Source
from kullback.models.tails import Tails
from kullback.special.numerics import log

WEIGHTS = "weights"


@final
class Mixture(Composite):
    """A mixture: q(x) = Σ weights[k] q_k(x), of components q_k, with weights > 0 of sum 1.

    The components may be any models of numbers: of different families, with fixed, bounded or tied
    parameters, truncated, or mixtures themselves; all of continuous outcomes or all of counts.
    Parameters are those of the components, ``components[0].loc``, and ``weights``. One is shared by
    ``kl.same_as("components[0].scale")``, also in a model that is repeated: the first component's
    is then free.

    The likelihood has many maxima. The search starts where the EM algorithm comes to from some
    twenty splits of the outcomes, with a fixed seed, and ends by Newton's method. With components
    such as ``kl.Normal()`` the likelihood is unbounded where one narrows around a single outcome;
    the estimate is a maximum at which every component describes several different ones. Components
    that could change places are in ascending order of their means (medians where these are not
    known), then of their variances; those with different numbers, bounds, starts or ties stay.

    Components may be regressions, ``kl.Mixture([kl.Poisson(rate="~ x")] * 2)``, and the weights may
    depend on columns, ``weights="~ z"``: the logarithms of their ratios to the first weight are
    linear, and ``fit.params["weights"][1]["z"]`` belongs to ``components[1]``. The search then
    starts from splits of a subsample by the residuals of one regression, and from random subsets;
    components that could change places are in ascending order of their coefficients, the first
    one's first.
    Sources: A. P. Dempster, N. M. Laird and D. B. Rubin (1977), Journal of the Royal Statistical
    Society B 39, 1–38; G. McLachlan and D. Peel (2000), Finite Mixture Models.

    Args:
        models: the components; or one model, which is repeated.
        components: how often it is repeated.
        weights: a number for each component; a formula; None to estimate them.

    Raises:
        ModelError: for fewer than two components, labels, counts together with other numbers, and
            weights that are not one positive number for each component, with sum 1.

    Example:
        >>> import kullback as kl
        >>> narrow, wide = kl.Normal(loc=0.0, scale=1.0), kl.Normal(loc=0.0, scale=3.0)
        >>> mixture = kl.Mixture([narrow, wide], weights=[0.75, 0.25])
        >>> round(mixture.cdf(1.0), 6), mixture.mean(), mixture.variance()
        (0.788648, 0.0, 3.0)
    """

    def __init__(
        self,
        models: Any,
        *,
        components: int | None = None,
        weights: Any = None,
    ) -> None:
        listed = _listed(models, components)
        self.own_parameters: Mapping[str, Domain] = {WEIGHTS: Shares(len(listed))}
        parts, ties = _without_ties_outside(listed)
        self._assemble(parts, own={WEIGHTS: weights})
        if ties:
            vars(self).update(vars(self.with_given(ties)))
        given = self.sources[WEIGHTS]
        if isinstance(given, Fixed) and not np.all(given.number > 0.0):
            raise ModelError(
                f"weights={given!r} must all be positive: leave out a component without weight."
            )
        kinds = {(part.discrete, part.atoms) for part in parts.values()}
        if len(kinds) > 1:
            raise ModelError(
                f"{self.name} mixes models of counts, of continuous outcomes, or with a "
                "probability at 0, whose probabilities and densities cannot be added: choose one "
                "kind."
            )

    @classmethod
    def assembled(
        cls,
        parts: Sequence[Model],
        settings: Mapping[str, float | None],  # noqa: ARG003  # the base class's
        own: Mapping[str, Source],
    ) -> Mixture:
        """Make the mixture from its components and its weights."""
        return cls(list(parts), weights=own[WEIGHTS])

    @property
    def name(self) -> str:
        """The kind, and the components: "Mixture(2 Normal)"."""
        runs = [(n, len(list(run))) for n, run in groupby(p.name for p in self.parts.values())]
        return f"Mixture({', '.join(n if size == 1 else f'{size} {n}' for n, size in runs)})"

    @property
    def _shown_parts(self) -> str:
        shown = (
            part.with_sources({n: self.sources[prefix + n] for n in part.parameters})
            if any(_outside(self.sources[prefix + n], prefix) for n in part.parameters)
            else part
            for prefix, part in self.parts.items()
        )
        return f"[{', '.join(map(repr, shown))}]"

    # ---- support ---------------------------------------------------------------------------

    @property
    def support(self) -> Interval:  # type: ignore[override]  # of the components
        """The smallest interval that holds the components' supports."""
        supports = [part.support for part in self.parts.values()]
        lower, upper = min(s.lower for s in supports), max(s.upper for s in supports)
        return Interval(
            lower,
            upper,
            holds_lower=any(s.lower == lower and s.holds_lower for s in supports),
            holds_upper=any(s.upper == upper and s.holds_upper for s in supports),
            whole=supports[0].whole,
        )

    @property
    def atoms(self) -> tuple[float, ...]:  # type: ignore[override]  # of the components
        """Those of the components, which agree."""
        return next(iter(self.parts.values())).atoms

    @property
    def tails(self) -> Tails | None:  # type: ignore[override]  # of the components
        """The ends, and the tails there where the components that reach them agree."""
        found = [part.tails for part in self.parts.values()]
        known = [t for t in found if t is not None]
        if len(known) < len(found):
            return None
        lower, upper = min(t.lower for t in known), max(t.upper for t in known)
        low = {t.lower_tail for t in known if t.lower == lower}
        high = {t.upper_tail for t in known if t.upper == upper}
        inner = {end for t in known for end in (t.lower, t.upper) if lower < end < upper}
        kinks = {*inner, *(kink for t in known for kink in t.kinks)}
        return Tails(
            lower,
            upper,
            low.pop() if len(low) == 1 else None,
            high.pop() if len(high) == 1 else None,
            tuple(sorted(kinks)),
            defect=next((t.defect for t in known if t.defect), ""),
        )

    # ---- functions of a row ----------------------------------------------------------------

    @property
    def components(self) -> tuple[Component, ...]:  # type: ignore[override]  # it has some
        """The components as functions of the mixture's parameters."""
        return tuple(Component(self, prefix) for prefix in self.parts)

    @property
    def component_numbers(self) -> list[list[int]]:  # type: ignore[override]  # it has some
        """The places of each component's constrained numbers, and those of the weights."""
        if not isinstance(self.sources[WEIGHTS], Free | Fixed | Param):
            return []
        places: dict[str, list[int]] = {}
        begin = 0
        for name, coefficients in self._coefficients().items():
            size = sum(c.domain.size for c in coefficients)
            places[name] = list(range(begin, begin + size))
            begin += size
        found: list[list[int]] = []
        for prefix, part in self.parts.items():
            sources = {prefix + n: self.sources[prefix + n] for n in part.parameters}
            names = {s.other if isinstance(s, SameAs) else n for n, s in sources.items()}
            found.append(sorted(i for name in names for i in places[name]))
        return [*found, places[WEIGHTS]]

    def component_weights(self, parameters: Mapping[str, Array]) -> list[Array]:
        """Return the weight of each component."""
        return [parameters[WEIGHTS][..., k] for k in range(len(self.parts))]

    def _mean_of(self, hook: str, parameters: Mapping[str, Array], *at: Array) -> Array:
        terms = [getattr(component, hook)(*at, parameters) for component in self.components]
        return log_mean(terms, self.component_weights(parameters))

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row, −inf where it is impossible in every component."""
        return self._mean_of("row_log_density", parameters, x)

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of rows inside the support."""
        return self._mean_of("row_log_density_inside", parameters, x)

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``."""
        return self._mean_of("row_log_cdf", parameters, x)

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""
        return self._mean_of("row_log_survival", parameters, x)

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability between two ends, both included."""
        return self._mean_of("row_log_between", parameters, lower, upper)

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both tails, from those of the components."""
        weights = self.component_weights(parameters)
        pairs = [component.row_log_tails(x, parameters) for component in self.components]
        below, above = zip(*pairs, strict=True)
        return log_mean(below, weights), log_mean(above, weights)

    def draw(
        self,
        generator: np.random.Generator,
        shape: tuple[int, ...],
        parameters: Mapping[str, float | Vector],
    ) -> Vector:
        """Draw the component of each outcome, and outcomes of every component."""
        ends = np.cumsum(parameters[WEIGHTS])
        # u < 1 keeps the product below the last sum, even if that sum is rounded
        which = np.searchsorted(ends, generator.random(shape) * ends[-1], side="right")
        drawn = [
            part.draw(generator, shape, self.defaults_of_part(prefix, parameters))
            for prefix, part in self.parts.items()
        ]
        out: Vector = np.choose(which, drawn)
        return out

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:
        """Compute the mean or the variance: within the components, and between their means."""
        if which == "entropy":
            raise self._lacks("entropy in closed form (kl.entropy(model) integrates it)")
        weights, within = self.component_weights(parameters), list(self.components)
        means = [component.moment("mean", parameters) for component in within]
        mean: Array = sum((w * m for w, m in zip(weights, means, strict=True)), jnp.zeros(()))
        if which == "mean":
            return mean
        total = jnp.zeros(())
        for w, m, component in zip(weights, means, within, strict=True):
            total = total + w * (component.moment("variance", parameters) + (m - mean) ** 2)
        return total

    # ---- estimates, in NumPy ---------------------------------------------------------------

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return what the EM algorithm comes to, the best first."""
        return mixture_starts(self, values, weights)

    def relabelled(self, estimates: Mapping[str, Vector]) -> Mapping[str, Vector] | None:
        """Return the estimates with the components in order; None where they are."""
        inner = super().relabelled(estimates)
        return in_order(self, inner or estimates) or inner

    def caution(self, estimates: Mapping[str, Vector]) -> Caution | None:
        """Return a caution about a degenerate component, or one of a component's own."""
        return degenerate(self, estimates) or super().caution(estimates)


@final
class Component(RowFunctions):
    """A component of a mixture, as functions of the mixture's parameters and on its support."""

    def __init__(self, mixture: Mixture, prefix: str) -> None:
        self.mixture, self.prefix = mixture, prefix
        self.part = mixture.parts[prefix]
        self.sources, self.support = mixture.sources, mixture.support
        self.atoms = self.part.atoms
        self._everywhere = self.part.support == self.support

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """The mixture's parameters."""
        return self.mixture.parameters

    def with_sources(self, sources: Mapping[str, Source]) -> Component:
        """Return the same component of the mixture with other sources."""
        return Component(self.mixture.with_sources(sources), self.prefix)

    def own(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """Return the component's parameters by its own names."""
        return self.mixture.of_part(self.prefix, parameters)

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row."""
        return self.part.row_log_density(x, self.own(parameters))

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of rows inside the mixture's support, which may be outside its own."""
        part = self.part
        hook = part.row_log_density_inside if self._everywhere else part.row_log_density
        return hook(x, self.own(parameters))

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome ≤ ``x``."""
        return self.part.row_log_cdf(x, self.own(parameters))

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome > ``x``."""
        return self.part.row_log_survival(x, self.own(parameters))

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Both tails."""
        return self.part.row_log_tails(x, self.own(parameters))

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability between ends, which may lie outside its support."""
        own, s = self.own(parameters), self.part.support
        if self._everywhere:
            return self.part.row_log_between(lower, upper, own)
        low, high = jnp.maximum(lower, s.lower), jnp.minimum(upper, s.upper)
        meets = (low <= high) if s.whole else (low < high)
        # what is not used gets harmless ends, so that its derivatives are finite
        low, high = jnp.where(meets, low, s.interior), jnp.where(meets, high, s.interior + 1.0)
        return jnp.where(meets, self.part.row_log_between(low, high, own), -jnp.inf)

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:
        """Compute a moment of the component."""
        return self.part.moment(which, self.own(parameters))


def log_mean(terms: Sequence[Array], weights: Sequence[Array]) -> Array:
    """Return log Σ weights[k] exp(terms[k]); −inf, with derivatives of zero, for an empty sum."""
    largest = terms[0]
    for term in terms[1:]:
        largest = jnp.maximum(largest, term)
    largest = jax.lax.stop_gradient(jnp.where(largest > -jnp.inf, largest, 0.0))
    total = jnp.zeros(())
    for weight, term in zip(weights, terms, strict=True):
        total = total + weight * jnp.exp(term - largest)
    possible = total > 0.0
    return jnp.where(possible, log(jnp.where(possible, total, 1.0)) + largest, -jnp.inf)


def _listed(models: Any, components: int | None) -> list[Any]:
    if isinstance(models, Model | type):
        if not isinstance(components, int) or components < 2:
            raise ModelError(
                "kl.Mixture needs a list of models, or one model and how often it is repeated, at "
                f"least twice: kl.Mixture({models!r}, components=2); got components={components!r}."
            )
        return [models] * components
    listed = list(models)
    if components not in (None, len(listed)):
        raise ModelError(
            f"kl.Mixture got {len(listed)} models and components={components!r}: leave it out."
        )
    if len(listed) < 2:
        raise ModelError(f"kl.Mixture needs at least two components, got {len(listed)}.")
    return listed


def _outside(source: Source, prefix: str) -> bool:
    return isinstance(source, SameAs) and not source.other.startswith(prefix)


def _without_ties_outside(listed: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Source]]:
    """Return the components by prefix, and their ties to other components by flat names."""
    parts: dict[str, Any] = {}
    ties: dict[str, Source] = {}
    for prefix, part in zip(Composite.prefixes(len(listed)), listed, strict=True):
        parts[prefix] = part
        if not isinstance(part, Model):
            continue
        found = {
            n: s
            for n, s in part.sources.items()
            if isinstance(s, SameAs) and s.other not in part.parameters
        }
        if found:
            parts[prefix] = part.with_sources({**part.sources, **{n: Free() for n in found}})
            # a model that is repeated may name the first component's parameter, there its own
            ties |= {prefix + n: s for n, s in found.items() if s.other != prefix + n}
    return parts, ties
