"""Categorical distribution: one of K classes, by probabilities or by logits."""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector
from kullback._core.domains import COUNTS, Domain, Interval, Logits, Simplex
from kullback._core.errors import ModelError
from kullback.data.schema import Schema
from kullback.models.forms import SaturatedForm
from kullback.models.linear import Predicted
from kullback.models.model import Model
from kullback.models.other_names import by_name_only, translated_parameters
from kullback.models.row_functions import Moment
from kullback.models.source import Fixed, Free, Param, Source
from kullback.special.numerics import log

# How many classes a message lists.
_SHOWN = 5


@final
class Categorical(Model):
    """Categorical distribution over K classes: q(k) = probabilities[k] = softmax(logits)[k].

    Outcomes are class labels, known to the model by their codes 0, ..., K − 1; K comes from the
    sample's labels or from the length of the vector. Parameters: ``probabilities`` ≥ 0 with sum 1,
    or ``logits``, any K numbers, of which only the differences matter (estimates have the last at
    0). A fixed probability may be 0; its class is then impossible. Source: A. Agresti (2013),
    Categorical Data Analysis, section 1.2.

    Args:
        probabilities: K probabilities, or a source for them.
        logits: K logits, or a source for them.
        levels: the class labels in the order of their codes; None takes them from the sample.

    Raises:
        ModelError: for both parameters at once, numbers that are not probabilities, fewer than two
            classes, or a number of levels other than K.

    Example:
        >>> import kullback as kl
        >>> kl.Categorical(probabilities=[0.5, 0.25, 0.25]).density([0, 1, 2])
        array([0.5 , 0.25, 0.25])
    """

    outcome = "label"
    parameter: str

    # what tools show; the other arguments of __init__ only raise errors
    __signature__ = inspect.Signature(
        [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
            for name in ("probabilities", "logits", "levels")
        ]
    )

    def __init__(
        self,
        *numbers: Any,
        probabilities: Any = None,
        logits: Any = None,
        levels: Sequence[Any] | None = None,
        **unknown: Any,
    ) -> None:
        if numbers:
            raise by_name_only("Categorical", ("probabilities",), numbers)
        if unknown:
            raise ModelError(
                translated_parameters("Categorical", unknown)
                or f"Categorical has no parameter {next(iter(unknown))!r}. It has probabilities; "
                f"or logits; and levels."
            )
        if probabilities is not None and logits is not None:
            raise ModelError("Categorical takes probabilities or logits, not both.")
        self.parameter = "probabilities" if logits is None else "logits"
        self.classes: int | None = None
        self.sources = self._read_sources(
            {self.parameter: probabilities if logits is None else logits}
        )
        source = self._source
        if isinstance(source, Fixed):
            if source.number.ndim != 1 or source.number.size < 2:
                raise ModelError(
                    f"Categorical needs {self.parameter} as a list of numbers, one for each of at "
                    f"least two classes, got {source.number.tolist()!r}."
                )
            self.classes = source.number.size
            _ = self.vector  # raises for numbers outside the domain
        if levels is not None:
            self._set_levels(tuple(levels))

    def _set_levels(self, levels: tuple[Any, ...]) -> None:
        if len(set(levels)) < max(len(levels), 2):
            raise ModelError(
                f"Categorical needs at least two levels, each once, got {_shown(levels)}."
            )
        if self.levels is not None and levels != self.levels:
            raise ModelError(
                f"Categorical has the levels {_shown(self.levels)}, in this order, but the data "
                f"have {_shown(levels)}. Fit a new model, or give data with the same levels."
            )
        if self.classes is not None and len(levels) != self.classes:
            raise ModelError(
                f"Categorical has {self.classes} {self.parameter} but {len(levels)} "
                f"levels ({_shown(levels)}). Give one number for each level, in this order."
            )
        self.levels = levels
        self.classes = len(levels)
        domain = self.parameters[self.parameter]
        self.sources = {self.parameter: self._source.for_parameter(domain)}

    # ---- structure -------------------------------------------------------------------------

    @property
    def parameters(self) -> Mapping[str, Domain]:
        """The one parameter, a vector of K numbers."""
        size = self.classes or 2  # the size does not matter before the classes are known
        return {
            self.parameter: Simplex(size)
            if self.parameter == "probabilities"
            else Logits(size, self.levels)
        }

    @property
    def _source(self) -> Source:
        return self.sources[self.parameter]

    @property
    def support(self) -> Interval:  # type: ignore[override]  # it depends on the number of classes
        """The codes 0, ..., K − 1."""
        if self.classes is None:
            return COUNTS
        return Interval(0.0, self.classes - 1.0, holds_lower=True, holds_upper=True, whole=True)

    @property
    def structure(self) -> Hashable:
        """The number of classes, and the source's structure."""
        return (self.classes, super().structure)

    def with_sources(self, sources: Mapping[str, Source]) -> Categorical:
        """Return the same model with another source."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.sources = dict(sources)
        return other

    def bind(self, schema: Schema) -> Categorical:
        """Return the model for the class labels of a sample, in the order of their codes.

        Raises:
            ModelError: for other labels than the model's, or another number of them.
        """
        bound = super().bind(schema)
        if schema.outcome.levels is None:
            return bound
        other = bound.with_sources(bound.sources)
        other._set_levels(schema.outcome.levels)
        return other

    # ---- formulas --------------------------------------------------------------------------

    def _log_probabilities(self, parameters: Mapping[str, Array]) -> Array:
        """Return the logarithms of the K probabilities, along the last axis."""
        value = parameters[self.parameter]
        if self.parameter == "probabilities":
            return log(value)
        return jax.nn.log_softmax(value)

    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of each code, −inf for other numbers."""
        logs = self._log_probabilities(parameters)
        inside = (x >= 0.0) & (x < logs.shape[-1]) & (x == jnp.floor(x))
        value = _pick(logs, jnp.where(inside, x, 0.0))
        return jnp.where(inside, value, jnp.where(jnp.isnan(x), jnp.nan, -jnp.inf))

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of codes that are known to be 0, ..., K − 1."""
        return _pick(self._log_probabilities(parameters), x)

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of a code ≤ ``x``."""
        logs = self._log_probabilities(parameters)
        code, last = jnp.floor(x), logs.shape[-1] - 1.0
        sums = jax.lax.cumlogsumexp(logs, axis=logs.ndim - 1)
        value = _pick(sums, jnp.where((code >= 0.0) & (code < last), code, 0.0))
        value = jnp.where(code < 0.0, -jnp.inf, jnp.where(code >= last, 0.0, value))
        return jnp.where(jnp.isnan(x), jnp.nan, value)

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of a code > ``x``."""
        logs = self._log_probabilities(parameters)
        code, last = jnp.floor(x), logs.shape[-1] - 1.0
        sums = jax.lax.cumlogsumexp(logs, axis=logs.ndim - 1, reverse=True)
        value = _pick(sums, jnp.where((code >= 0.0) & (code < last), code + 1.0, 0.0))
        value = jnp.where(code < 0.0, 0.0, jnp.where(code >= last, -jnp.inf, value))
        return jnp.where(jnp.isnan(x), jnp.nan, value)

    def row_quantile(self, u: Array, parameters: Mapping[str, Array]) -> Array:
        """Smallest code whose distribution function reaches ``u``."""
        below = self._cumulative(parameters) < u[..., None]
        return jnp.sum(below, axis=-1).astype(jnp.float64)

    def draw(
        self,
        generator: np.random.Generator,
        shape: tuple[int, ...],
        parameters: Mapping[str, float | Vector],
    ) -> Vector:
        """Draw codes; a class of probability 0 is never drawn."""
        value = np.asarray(parameters[self.parameter])
        cumulative = np.cumsum(np.exp(value - np.max(value)) if self.as_logits else value)
        # u < 1 keeps the product below the last sum, even if that sum is rounded
        u = generator.random(shape) * cumulative[-1]
        codes: Vector = np.searchsorted(cumulative, u, side="right").astype(np.float64)
        return codes

    def _cumulative(self, parameters: Mapping[str, Array]) -> Array:
        sums = jnp.cumsum(jnp.exp(self._log_probabilities(parameters)), axis=-1)
        # exactly 1 from the last possible class on, so that no later class is a quantile
        return jnp.where(sums >= sums[..., -1:], 1.0, sums)

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:
        """Compute the entropy −Σ p log p; the mean and variance of labels do not exist."""
        if which != "entropy":
            raise ModelError(
                f"Categorical does not have a {which}: its outcomes are labels, not numbers."
            )
        logs = self._log_probabilities(parameters)
        possible = logs > -jnp.inf
        return -jnp.sum(jnp.where(possible, jnp.exp(logs) * jnp.where(possible, logs, 0.0), 0.0))

    # ---- estimates, in NumPy ---------------------------------------------------------------

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:
        """Return the shares of the classes, each with half a row more, so that none is 0."""
        totals = np.bincount(values.astype(np.intp), weights=weights, minlength=self.classes or 2)
        shares: Vector = (totals + 0.5) / (np.sum(totals) + 0.5 * totals.size)
        return [{self.parameter: np.log(shares) if self.as_logits else shares}]

    @property
    def saturated_form(self) -> SaturatedForm | None:  # type: ignore[override]
        """The model itself where its parameter is free: the classes' shares are the estimate."""
        return self if isinstance(self._source, (Free, Param)) else None

    @property
    def log_odds(self) -> bool:  # type: ignore[override]  # it depends on the source
        """Whether its logits are predictors."""
        source = self._source
        return isinstance(source, Predicted) and isinstance(source.domain, Logits)

    @property
    def as_logits(self) -> bool:
        """Whether its parameter is the logits."""
        return self.parameter == "logits"

    def class_totals(self, values: Vector, weights: Vector) -> Vector:
        """Return the total weight of each class, shape (K,).

        Raises:
            ModelError: where a class has weight 0 and logits are estimated: its probability would
                be 0, without a finite logit.
        """
        k = self.classes or int(np.max(values)) + 1
        codes = values.astype(np.intp)
        totals: Vector = np.bincount(codes, weights=weights, minlength=k).astype(np.float64)
        empty = np.flatnonzero(totals == 0.0)
        if empty.size and self.parameter == "logits":
            many = "classes" if empty.size > 1 else "class"
            raise ModelError(
                f"Categorical cannot be fitted by logits: the {many} "
                f"{_shown([self.class_name(int(i)) for i in empty])} had weight 0 in all rows, so "
                "the estimated probability is 0, without a finite logit. Leave logits out: the "
                "probabilities can be fitted."
            )
        return totals

    def class_name(self, code: int) -> Any:
        """The label of a code, or the code where labels are unknown."""
        return self.levels[code] if self.levels else code


def _pick(values: Array, code: Array) -> Array:
    """Return, for each row, the entry of its code, from one vector or from the row's own."""
    index = code.astype(jnp.int32)
    if values.ndim == 1:
        return values[index]
    return jnp.take_along_axis(values, index[..., None], axis=-1)[..., 0]


def _shown(levels: Sequence[Any]) -> str:
    parts = [repr(level) for level in levels[:_SHOWN]]
    more = len(levels) - len(parts)
    return ", ".join(parts) + (f" and {more:,} more" if more else "")
