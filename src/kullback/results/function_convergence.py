"""What is said of fits of the user's functions: perfect ones, and coefficients not identified."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kullback.models.parameter_vector import ParameterVector
from kullback.results.convergence import Convergence


def of_perfect_fit(
    convergence: Convergence,
    vector: ParameterVector,
    perfect: Sequence[str],
    what: str = "function",
) -> Convergence:
    """Say that a function passes through every outcome, so that the likelihood is unbounded.

    Args:
        convergence: as the search left it.
        vector: the coefficients.
        perfect: the parameters whose function passes through every outcome.
        what: the user's word for it.
    """
    others = [c.name for c in vector.free if c.name not in perfect]
    names, spread = " and ".join(perfect), " and ".join(others)
    advice = (
        f"The {what} of {names} passes through every outcome, up to rounding: the likelihood "
        f"grows without bound as the distribution narrows around it. The coefficients of {names} "
        f"hold; fix {spread}, or choose a {what} with fewer coefficients.",
    )
    reason = f"no maximum: the fit is perfect, and the likelihood is unbounded in {spread}"
    return replace(convergence, converged=False, reason=reason, advice=advice)


def of_unidentified(convergence: Convergence, names: Sequence[str]) -> Convergence:
    """Say which coefficients the rows do not determine."""
    listed = ", ".join(names)
    if len(names) == 1:
        why = f"The function does not change with {listed} in any row."
    else:
        why = f"The function does not change along some combination of {listed}."
    advice = (
        f"{why} Leave one of them out or fix it; or, where the function is flat only near these "
        "values, give other starting values.",
    )
    reason = f"the rows do not determine {listed}"
    return replace(convergence, converged=False, reason=reason, advice=advice)
