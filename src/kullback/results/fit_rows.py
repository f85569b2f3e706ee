"""What a fit says about rows: distributions, predictions, residuals and effects of columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kullback._core.arrays import Vector
from kullback.models.row_distributions import RowDistributions
from kullback.results.at import at_rows
from kullback.results.fit_numbers import FitNumbers
from kullback.results.marginal_effects import MarginalEffects, marginal_effects
from kullback.results.predictions import predict
from kullback.results.residuals import residuals


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
        what: str = "mean",
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
                "probability".
            at: the level of the quantile, or the outcome or class: one value.
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
