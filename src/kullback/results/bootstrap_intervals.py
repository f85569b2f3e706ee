"""What a fit must have for a bootstrap, and the intervals that one gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kullback._core.errors import KullbackError
from kullback.results.problem import FitProblem, problem_of

if TYPE_CHECKING:  # Fit.bootstrap calls this module, which only reads the fit
    from kullback.results.fit import Fit


def checked_bootstrap(fit: Fit, n: Any, kind: str, seed: Any) -> FitProblem:
    """Return the problem of a fit that a bootstrap can be made of.

    Raises:
        KullbackError: for a fit or arguments that do not allow one.
    """
    problem = problem_of(fit, "a bootstrap")
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise KullbackError(f"n must be a number of replicates, at least 1, got {n!r}.")
    if kind not in ("poisson", "parametric"):
        raise KullbackError(f"kind must be 'poisson' or 'parametric', got {kind!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise KullbackError(f"seed must be a whole number, 0 or more, got {seed!r}.")
    if not fit.convergence.converged:
        raise KullbackError(
            f"this fit did not converge ({fit.convergence.reason}), and its "
            "estimate is not one that replicates could be compared with."
        )
    if kind == "parametric":
        why = not_drawable(fit)
        if why is not None:
            raise KullbackError(
                f"kind='parametric' draws samples from the fitted distribution, but {why}. "
                "Use kind='poisson'."
            )
    return problem


def not_drawable(fit: Fit) -> str | None:
    """Return why samples like the rows cannot be drawn from the fitted model, or None."""
    if fit.form.outcome != "number":
        return f"the outcomes of {fit.form.name} are labels"
    if fit.form.columns:
        return f"its parameters depend on the row ({', '.join(fit.form.columns)})"
    if fit.sample_info.inexact:
        return f"{fit.sample_info.inexact}"
    if fit.n != int(fit.n):
        return f"the weights add up to {fit.n:g}, not to a whole number of rows"
    return None
