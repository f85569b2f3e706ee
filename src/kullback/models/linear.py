"""Sources that are linear in columns: a parameter is the inverse link of a linear predictor.

    η_i = β_0 + Σ_j β_j x_ij,      parameter_i = link⁻¹(η_i)

The link is that of the parameter's domain: the identity for a real parameter, the logarithm for a
positive one, the log odds for a probability. Logits of K classes have K − 1 predictors, each with
coefficients of its own; those of the first class, the reference, are 0. Kernels differentiate in η,
few numbers a row, never in the coefficients; matrix products with the design take it from there.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import jax.numpy as jnp
import numpy as np

from kullback._core.arrays import Array, Vector, namespace
from kullback._core.domains import POSITIVE, REAL, Domain, Interval, Logits, Reals, Shares
from kullback._core.errors import ModelError
from kullback._core.validation import check_choice
from kullback.models.design_matrix import DesignMatrix
from kullback.models.links import Link
from kullback.models.penalty import Ridge
from kullback.models.source import Coefficient, Fixed, Source

if TYPE_CHECKING:
    from kullback.models.formula.design import Design
    from kullback.models.formula.source import Formula

# The label of the constant term.
INTERCEPT = "Intercept"

# Coefficients that are shown of a fitted source.
_SHOWN = 6


@final
@dataclass(frozen=True, eq=False)
class Linear(Source):
    """A linear function of columns, through the link of the parameter's domain.

    Args:
        columns: the names of the columns.
        intercept: whether there is a constant term, the first coefficient.
        penalty: a ridge penalty on the coefficients of the columns.
        domain: the parameter's domain.
        estimate: the coefficients of a fitted model, shape (p,), or ((K − 1) p,) for logits, those
            of the second class first.
        collinear: "error", or "drop" to leave out columns that are linear combinations of those
            before them in all rows; the fit names them.
        formula: the formula that it comes from, with the columns that its terms are.
        terms: these columns.
        link: None for that of the domain.
        offsets: columns that are added to η.
        exposures: columns whose logarithms are added to η.
        offset_mean: the mean of what is added, for starting values.
        ones: coefficients whose η is nearly 1 in all rows, likewise, where there is no constant.
        dropped: the columns that were left out so, each with the combination of others that it
            equals, as text.
        triangle: R, where the coefficients are those of the design X R⁻¹, during a solve; shape
            (p, p).

    Raises:
        ModelError: for a source without any coefficient.
    """

    columns: tuple[str, ...]
    intercept: bool = True
    penalty: Ridge | None = None
    domain: Interval | Logits | Shares = REAL
    estimate: Vector | None = None
    formula: Formula | None = None
    terms: Design | None = None
    link: Link | None = None
    offsets: tuple[str, ...] = ()
    exposures: tuple[str, ...] = ()
    offset_mean: float = field(default=0.0, compare=False)
    ones: Vector | None = field(default=None, compare=False)
    collinear: str = "error"
    dropped: Mapping[str, str] = field(default_factory=dict)
    triangle: Vector | None = None

    named: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check that there is a coefficient."""
        check_choice("collinear", self.collinear, ("error", "drop"))
        if not self.labels:
            raise ModelError("a linear source needs columns or an intercept.")

    def __repr__(self) -> str:
        """The formula, or the columns; and the estimates."""
        if self.formula is not None and self.estimate is None:
            return repr(self.formula)
        what = f"columns={self.columns!r}" if self.formula is None else repr(self.formula)
        if self.estimate is None:
            return f"Linear({what}{', intercept=False' * (not self.intercept)})"
        shown = ", ".join(f"{v:.6g}" for v in self.estimate[:_SHOWN])
        return f"Linear({what}, estimate=[{shown}{', …' * (self.estimate.size > _SHOWN)}])"

    @property
    def labels(self) -> tuple[str, ...]:
        """The label of each coefficient of a predictor."""
        if self.terms is not None:
            return self.terms.labels
        return (*((INTERCEPT,) if self.intercept else ()), *self.columns)

    @property
    def structure(self) -> Hashable:
        """The columns, or the terms of columns, and the domain."""
        what = self.columns if self.terms is None else self.terms.key
        shift = (self.link, self.offsets, self.exposures)
        return (Linear, what, self.intercept, self.domain, self.estimate is None, *shift)

    @property
    def categories(self) -> Mapping[str, tuple[Any, ...]]:  # type: ignore[override]  # of its terms
        """The levels of the columns that hold categories."""
        return {} if self.terms is None else self.terms.categories

    def for_parameter(self, domain: Domain) -> Linear:
        """Take the link of the parameter's domain."""
        formula = None if self.formula is None else self.formula.for_parameter(domain)
        return replace(self, domain=refuse_vector(domain), formula=formula)

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:  # noqa: ARG002
        """Return one vector of coefficients, by the parameter's name."""
        labels = self.labels
        if isinstance(self.domain, Logits | Shares):
            classes = self.domain.levels or range(self.domain.size)
            labels = tuple(f"{level}[{name}]" for level in classes[1:] for name in labels)
        size = Reals(len(labels))
        return (Coefficient(parameter, size, value=self.estimate, labels=labels),)

    def predictor(self) -> Predicted:
        """Return the source of η."""
        return Predicted(self.domain, self.estimate is not None, self.link)

    @property
    def domains(self) -> Mapping[str, Interval]:  # type: ignore[override]  # of offsets
        """The domains of offsets and exposures, and the ranges of splines."""
        ranges = {} if self.terms is None else self.terms.ranges
        return {
            **ranges,
            **dict.fromkeys(self.offsets, REAL),
            **dict.fromkeys(self.exposures, POSITIVE),
        }

    def offset_of(self, row: Mapping[str, Any]) -> Any | None:
        """Return what is added to the predictor of each row: offsets and log exposures, or None."""
        parts = [row[name] for name in self.offsets]
        if self.exposures:
            xp = namespace(row[self.exposures[0]])
            parts += [xp.log(row[name]) for name in self.exposures]
        return sum(parts[1:], start=parts[0]) if parts else None

    def design(self, row: Mapping[str, Vector]) -> DesignMatrix:
        """Return the design matrix of rows."""
        design = self._design(row) if self.terms is None else self.terms.matrix(row)
        return design if self.triangle is None else design.along(self.triangle)

    @property
    def design_key(self) -> Hashable:
        """A key of the design matrix; of one with a triangle, of this source alone."""
        if self.triangle is not None:
            return self
        return (self.columns if self.terms is None else self.terms.key, self.intercept)

    def _design(self, row: Mapping[str, Vector]) -> DesignMatrix:
        out = np.empty((len(self.labels), len(next(iter(row.values())))))
        if self.intercept:
            out[0] = 1.0
        for k, name in enumerate(self.columns, start=int(self.intercept)):
            out[k] = row[name]
        return DesignMatrix(out)

    def without(self, found: Mapping[str, str]) -> Linear:
        """Return the source without some columns.

        Args:
            found: their labels, with the combination of others that each equals, as text.
        """
        dropped = {**self.dropped, **found}
        ones = self.ones
        if ones is not None:
            ones = ones[[label not in found for label in self.labels]]
        if self.terms is not None:
            return replace(self, terms=self.terms.without(found), dropped=dropped, ones=ones)
        columns = tuple(name for name in self.columns if name not in found)
        return replace(self, columns=columns, dropped=dropped, ones=ones)

    def value(
        self,
        coefficients: Sequence[Array],
        row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Compute the parameter of each row from the coefficients."""
        beta = jnp.reshape(coefficients[0], (self.domain.n_free, -1)).T
        eta: Any
        if self.terms is not None:
            eta = self.terms.predictor(beta, row)
        else:
            eta = beta[0] if self.intercept else 0.0
            for k, name in enumerate(self.columns, start=int(self.intercept)):
                eta = eta + beta[k] * jnp.asarray(row[name])[..., None]
        offset = self.offset_of(row)
        if offset is not None:
            eta = eta + offset[..., None]
        value: Array = inverse_link(self.domain, jnp.asarray(eta), self.link)
        return value

    def by_coefficient(self, numbers: Any) -> dict[Any, Any]:
        """Return numbers, or pairs of them, by coefficient; of logits by class and coefficient."""
        each = [float(own) if np.ndim(own) == 0 else own for own in numbers]
        labels = self.labels
        if not isinstance(self.domain, Logits | Shares):
            return dict(zip(labels, each, strict=True))
        levels = self.domain.levels or range(self.domain.size)
        return {
            level: dict(zip(labels, each[k * len(labels) : (k + 1) * len(labels)], strict=True))
            for k, level in enumerate(levels[1:])
        }

    def starts_at(self, value: float | Vector) -> Vector:
        """Return coefficients that give the parameter's starting value, nearly, to every row.

        These are the constant term and zeros; without a constant, those learned from the rows.
        """
        start = np.atleast_1d(value)
        if self.link is not None:
            # a parameter with other values than its link begins at one of the link's
            possible = bool(self.link.values.contains(start)[0])
            value = float(start[0]) if possible else self.link.values.interior
            eta = np.array([self.link.forward(value)])
        elif isinstance(self.domain, Interval):
            eta = self.domain.unconstrained(start)
        else:
            start = np.log(start) if isinstance(self.domain, Shares) else start
            eta = start[1:] - start[0]
        ones = np.zeros(len(self.labels)) if self.ones is None else self.ones
        if self.intercept:
            ones = np.eye(1, len(self.labels))[0]
        out: Vector = np.multiply.outer(eta - self.offset_mean, ones)
        return out.ravel()

    def fixed_at(self, values: Sequence[Vector]) -> Source:
        """Return the source with these coefficients; a number where there are no columns."""
        if not self.columns:
            return Fixed(np.asarray(inverse_link(self.domain, values[0], self.link)))
        return self.with_estimate(values[0])

    def with_estimate(self, estimate: Vector) -> Linear:
        """Return the source with these coefficients."""
        return replace(self, estimate=estimate)


def refuse_vector(domain: Domain) -> Interval | Logits | Shares:
    """Return the domain of a parameter that can be linear in columns.

    Raises:
        ModelError: for a vector.
    """
    if not isinstance(domain, Interval | Logits | Shares):
        raise ModelError(
            "a vector of parameters cannot be linear in columns: of a Categorical, the logits "
            "can, logits=..."
        )
    return domain


@final
@dataclass(frozen=True)
class Predicted(Source):
    """A parameter given by few numbers a row on the scale of its link: the predictors.

    Attributes:
        domain: the parameter's domain.
        fixed: whether the numbers are known rather than estimated.
        link: None for that of the domain.
    """

    domain: Interval | Logits | Reals | Shares
    fixed: bool
    link: Link | None = None

    @property
    def structure(self) -> Hashable:
        """The domain, without the labels of classes."""
        return (Predicted, type(self.domain), self.domain.size, _ends(self.domain), self.link)

    @property
    def logarithmic(self) -> bool:
        """Whether a predictor may go to infinity as the parameter goes to an end of its domain."""
        if self.link is not None:
            return self.link.logarithmic
        return not isinstance(self.domain, Interval) or self.domain.bounded

    def coefficients(self, parameter: str, domain: Domain) -> tuple[Coefficient, ...]:
        """Return the numbers."""
        size = self.domain.n_free
        domain = REAL if size == 1 else Reals(size)
        return (Coefficient(parameter, domain, value=np.zeros(size) if self.fixed else None),)

    def value(
        self,
        coefficients: Sequence[Array],
        _row: Mapping[str, Array],
        _parameters: Mapping[str, Array],
    ) -> Array:
        """Apply the inverse link."""
        eta = coefficients[0]
        eta = eta if self.domain.n_free > 1 else eta[..., None]
        value: Array = inverse_link(self.domain, eta, self.link)
        return value


def reference_of(source: Source) -> str:
    """Say what classes or components are compared with; empty for a single number."""
    if isinstance(source, Linear) and isinstance(source.domain, Shares):
        return " against the first component"
    if isinstance(source, Linear) and isinstance(source.domain, Logits):
        return f" against {(source.domain.levels or (0,))[0]}"
    return ""


def link_of(source: Source) -> str:
    """Return the name of a linear source's link; empty for other sources."""
    if not isinstance(source, Linear):
        return ""
    domain = source.domain
    if source.link is not None:
        return source.link.name
    if isinstance(domain, Logits | Shares):
        return "logit"
    if math.isinf(domain.lower) and math.isinf(domain.upper):
        return "identity"
    if (domain.lower, domain.upper) == (0.0, math.inf):
        return "log"
    if (domain.lower, domain.upper) == (0.0, 1.0):
        return "logit"
    return f"link of {domain.phrase('values')}"


def scale_of(name: str, source: Source) -> str:
    """The link on whose scale coefficients are: "logit" where the parameter is a log odds."""
    link = link_of(source)
    return "logit" if link == "identity" and name.endswith("logit") else link


def inverse_link(
    domain: Interval | Logits | Reals | Shares, eta: Any, link: Link | None = None
) -> Any:
    """Return a parameter from its predictors, which are the last axis of ``eta``."""
    if link is not None:
        assert isinstance(domain, Interval)  # the formula refuses others
        return link.parameter(eta[..., 0], domain)
    if isinstance(domain, Interval):
        return domain.constrained(eta[..., 0])
    if isinstance(domain, Logits):
        xp = namespace(eta)
        return xp.concat([xp.zeros_like(eta[..., :1]), eta], axis=-1)
    if isinstance(domain, Shares):
        xp = namespace(eta)
        logits = xp.concat([xp.zeros_like(eta[..., :1]), eta], axis=-1)
        odds = xp.exp(logits - xp.max(logits, axis=-1, keepdims=True))
        return odds / xp.sum(odds, axis=-1, keepdims=True)
    return eta


def _ends(domain: Domain) -> Hashable:
    return domain if isinstance(domain, Interval) else None
