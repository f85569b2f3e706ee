"""The fit: the model with every parameter estimated, with its uncertainty and decomposition."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, final

from kullback._core.equality import same, same_fields
from kullback._core.validation import check_level
from kullback.objective.evaluated import CovarianceKind
from kullback.results.fit_uncertainty import FitUncertainty
from kullback.results.overdispersion import pearson_of
from kullback.results.publication_table import PublicationTable
from kullback.results.save import write
from kullback.results.summary import Summary, summarise


@final
@dataclass(frozen=True, eq=False)
class Fit(FitUncertainty, PublicationTable):
    """A fitted model: immutable.

    Two fits are equal (``==``) where all that ``save`` writes is, apart from the times.

    Attributes:
        form: the model as it was given, with its free sources.
        vector: its coefficients, with those on a bound or at an order statistic of the sample.
        evaluation: the cross-entropy and its derivatives at the estimate; for a categorical
            distribution the shares of the classes.
        sample_info: facts about the sample.
        convergence: whether, how and why the fit converged.
        power: the rows were fitted in the unit 2^power, in which ``form``, ``vector``,
            ``evaluation`` and the sample's ``values`` are; every method answers in the rows' own.
        problem: fits the model to the rows again, with numbers fixed or other weights; None in a
            fit without its data: loaded, copied, pickled, or made with ``keep_data=False``.
        covariance_kind: which covariance standard errors are from; see ``with_covariance``.
        clusters: the scores of clusters, for clustered standard errors.
    """

    def summary(
        self,
        unit: str = "nats",
        exponentiate: bool = False,
        *,
        kind: CovarianceKind | None = None,
        level: float = 0.95,
        full: bool = False,
    ) -> Summary:
        """Return estimates, criteria, decomposition and convergence, to print or show as HTML.

        The coefficients of a formula or a function are below their parameter, with its link and
        formula, and have z = estimate/stderr and the p-value of its test against 0.
        ``summary().to_frame()`` is a table with a row for each number.

        Args:
            unit: of the decomposition: "nats", "bits" or "hartleys".
            exponentiate: whether coefficients with a log or logit link are shown as ratios, such
                as rate and odds ratios: exp(estimate), exp of the interval's ends, and the standard
                error exp(estimate) × stderr (delta method). z and p stay: a ratio of 1 is a
                coefficient of 0. Coefficients with other links are unchanged, which is said.
            kind: which covariance; by default that of ``with_covariance``.
            level: coverage probability of the intervals, between 0 and 1.
            full: whether to print all coefficients of a category of many levels.

        Raises:
            KullbackError: for a level outside (0, 1), another unit or kind, and ratios of a model
                without a log or logit link.

        Example:
            >>> import kullback as kl
            >>> data = {"age": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "y": [2, 5, 4, 9, 11, 20]}
            >>> fit = kl.fit(kl.Poisson(rate="~ age"), data, "y")
            >>> for line in str(fit.summary(exponentiate=True)).splitlines()[2:6]:
            ...     print(line)
                         estimate  std. error     z      p         95% interval
            rate: log link, ~ age; ratios of rate: exp(estimate)
              Intercept   1.53469      0.7068  0.93  0.352  0.622268 .. 3.78499
              age         1.52104      0.1448  4.40  1e-05   1.26208 .. 1.83314
        """
        check_level(level)
        return summarise(self, unit, exponentiate=exponentiate, kind=kind, level=level, full=full)

    def without_data(self) -> Fit:
        """Return the same fit without any reference to the rows, as ``keep_data=False`` does.

        What it computes from the rows when first needed, it computes before.
        """
        return Fit(**self.__getstate__())

    # a copy holds results only, so that neither it nor a pickle takes the rows along
    def __getstate__(self) -> dict[str, Any]:
        at, sample = self.evaluation, self.sample_info
        at.loss_variance()  # what it keeps of the rows is released by its first call
        entropy, pearson = self.entropy_estimate, pearson_of(self)
        sample = replace(sample, values=None, entropy_estimate=entropy, pearson=pearson)
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        return {**state, "sample_info": sample, "problem": None}

    def plot(
        self,
        kind: str | None = None,
        *,
        band: bool = False,
        parameters: Sequence[str] | None = None,
        exponentiate: bool = False,
        ax: Any = None,
    ) -> Any:
        """Draw the fit over its rows; see ``kl.plot``, which draws several.

        Args:
            kind: "density", "cdf", "qq" or "pp", which None draws together; "survival",
                "hazard", "quantile", "paper" or "likelihood". Of a regression "effects" and "qq",
                which None draws together; "coefficients", "residuals", "worm" or "likelihood".
            band: whether to shade the 95% confidence band of each point of the fitted curves.
            parameters: one or two numbers of ``names`` whose likelihood is drawn.
            exponentiate: whether coefficients are drawn in exponentials.
            ax: matplotlib axes to draw one kind on.

        Returns:
            The matplotlib figure.

        Raises:
            KullbackError: for another kind, rows that the fit does not have, or without matplotlib.
        """
        from kullback.pictures.fit_figure import fit_figure  # not needed for a fit

        return fit_figure(
            [self], kind, band=band, parameters=parameters, exponentiate=exponentiate, ax=ax
        )

    def report(
        self,
        path: str | os.PathLike[str],
        *,
        unit: str = "nats",
        comparison: Any = None,
        goodness_of_fit: Any = None,
    ) -> None:
        """Write the fit as one HTML page that loads nothing: pictures, numbers and what they mean.

        Args:
            path: the file; an older page is replaced, any other file is kept.
            unit: of the cross-entropy and its parts: "nats", "bits" or "hartleys".
            comparison: what ``kl.compare`` returned, to be shown too.
            goodness_of_fit: the tests of this fit, likewise.

        Raises:
            KullbackError: for another unit, a file that is not a page of this library or cannot be
                written, or without matplotlib.
        """
        from kullback.pages.fit_page import write_fit_page

        more = {"Comparison": comparison, "Goodness of fit": goodness_of_fit}
        write_fit_page(self, path, unit, more)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fit):
            return False
        # the estimate of the entropy last: it is computed when it is first read
        return self is other or (
            same_fields(self, other) and same(self.entropy_estimate, other.entropy_estimate)
        )

    def __hash__(self) -> int:
        return hash((Fit, self.form, self.sample_info))

    def __repr__(self) -> str:
        """The model and its cross-entropy."""
        state = "" if self.convergence.converged else ", NOT CONVERGED"
        return f"Fit({self.model!r}, cross_entropy={self.cross_entropy:.6g}, n={self.n:g}{state})"

    def _repr_html_(self) -> str:
        return self.summary().html()

    def save(self, path: str | Path, *, functions: Sequence[str] = ()) -> None:
        """Write the fit as JSON: data only, no code.

        Args:
            path: the file to write.
            functions: the parameters whose ``kl.Function`` may be left out of the file, and
                "log_density" for the function of a ``kl.LogDensity``:
                ``kl.load(path, functions={"loc": f})`` puts it back.

        Raises:
            ModelError: for a model whose sources are the user's own code.
        """
        write(self, Path(path), functions)
