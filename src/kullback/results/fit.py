"""The fit: the model with every parameter estimated, with its uncertainty and decomposition."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, final

from kullback._core.equality import same, same_fields
from kullback._core.errors import KullbackError
from kullback._core.validation import check_level
from kullback.information.estimate import Estimate
from kullback.objective.evaluated import CovarianceKind
from kullback.results.at import of_rows
from kullback.results.band import Band, make_band
from kullback.results.bootstrap import Bootstrap
from kullback.results.bootstrap_intervals import (
    bootstrap_intervals,
    checked_bootstrap,
    checked_goodness_of_fit,
)
from kullback.results.covariance import cautions_of, standard_errors_in_unit
from kullback.results.derived import derive
from kullback.results.fit_rows import FitRows
from kullback.results.goodness_of_fit import GoodnessOfFit
from kullback.results.intervals import Intervals
from kullback.results.overdispersion import pearson_of
from kullback.results.profile import profile_intervals
from kullback.results.publication_table import PublicationTable
from kullback.results.save import write
from kullback.results.summary import Summary, summarise
from kullback.results.test_result import TestResult
from kullback.results.wald import wald_intervals
from kullback.results.wald_test import wald_test


@final
@dataclass(frozen=True, eq=False)
class Fit(FitRows, PublicationTable):
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

    # ---- uncertainty -----------------------------------------------------------------------

    def interval(
        self,
        level: float = 0.95,
        method: str = "wald",
        kind: CovarianceKind | None = None,
        *,
        parameters: Sequence[str] | None = None,
        bootstrap: Bootstrap | None = None,
    ) -> Intervals:
        """Confidence intervals by parameter.

        Args:
            level: coverage probability, between 0 and 1.
            method: "wald": the estimate ± normal quantile × standard error on the unconstrained
                scale (logarithms of positive parameters, log odds of probabilities), mapped back,
                so that no interval leaves the parameter's domain. "profile": the values that a
                likelihood-ratio test does not reject, by fitting again with the parameter fixed,
                some seven times an end; an end may be a bound or infinite. "bootstrap": quantiles
                of the replicates, corrected for bias and skewness (BCa; B. Efron 1987).
            kind: which covariance, for Wald intervals; by default that of ``with_covariance``.
            parameters: parameters, or single numbers as in ``names``; by default all. Profiles of
                many numbers are made for those named only.
            bootstrap: the replicates, for bootstrap intervals; by default ``self.bootstrap()``.

        Returns:
            By parameter, an array of shape (2,), or (size, 2) for vectors. The result's
            ``cautions`` say where an end is a bound, infinite or unknown.

        Raises:
            KullbackError: for a level outside (0, 1), another method or parameter; for a profile or
                a bootstrap of a fit without its data (see ``problem``), and too few replicates.
        """
        check_level(level)
        if method not in ("wald", "profile", "bootstrap"):
            raise KullbackError(f"method must be 'wald', 'profile' or 'bootstrap', got {method!r}.")
        if method != "wald" and kind not in (None, "observed"):
            raise KullbackError(f"kind={kind!r} is for Wald intervals: leave it out.")
        if method == "profile":
            found = profile_intervals(self, level, parameters)
        elif method == "bootstrap":
            made = self.bootstrap() if bootstrap is None else bootstrap
            found = bootstrap_intervals(self, made, level, parameters)
        else:
            errors = standard_errors_in_unit(self, kind)
            found = wald_intervals(self, level, errors, parameters, cautions_of(self, kind))
        return found.by_coefficient(self.form.sources)

    def derived(
        self,
        f: Callable[[Any], Any],
        *,
        at: Any = None,
        level: float = 0.95,
        method: str = "delta",
        scale: str = "identity",
    ) -> Estimate:
        """Estimate a quantity of the fitted model, with its error and a confidence interval.

        The standard error is that of the delta method, √(∇f′ V ∇f), with V the covariance of the
        estimates and ∇f from differences. A minimum or maximum of the sample counts as known, which
        is said; where an estimate is on a bound of its domain, the error is unknown.

        Args:
            f: a function of a model, as ``fit.model`` is one, to a number or an array:
                ``lambda m: m.quantile(0.99)``, ``lambda m: m.survival(10.0)``,
                ``lambda m: m.params["shape"] / m.params["rate"]``; single numbers of a model with
                covariates by name, ``lambda m: m.coefficients["loc[age]"]``.
            at: rows of a regression, as for ``at``; f is then of their distributions, a
                ``kl.RowDistributions``: ``lambda rows: rows.mean()[1] - rows.mean()[0]``.
            level: coverage probability, between 0 and 1.
            method: "delta": the value ± normal quantile × standard error. "profile": the values
                that a likelihood-ratio test does not reject, which need the rows; an end may be
                infinite, and is then said to be. "bootstrap": the percentiles of the quantity over
                the replicates of ``bootstrap()``, and their standard deviation.
            scale: for the delta method, where the interval is symmetric: "identity", "log" (for
                positive quantities) or "logit" (for probabilities), so that it stays in the range.

        Returns:
            The estimate, with arrays of f's shape where it returns an array. Its ``assumptions``
            say what limits it.

        Raises:
            KullbackError: for a level outside (0, 1), another method or scale, a function of
                anything but numbers, and for a profile of a fit without its rows.

        Example:
            >>> import kullback as kl
            >>> fit = kl.fit(kl.Exponential(), [0.2, 1.1, 0.7, 2.9, 0.4, 1.6, 0.9, 0.3, 1.2, 0.7])
            >>> print(fit.derived(lambda m: m.quantile(0.9), scale="log"))
            2.30259 ± 0.73 (95%: 1.23892 to 4.27946), delta method
            >>> print(fit.derived(lambda m: m.quantile(0.9), method="profile"))
            2.30259 ± 0.73 (95%: 1.31281 to 4.59528), profile likelihood
        """
        return derive(self, f if at is None else of_rows(f, self.model, at), level, method, scale)

    def band(
        self,
        what: str,
        at: Any = None,
        level: float = 0.95,
        simultaneous: bool = False,
    ) -> Band:
        """Make a confidence band of a curve of the fitted distribution, by the delta method.

        It is symmetric where it cannot leave the curve's range: the density's on the logarithm, the
        cdf's and the survival function's on the log odds, quantiles' on the unconstrained scale of
        the support (the logarithm of positive outcomes). It is NaN where the curve's derivative
        does not exist, as at an end of the support that is estimated.

        Args:
            what: "density", "cdf", "survival" or "quantile".
            at: outcomes, or probabilities for quantiles; None for points over the distribution.
            level: coverage probability, between 0 and 1.
            simultaneous: False for a band that holds each point of the true curve with this
                probability; True for a wider one that holds all points together, from the
                distribution of the largest of their deviations (40,000 draws with a fixed seed).

        Raises:
            KullbackError: for a level outside (0, 1), another curve, a model of labels or with
                covariates, and quantiles of counts.

        Example:
            >>> import kullback as kl
            >>> fit = kl.fit(kl.Exponential(), [0.2, 1.1, 0.7, 2.9, 0.4, 1.6, 0.9, 0.3, 1.2, 0.7])
            >>> band = fit.band("survival", [1.0, 2.0])
            >>> print(band.lower.round(3), band.value.round(3), band.upper.round(3))
            [0.179 0.036] [0.368 0.135] [0.608 0.396]
        """
        return make_band(self, what, at, level, simultaneous)

    def test(self, *restrictions: str, kind: CovarianceKind | None = None) -> TestResult:
        """Test linear restrictions on the estimates by Wald's test, all of them together.

        With R the factors and r the values of the restrictions, b the estimates and V their
        covariance, (Rb − r)′ (R V R′)⁻¹ (Rb − r) is chi-squared in large samples, with as many
        degrees of freedom as there are restrictions. Source: A. Wald (1943), Transactions of the
        American Mathematical Society 54, 426–482.

        Args:
            restrictions: each a text: sums of numbers and of names (see ``names``) with factors,
                and an equals sign: "shape = 1", "2*loc[age] - loc[sex] = 0.5",
                "region[T.north] = region[T.south]". Without an equals sign it is that the sum is
                0; a term of a formula alone, such as the category "region" or "age:region", or a
                parameter of several numbers, that all of its numbers are. A coefficient or term
                that one parameter has needs no parameter: "age" for "loc[age]".
            kind: which covariance; by default that of ``with_covariance``.

        Raises:
            KullbackError: with the place where a restriction is wrong; for one on a bound of its
                number, restrictions that imply each other, and a fit that did not converge.

        Example:
            >>> import kullback as kl
            >>> fit = kl.fit(kl.Gamma(), [0.2, 1.1, 0.7, 2.9, 0.4, 1.6, 0.9, 0.3, 1.2, 0.7])
            >>> print(fit.test("shape = 1"))
            Wald test: shape = 1: statistic 1.4191, chi-squared(1), p = 0.234
            >>> rows = {"y": [1, 4, 2, 6, 3, 8, 7], "herd": ["a", "b", "c", "a", "b", "c", "c"]}
            >>> test = kl.fit(kl.Poisson(rate="~ herd"), rows, "y").test("herd")
            >>> round(test.statistic, 4), test.df
            (1.7825, 2)
        """
        return wald_test(self, restrictions, kind)

    def bootstrap(
        self,
        n: int = 999,
        *,
        kind: str = "poisson",
        seed: int = 0,
        progress: Callable[[int, int], None] | None = None,
    ) -> Bootstrap:
        """Fit bootstrap replicates of the rows: made once for each n, kind and seed, and kept.

        Args:
            n: the number of replicates.
            kind: "poisson": every row counts a Poisson number of times, of mean one (of mean w for
                a row of weight w, which stands for w equal rows); valid for a wrong model too.
                "parametric": samples of as many rows, drawn from the fitted distribution, given
                each row's window, and censored as the rows were: a limit that is not known is
                drawn from the product-limit estimate of limits, given that it is beyond the
                outcome; rows in cells are put in the cells that occur, or the gaps between them.
            seed: of the weights or draws, a whole number. The weights of a row depend on it, on
                the number of the row and on the replicate alone, and so are the same in memory and
                streamed.
            progress: called with the number of replicates made, and of all, where they are fitted
                one by one.

        Returns:
            The estimates of every replicate. Fixed numbers stay fixed, and bounds hold. A replicate
            that cannot be fitted is NaN, counted and named.

        Raises:
            KullbackError: for a fit without its data (see ``problem``) or one that did not
                converge; for another kind; for parametric replicates of a model that reads columns,
                of rows in cells that overlap, or of weights that are not whole numbers.

        Example:
            >>> import kullback as kl
            >>> fit = kl.fit(kl.Exponential(), [0.3, 1.8, 0.7, 2.2, 0.9, 1.1, 0.2, 3.1])
            >>> fit.bootstrap(200, seed=1)
            Bootstrap(n=200, kind='poisson', seed=1)
            >>> fit.bootstrap(200, seed=1).params["rate"].shape
            (200,)
        """
        problem = checked_bootstrap(self, n, kind, seed)
        key = (n, kind, seed)
        if key not in self._bootstraps:
            self._bootstraps[key] = problem.bootstrap(n, kind, seed, progress)
        return self._bootstraps[key]

    @cached_property
    def _bootstraps(self) -> dict[tuple[int, str, int], Bootstrap]:
        return {}

    def goodness_of_fit(
        self,
        n_bootstrap: int = 999,
        *,
        seed: int = 0,
        cells: Any = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> GoodnessOfFit:
        """Test whether the rows could have been drawn from the fitted model.

        Kolmogorov–Smirnov D, Cramér–von Mises W² and Anderson–Darling A² for continuous outcomes;
        chi-square for counts, and for others in given cells. Since the parameters were estimated
        from the same rows, the tables of these statistics do not hold: samples of the fitted model
        are fitted again, and p = (1 + #{T* ≥ T})/(n_bootstrap + 1).

        Truncated rows are compared given their windows, rows that are censored to one side by the
        product-limit estimate (J. A. Koziol & S. B. Green 1976), and rows in cells by chi-square.

        Args:
            n_bootstrap: the number of samples; 0 for the statistics alone.
            seed: of the samples.
            cells: of chi-square. None: for counts, values joined from the least upwards until 5
                rows are expected in a cell, the last with all values above; none for other
                outcomes. A number: so many cells of equal probability under the fitted model. Or
                their upper ends, ascending: the last cell is above the last end.
            progress: called with the number of samples done, and of all, where they are fitted one
                by one.

        Returns:
            The statistics with p-values, and a sentence about them.

        Raises:
            KullbackError: for a fit without its data or one that did not converge; for a model that
                reads columns or whose outcomes are labels; for rows that are censored to both
                sides, or some of them in cells, and counts that are censored or truncated; for
                weights that are not whole numbers; for cells that cannot be used.

        Example:
            >>> import kullback as kl
            >>> fit = kl.fit(kl.Exponential(), [0.3, 1.8, 0.7, 2.2, 0.9, 1.1, 0.2, 3.1])
            >>> test = fit.goodness_of_fit(199, seed=1)
            >>> round(test.kolmogorov_smirnov.statistic, 6)
            0.169398
            >>> test.conclusion[:32]
            'No evidence against the model: t'
        """
        problem = checked_goodness_of_fit(self, n_bootstrap, seed)
        return problem.goodness_of_fit(repr(self.model), n_bootstrap, seed, cells, progress)

    # ---- presentation ----------------------------------------------------------------------

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
