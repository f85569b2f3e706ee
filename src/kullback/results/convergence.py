"""The convergence: whether a fit is the maximum of the likelihood, why, and what to try if not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Convergence:
    """What is known about how a fit was found.

    Attributes:
        converged: whether the estimate is a maximum of the likelihood that standard errors and
            tests may rely on.
        reason: why, in words.
        advice: what to try, and what to beware of; empty where there is nothing to say.
        gradient_norm: length of the gradient of the cross-entropy, scaled by the curvature: the
            error of the estimate in standard deviations of one row, before the last correction.
        smallest_eigenvalue: smallest eigenvalue of the cross-entropy's Hessian on the unconstrained
            scale, scaled to a unit diagonal; positive at a strict minimum. NaN where nothing moves.
        bounds: estimates that an order statistic of the sample or a bound fixes, in words.
        solver: what found the estimate.
        steps: how many points the last solve looked at.
        starts: how many starting points were tried.
        agreed: how many of them ended at the same estimate.
        passes: how many times the sample was gone through.
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
    compile_seconds: float
    run_seconds: float

    def __bool__(self) -> bool:
        """Whether the fit converged: ``if fit.convergence: ...``."""
        return self.converged
