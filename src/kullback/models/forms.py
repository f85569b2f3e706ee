"""Faster forms of a likelihood that a model may offer beside the log-density of a row.

``Family`` has both where its subclass states the formulas; a model made of another one may pass
them on, adapted.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Domain
from kullback.models.basis_form import Accurate, BasisForm


@runtime_checkable
class ExponentialForm(Protocol):
    """A log-density that is affine in a few statistics of the outcome: one pass is enough."""

    @property
    def statistics_structure(self) -> Hashable:
        """What the compiled code of the statistics depends on."""

    @property
    def elementary(self) -> bool:
        """Whether ``statistics`` of a NumPy array run in NumPy, without compilation."""

    @property
    def quick_sums(self) -> bool:
        """Whether there is a faster way to sum the statistics."""

    def statistics(self, x: Any, origin: Any) -> tuple[Any, ...]:
        """Compute the statistics of each row, measured from ``origin``."""

    def sums(self, x: Vector, origin: float, low: float, high: float) -> Sequence[float] | None:
        """Return the sums of the statistics of numbers in [low, high] the faster way, or None."""

    def log_density_of(
        self, statistics: Sequence[Array], origin: Array, parameters: Mapping[str, Array]
    ) -> Array:
        """Compute the log-density from statistics (the mean log-density from their means)."""

    def closed_form(
        self, means: Sequence[float], origin: float, fixed: Mapping[str, float]
    ) -> Mapping[str, float | Vector] | None:
        """Return the maximum-likelihood estimate from the mean statistics, or None."""


@runtime_checkable
class BasisFunctions(Protocol):
    """A log-density, and scores, that are affine in a few functions of outcome and parameters."""

    @property
    def basis(self) -> Sequence[str]:
        """The names of the functions."""

    @property
    def default_parameters(self) -> Mapping[str, Domain]:
        """The parameters that the functions depend on."""

    def to_default(self, parameters: Mapping[str, Array]) -> Mapping[str, Array]:
        """Convert the model's parameters to these."""

    def write_basis(
        self, x: Vector, rows: Vector, parameters: Mapping[str, float | Vector]
    ) -> Accurate:
        """Write the functions of each outcome, in NumPy; return whether they are accurate."""

    def basis_derivatives(
        self, basis: Sequence[BasisForm], parameters: Mapping[str, Array]
    ) -> Mapping[str, Sequence[BasisForm | Array]]:
        """Return each function's derivative by parameter, a polynomial in them."""

    def log_density_of_basis(
        self, basis: Sequence[BasisForm], parameters: Mapping[str, Array]
    ) -> BasisForm:
        """Log-density, affine in the functions."""


@runtime_checkable
class OneExponential(Protocol):
    """A log-density c₀ + c₁ t + c₂ exp(a t + b), with a coordinate t of the outcome alone.

    The coefficients depend on the parameters.
    """

    @property
    def exponential_tail(self) -> Literal["lower", "upper"] | None:
        """The tail whose log-probability is −exp(a t + b), if it is one's."""

    def coordinate(self, x: Vector, origin: Vector) -> Vector:
        """Compute t of each outcome, measured from an origin of its own, in NumPy."""

    def log_density_of_coordinate(
        self,
        coordinate: Array,
        exponential: Callable[[Array, Array], Array],
        origin: Array,
        parameters: Mapping[str, Array],
    ) -> Array:
        """Compute the log-density from t and from exp(a t + b) as a function of a and b.

        Of their means it is the mean log-density. It calls the function once.
        """


@runtime_checkable
class SaturatedForm(Protocol):
    """A model of labels whose estimate is the shares of the classes."""

    @property
    def as_logits(self) -> bool:
        """Whether its numbers are the shares' logits, the last at 0."""

    def class_totals(self, values: Vector, weights: Vector) -> Vector:
        """Return the total weight of each class, from codes and their weights."""

    def class_name(self, code: int) -> Any:
        """Return the label of a code."""
