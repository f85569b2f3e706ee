"""The functions of a row that authors of models write and solvers use."""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, TypeAlias

from kullback._core.arrays import Array, Vector
from kullback._core.domains import Interval
from kullback._core.errors import ModelError
from kullback.models.caution import Caution
from kullback.models.forms import (
    BasisFunctions,
    ExponentialForm,
    OneExponential,
    SaturatedForm,
)
from kullback.models.interval_probability import log_between
from kullback.models.parameter_vector import ParameterVector
from kullback.models.parametrised import Parametrised
from kullback.models.tails import Tails

Moment: TypeAlias = Literal["mean", "variance", "entropy"]
OrderStatistic: TypeAlias = Literal["minimum", "median", "maximum"]

# The reason code of an error about a function that a model does not have.
NOT_PROVIDED = "not provided"


class RowFunctions(Parametrised):
    """The functions of a row, elementwise over rows, in JAX: abstract."""

    support: Interval
    outcome: Literal["number", "label"] = "number"
    levels: tuple[Any, ...] | None = None
    """Class labels in the order of their codes; None for numbers, and until a sample gives them."""

    order_statistics: ClassVar[Mapping[str, OrderStatistic]] = {}
    """Parameters whose estimate is an order statistic of the sample, whatever the others are."""

    dimensions: ClassVar[Mapping[str, int]] = {}
    """For a family of scale, by parameter: the power of the outcomes' unit that it is measured in
    (1 for a scale, −1 for a rate, 2 for a variance); those that have none are left out."""

    atoms: tuple[float, ...] = ()
    """Numbers that have a probability each, of a model that is otherwise continuous: there the
    density is that probability."""

    falling: ClassVar[bool] = False
    """Whether the density falls from the left end of the support on, where it is finite."""

    period: ClassVar[float] = math.inf
    """For angles, after how much outcomes repeat: their density integrates to 1 over so much."""

    limits: ClassVar[Mapping[str, str]] = {}
    """Limiting models as a parameter goes to infinity, by parameter."""

    fixed_by_default: ClassVar[Mapping[str, float]] = {}
    """Parameters that are fixed unless the user gives them a source."""

    exponential_form: ExponentialForm | None = None
    """The form that one pass over any number of rows determines, for a model that has it."""

    basis_functions: BasisFunctions | None = None
    """The form that makes a pass several times as fast, for a model that has it."""

    one_exponential: OneExponential | None = None
    """The form of which one exponential a row gives all derivatives, for a model that has it."""

    saturated_form: SaturatedForm | None = None
    """The form whose estimate is the shares of the classes, for a model that has it."""

    log_odds: bool = False
    """Whether its predictors are the log odds of classes, of codes from 1, against the first."""

    components: Sequence[RowFunctions] = ()
    """Of a mixture: functions of a row whose weighted mean, of probabilities, is the model's."""

    component_numbers: Sequence[Sequence[int]] = ()
    """Of a mixture: the places of each component's constrained numbers, and those of the weights;
    none where its weights are functions of columns."""

    tails: Tails | None = None
    """Of a distribution of numbers, its ends and how its density falls there, where known."""

    moments_are_quicker: bool = False
    """Whether mean and variance are formulas, and quantiles are found by inversion."""

    @property
    def discrete(self) -> bool:
        """Whether outcomes are whole numbers or classes, so that densities are probabilities."""
        return self.support.whole

    @abc.abstractmethod
    def row_log_density(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of each row (log-probability for counts and labels), −inf where impossible.

        This and the other ``row_`` methods are JAX functions, elementwise over rows, in float64.
        """

    def row_log_density_inside(self, x: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-density of rows inside ``support``, without checking that."""
        return self.row_log_density(x, parameters)

    def row_log_density_change(
        self,
        x: Array,  # noqa: ARG002
        origin: Array,  # noqa: ARG002
        parameters: Mapping[str, Array],  # noqa: ARG002
    ) -> Array | None:
        """Log-density less that of ``origin``, None where it is as long as the log-density.

        Both are inside ``support``.
        """
        return None

    def row_log_cdf(self, x: Array, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Log-probability of an outcome ≤ ``x``."""
        raise self._lacks("distribution function")

    def row_log_survival(self, x: Array, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Log-probability of an outcome > ``x``."""
        raise self._lacks("survival function")

    def row_log_between(self, lower: Array, upper: Array, parameters: Mapping[str, Array]) -> Array:
        """Log-probability of an outcome from ``lower`` to ``upper``, both ends included."""
        return log_between(self, lower, upper, parameters)

    def row_log_tails(self, x: Array, parameters: Mapping[str, Array]) -> tuple[Array, Array]:
        """Return ``row_log_cdf`` and ``row_log_survival``; their values, not their derivatives."""
        return self.row_log_cdf(x, parameters), self.row_log_survival(x, parameters)

    def row_quantile(self, u: Array, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Smallest outcome whose distribution function reaches ``u``."""
        raise self._lacks("quantile function")

    def moment(self, which: Moment, parameters: Mapping[str, Array]) -> Array:  # noqa: ARG002
        """Compute the mean, the variance or the entropy."""
        raise self._lacks(f"{which} in closed form")

    def cut_moments(self, end: float, side: str, parameters: Mapping[str, Array]) -> Any:  # noqa: ARG002
        """Compute mean and variance of the part above (``side`` "lower") or below an end."""
        raise self._lacks("moments between ends in closed form")

    def _lacks(self, what: str) -> ModelError:
        return ModelError(f"{self.name} does not provide its {what}.", reason=NOT_PROVIDED)

    def starts(self, values: Vector, weights: Vector) -> Sequence[Mapping[str, float | Vector]]:  # noqa: ARG002
        """Return starting values of the parameters; several where the likelihood has many peaks.

        Args:
            values: outcomes of a subsample (all rows if they or their distinct values are few).
            weights: their weights.
        """
        return ({},)

    def component_weights(self, parameters: Mapping[str, Array]) -> Sequence[Array]:  # noqa: ARG002
        """Return the weight of each of the ``components``."""
        return ()

    def relabelled(self, estimates: Mapping[str, Vector]) -> Mapping[str, Vector] | None:  # noqa: ARG002
        """Return the same distribution's numbers in the order of reports; None where they are."""
        return None

    def searched(self, vector: ParameterVector, low: float, high: float) -> ParameterVector:  # noqa: ARG002
        """Return the coefficients with ends for a search over rows from ``low`` to ``high``.

        Where a parameter moves the support, rows are impossible beyond an end that depends on the
        sample, and a search in the logarithm of the distance from that end finds what is near it.
        """
        return vector

    def caution(self, estimates: Mapping[str, Vector]) -> Caution | None:  # noqa: ARG002
        """Return a caution about these estimates, or None."""
        return None
