"""Convergence: whether a fit is at the maximum of the likelihood, why, and what to try if not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import final

from kullback._core.display import Display, Displayed, Table
from kullback._core.equality import Comparable


@final
@dataclass(frozen=True, eq=False, repr=False)
class Convergence(Displayed, Comparable):
    """Whether, how and why a fit converged. The seconds do not count in comparisons.

    Attributes:
        converged: whether the estimate is a maximum of the likelihood at which standard errors and
            tests are valid.
        reason: why the fit converged, or why not.
        advice: what to try, and limits of the results; often empty.
        gradient_norm: length of the cross-entropy's gradient, scaled by the Hessian's diagonal: the
            error of the estimate in standard deviations of one row, before the last correction.
        smallest_eigenvalue: smallest eigenvalue of the cross-entropy's Hessian on the unconstrained
            scale, scaled to a unit diagonal; positive at a strict minimum. NaN where no parameter
            is free.
        bounds: the estimates on a bound or at an order statistic of the sample, one text each.
        solver: name of the solver, or "closed form".
        steps: number of points at which the last solve evaluated the cross-entropy.
        starts: number of starting points.
        agreed: number of starting points that led to this estimate.
        passes: number of passes over the sample.
        compile_seconds: time spent tracing and compiling.
        run_seconds: the rest of the fit's time.
    """

    converged: bool
    reason: str
    advice: tuple[str, ...]
    gradient_norm: float
    smallest_eigenvalue: float
    bounds: tuple[str, ...]
    solver: str
    steps: int
    starts: int
    agreed: int
    passes: int
    compile_seconds: float = field(compare=False)
    run_seconds: float = field(compare=False)

    def __bool__(self) -> bool:
        """Whether the fit converged: ``if fit.convergence: ...``."""
        return self.converged

    def _display(self) -> Display:
        computed = not math.isnan(self.gradient_norm)
        return Display(
            f"{status(self.converged)} – {self.reason}",
            [Table(details(self, curvature=computed))],
            self.advice,
        )


def status(converged: bool) -> str:
    """Return the heading of the convergence."""
    return "converged" if converged else "NOT CONVERGED"


def counted(number: int, what: str) -> str:
    """Return a number with its noun, as "1 row" and "2,000 rows"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _finite(text: str) -> str:
    return "not finite" if text.startswith(("nan", "inf")) else text


def details(convergence: Convergence, *, curvature: bool) -> tuple[tuple[str, str], ...]:
    """Return names and values for tables.

    Args:
        convergence: of a fit.
        curvature: whether gradient and Hessian are among them.
    """
    agreed = ""
    if convergence.starts > 1:
        agreed = f"; {convergence.agreed} of {convergence.starts} starting points agreed"
    gradient, eigenvalue = convergence.gradient_norm, convergence.smallest_eigenvalue
    rows = [
        ("scaled gradient", _finite(f"{gradient:.1e} standard deviations of a row")),
        ("least eigenvalue", _finite(f"{eigenvalue:.3g} of the scaled Hessian")),
    ]
    return (
        *(rows if curvature else []),
        *(("on the boundary", bound) for bound in convergence.bounds),
        ("solver", f"{convergence.solver}, {counted(convergence.steps, 'step')}{agreed}"),
        ("passes", f"{convergence.passes:,} over the rows"),
        (
            "time",
            f"{convergence.compile_seconds:.2f} s compiling, "
            f"{convergence.run_seconds:.2f} s running",
        ),
    )
