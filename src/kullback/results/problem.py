"""What a fit knows of its data: enough to fit again, with numbers fixed or with other weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kullback._core.arrays import Vector
from kullback._core.errors import KullbackError
from kullback.data.sample import RowSource
from kullback.nonparametric.steps import Steps
from kullback.objective.cross_entropy import Evaluation

if TYPE_CHECKING:  # a fit holds its problem
    from kullback.results.bootstrap import Bootstrap
    from kullback.results.fit import Fit
    from kullback.results.fit_numbers import FitNumbers
    from kullback.results.goodness_of_fit import GoodnessOfFit


@runtime_checkable
class FitProblem(Protocol):
    """The model and the rows of a fit. Numbers go by name, as in ``fit.names``: ``"scale[age]"``.

    The rows are those that the user gave, not a copy (numbers in another type than float64 were
    converted, and files of up to 256 MiB read, once); larger files are read again.
    """

    @property
    def sample(self) -> RowSource:
        """The rows themselves."""

    @property
    def rows(self) -> int:
        """The number of rows of the data, those dropped for missing values included."""

    def refit(
        self,
        fixed: Mapping[str, float] | None = None,
        weights: Any = None,
        start: Mapping[str, float] | None = None,
    ) -> Fit:
        """Fit again; without arguments, to the same result.

        Args:
            fixed: numbers to hold fixed, by name. The search for the others then begins at the
                fit's estimate: such a fit is a point of a profile.
            weights: weights in place of those of the fit, one for every row of the data.
            start: where to begin, by name; numbers left out begin at the fit's estimate.

        Raises:
            DataError: for weights that cannot be used, or rows that have changed since the fit.
            ModelError: for a number that the model lacks, or outside its domain.
        """

    def cross_entropy(self, at: Mapping[str, float] | None = None) -> float:
        """The cross-entropy in nats at given numbers, +inf where a row is impossible there.

        Args:
            at: numbers by name; those left out are at the fit's estimate.
        """

    def objective(self) -> Callable[[Vector], Evaluation]:
        """Return the cross-entropy with its derivatives, a function of the unconstrained numbers.

        They are the free ones of ``fit.vector``, in the unit of the fit.
        """

    def outcomes(self) -> tuple[Vector, Vector] | None:
        """Outcomes to draw and their weights: of all rows, or of many spread evenly over them.

        None where a row's outcome was not observed itself, and for sampling weights.
        """

    def empirical(self) -> Steps:
        """Return the distribution of the rows without the model; see ``kl.empirical``.

        Raises:
            DataError: for a stream of too many distinct rows.
        """

    def bootstrap(
        self,
        n: int,
        kind: str,
        seed: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> Bootstrap:
        """Fit n bootstrap replicates; see ``Fit.bootstrap``."""

    def accelerations(self, covariance: Vector) -> Vector:
        """The acceleration of bootstrap intervals of each number that has a covariance."""

    def goodness_of_fit(
        self,
        named: str,
        n: int,
        seed: int,
        cells: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> GoodnessOfFit:
        """Test the fit by n samples of the fitted model; see ``Fit.goodness_of_fit``."""


def problem_of(fit: Fit, what: str) -> FitProblem:
    """Return the problem of a fit.

    Args:
        fit: the fit.
        what: what needs it, for the message.

    Raises:
        KullbackError: for a fit without its data, or with sampling weights.
    """
    fit.sample_info.refuse_sampling(what)
    return with_rows(fit, what)


def with_rows(fit: FitNumbers, what: str) -> FitProblem:
    """Return the problem of a fit, whatever its weights are.

    Raises:
        KullbackError: for a fit without its data.
    """
    if fit.problem is None:
        raise KullbackError(
            f"{what} needs the rows, which this fit does not have: one that was loaded, copied or "
            "pickled, or made with keep_data=False, holds results only. Fit the model again: "
            "kl.fit(fit.form, data).",
            reason="no data",
        )
    return fit.problem
