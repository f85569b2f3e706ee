"""What a fit says about rows: distributions, predictions, residuals and effects of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kullback._core.arrays import Vector
from kullback.models.row_distributions import RowDistributions
from kullback.results.at import at_rows
from kullback.results.deviance import Deviance, deviance_of
from kullback.results.fit_numbers import FitNumbers
from kullback.results.marginal_effects import MarginalEffects, marginal_effects
from kullback.results.overdispersion import overdispersion_test
from kullback.results.partial_effects import PartialEffect, partial_effects
from kullback.results.predictions import predict
from kullback.results.residuals import residuals
from kullback.results.responsibilities import responsibilities
from kullback.results.test_result import TestResult


class FitRows(FitNumbers):
    """The methods of a fit that are about rows, its own or others."""

    def at(self, data: Any) -> RowDistributions:
        """Return the fitted distribution of every row of other data.

        Args:
            data: the columns that the model reads, in any order: a table, a mapping of arrays, a
                two-dimensional array, or files, as for ``kl.fit``; the outcome is not needed. Of a
                model without columns all rows are equal, and only their number counts.

        Returns:
            The distributions, with ``mean()``, ``variance()``, ``quantile(u)``, ``cdf(t)``,
            ``survival(t)``, ``hazard(t)``, ``density(y)``, ``sample(n)``, ``params`` and, of
            labels, ``probabilities()``. Rows in which a value is missing are NaN.

        Raises:
            DataError: for a column that is missing, or holds what it must not, such as a category
                that did not occur in the fit.

        Example:
            >>> import kullback as kl
            >>> data = {"x": [0.0, 1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8, 9.0]}
            >>> line = kl.Function(lambda x, a, b: a + b * x, start={"a": 0.0, "b": 1.0})
            >>> fit = kl.fit(kl.Normal(loc=line), data, "y")
            >>> fit.at({"x": [1.0, None, 10.0]}).survival(3.0).round(4)
            array([0.588,   nan, 1.   ])
        """
        return at_rows(self.model, data)

    def predict(
        self,
        data: Any,
        what: str | None = None,
        *,
        at: Any = None,
        interval: str | None = None,
        level: float = 0.95,
    ) -> Any:
        """Predict a number, or a class, of every row of other data.

        A confidence interval is of the prediction, by the delta method, and symmetric on a scale
        that keeps it in its range: the logarithm of means, variances and quantiles of positive
        outcomes, the log odds of probabilities. A prediction interval is of an outcome: the
        quantiles (1 ± level)/2 of the fitted distribution. It takes the estimates as known, whose
        uncertainty adds about a share p/n to its width with p numbers estimated from n rows; an
        interval of counts holds at least the level.

        Args:
            data: the columns, as for ``at``.
            what: "mean" (None, of numbers), "variance", "quantile", "survival" (P(Y > at)),
                "probability" (of counts P(Y = at), of labels that of each class, or of those in
                ``at``), "class" (None, of labels: the most probable one), "parameters" (a dict).
            at: probabilities of quantiles, or outcomes: a number, or several for every row.
            interval: "confidence", "prediction" or None.
            level: coverage probability of the interval.

        Returns:
            Without an interval, shape (rows,), with the index of a pandas frame; or (rows, m) for m
            values in ``at``. With one, a frame of the library and with the index of ``data``:
            ``estimate``, ``lower``, ``upper``; for several values in ``at`` it has a row for each,
            and a column ``at``. NaN where a value is missing.

        Raises:
            KullbackError: for choices that do not go together.
            DataError: for columns that are missing, or hold what they must not.

        Example:
            >>> import kullback as kl
            >>> data = {"x": [0.0, 1.0, 2.0, 3.0, 4.0], "y": [1.1, 2.9, 5.2, 6.8, 9.0]}
            >>> fit = kl.fit(kl.Normal(loc="~ x"), data, "y")
            >>> fit.predict({"x": [1.0, 10.0]}).round(6)
            array([ 3.03, 20.76])
            >>> print(fit.predict({"x": [10.0]}, interval="confidence").round(4).to_string())
               estimate    lower    upper
            0     20.76  20.0807  21.4393
        """
        return predict(self, data, what, at, interval, level)

    def residuals(self, kind: str = "quantile", *, seed: int = 0) -> Vector:
        """Return a residual of every row that the model was fitted to, in their order.

        With y an outcome, F and S the row's distribution and survival functions, μ and σ² its mean
        and variance:

        * "response": y − μ; "pearson": (y − μ)/σ, with σ from the whole model, dispersion included;
          "deviance": sign(y − μ) √d with d the unit deviance of a generalized linear model (the
          dispersion is 1). These are of exact rows without a window, NaN of others.
        * "quantile": Φ⁻¹(u), standard normal if the model is right. u = F(y) of a continuous
          outcome; else it is drawn uniformly between the ends that the row gives: F(y − 1) and F(y)
          of a count, F(t) and 1 of a row censored at t, 0 and F(t) of one censored to the left,
          F(a) and F(b) of an interval. The tails keep their digits far out.
        * "cox-snell": −log S(y), exponential if the model is right, censored where the row is
          (of a count −log(1 − u)); "martingale": 1 − that for an outcome that was observed, 0 −
          that for a right-censored one. NaN of left- and interval-censored rows.

        Rows with a window are taken given that they lie in it. A residual is of one row, whatever
        its weight. Sources: P. K. Dunn and G. K. Smyth (1996), Journal of Computational and
        Graphical Statistics 5, 236–244; D. R. Cox and E. J. Snell (1968), Journal of the Royal
        Statistical Society B 30, 248–275; T. M. Therneau, P. M. Grambsch and T. R. Fleming (1990),
        Biometrika 77, 147–160.

        Args:
            kind: which residuals.
            seed: of the uniform numbers; that of a row depends on its number alone.

        Returns:
            Shape (rows,); NaN for rows that were dropped.

        Raises:
            KullbackError: for another kind, labels, a fit without its rows, or deviance residuals
                of a family whose saturated model has no likelihood.

        Example:
            >>> import kullback as kl
            >>> data = {"x": [0.0, 1.0, 2.0, 3.0], "y": [1, 0, 4, 7]}
            >>> kl.fit(kl.Poisson(rate="~ x"), data, "y").residuals("pearson").round(4)
            array([ 0.6853, -1.112 ,  0.5803, -0.0955])
        """
        return residuals(self, kind, seed)

    def marginal_effects(
        self,
        variables: Sequence[str] | str | None = None,
        *,
        what: str | None = None,
        at: Any = None,
        level: float = 0.95,
    ) -> MarginalEffects:
        """Average marginal effects of columns on a prediction, over the rows of the fit.

        Of a number x it is the weighted mean over the rows of ∂ prediction/∂x, by five-point
        differences within the range of the rows: a column that enters in several terms counts in
        all of them. Of a category, or a truth value, it is the mean change of the prediction from
        its first level to another, all other columns as they are. Errors are those of the delta
        method, of the estimates alone: the rows count as given. Source: T. S. Bartus (2005), Stata
        Journal 5, 309–329; R's ``marginaleffects::avg_slopes`` computes the same.

        Args:
            variables: columns; None for all but offsets and exposures.
            what: the prediction, as in ``predict``: "mean", "variance", "quantile", "survival" or
                "probability"; None for the mean, of labels for the probability.
            at: the level of the quantile, or the outcome or class: one value; of labels None for
                all classes.
            level: coverage probability of the intervals.

        Returns:
            A table of ``variable``, ``contrast``, ``estimate``, ``stderr``, ``z``, ``p_value``,
            ``lower`` and ``upper``; ``to_frame()`` gives a frame.

        Raises:
            KullbackError: for a column that the model does not read, choices that do not go
                together, and a fit without its rows.

        Example:
            >>> import kullback as kl
            >>> data = {"x": [0.0, 1.0, 2.0, 3.0, 4.0], "y": [1, 0, 4, 7, 9]}
            >>> print(kl.fit(kl.Poisson(rate="~ x"), data, "y").marginal_effects())
            average marginal effects on the mean, 95% intervals
            variable  contrast  effect  std. error     z        p    lower    upper
            x         dY/dX    2.6821        1.01  2.67  0.00768  0.71028  4.65392
        """
        return marginal_effects(self, variables, what, at, level)

    def predict_params(self, data: Any) -> dict[str, Vector]:
        """Return the parameters of new rows by name: ``at(data).params``."""
        return at_rows(self.model, data).params

    def responsibilities(self, data: Any, y: Any = None, *, event: Any = None) -> Vector:
        """Return the probability that each row comes from each component of a fitted mixture.

        P(component k | row) = w_k P_k(row) / Σ w_j P_j(row), with the densities of exact rows and
        the probabilities of the events of censored ones. A truncation window changes nothing.

        Args:
            data: the rows, as for ``kl.fit``.
            y: the outcome's column, or two columns.
            event: how each outcome was observed.

        Returns:
            An array of shape (rows, components), in the order of ``fit.params["weights"]``.

        Raises:
            ModelError: for a model other than a mixture.
            DataError: for data that cannot be used, or a row that no component makes possible.

        Example:
            >>> import kullback as kl
            >>> x = [0.9, 1.1, 1.4, 0.8, 1.0, 6.2, 5.7, 6.4, 5.9, 6.9, 6.1]
            >>> fit = kl.fit(kl.Mixture(kl.Normal(scale=1.0), components=2), x)
            >>> fit.responsibilities([1.0, 3.5, 6.0]).round(3)
            array([[1.   , 0.   ],
                   [0.608, 0.392],
                   [0.   , 1.   ]])
        """
        return responsibilities(self.model, data, y, event)

    def deviance(self, unit: str = "nats") -> Deviance:
        """Compare the cross-entropies of the null model, this model and the saturated one.

        The null model is of the same family with constant parameters (and the same offsets), and is
        fitted; the saturated one has a mean of its own for every row. With W the total weight, the
        deviance is 2 W (H(model) − H(saturated)): how far the model is from the best that its
        family can do on these rows, on the scale of the likelihood-ratio statistic. R's deviance of
        gamma and normal models is this one times the dispersion, 1/shape or scale². The R² are
        made of the three: by deviance, the share of the way from the null to the saturated model
        that the model goes; McFadden's 1 − H(model)/H(null); Cox and Snell's
        1 − exp(2 (H(model) − H(null))), and Nagelkerke's, that divided by its largest value.

        Args:
            unit: of the cross-entropies: "nats", "bits" or "hartleys".

        Raises:
            KullbackError: for a fit with a penalty, without its rows, or that did not converge.

        Example:
            >>> import kullback as kl
            >>> data = {"age": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "y": [2, 5, 4, 9, 11, 20]}
            >>> print(kl.fit(kl.Poisson(rate="~ age"), data, "y").deviance())
            Cross-entropies from the null to the saturated model
                             cross-entropy, nats   deviance  df
            null model                  3.859178  23.803603   5
            model                       1.982600   1.284661   4
            saturated model             1.875545
            R² by deviance      0.9460
            McFadden's R²       0.4863
            Cox and Snell's R²  0.9766
            Nagelkerke's R²     0.9770
        """
        return deviance_of(self, unit)

    def overdispersion(self) -> TestResult:
        """Test whether counts vary more than a Poisson or a binomial model says.

        The statistic is Pearson's χ² = Σ w (y − μ)²/V(μ) with df = Σ w − k; a ratio χ²/df above 1
        is overdispersion. The p-value is one-sided, from the normal distribution of χ² with its
        variance Σ w (2 + κ), κ the excess kurtosis of a row's outcome, which 2 df leaves out where
        means are small. Source: P. McCullagh (1986), Journal of the American Statistical
        Association 81, 104–107.

        Raises:
            KullbackError: for another model, rows that are not exact, sampling weights, a fit
                without its rows or one that did not converge, and no degrees of freedom.

        Example:
            >>> import kullback as kl
            >>> test = kl.fit(kl.Poisson(), [0, 1, 9, 2, 0, 14, 3, 1, 0, 7]).overdispersion()
            >>> print(
            ...     f"{test.statistic:.4f} of {test.df} degrees of freedom, p = {test.p_value:.1e}"
            ... )
            55.1622 of 9 degrees of freedom, p = 1.7e-22
        """
        return overdispersion_test(self)

    def partial_effects(
        self, columns: Sequence[str] | None = None, *, level: float = 0.95
    ) -> dict[str, PartialEffect]:
        """Estimate the mean outcome along each column, the others at a typical value.

        These are the means of columns of numbers and the most frequent categories. Intervals are
        those of the delta method, symmetric on the logarithm of positive outcomes and on the log
        odds of probabilities. Of labels it is the probability of each class; of rows that are
        censored or truncated, and of distributions without a mean, the median.

        Args:
            columns: the columns; None for all that the model reads.
            level: of the intervals.

        Raises:
            KullbackError: for another column, or a fit without its rows.

        Example:
            >>> import kullback as kl
            >>> data = {"age": [1.0, 2.0, 3.0, 4.0], "sex": list("fmmf"), "y": [2, 5, 4, 9]}
            >>> fit = kl.fit(kl.Poisson(rate="~ age + sex"), data, "y")
            >>> effect = fit.partial_effects(["sex"])["sex"]
            >>> effect.at, effect.value.round(3), effect.held
            (('f', 'm'), array([4.591, 4.406]), {'age': 2.5})
        """
        return partial_effects(self, columns, level)
