"""From a fit to its summary."""

from __future__ import annotations

import math

import numpy as np

from kullback.results.fit import Fit
from kullback.results.summary import Summary


def summarise(fit: Fit, unit: str) -> Summary:
    """Collect the tables of a fit.

    Args:
        fit: the fit.
        unit: of the decomposition.
    """
    convergence = fit.convergence
    sample = fit.sample_info
    rows = _counted(sample.rows, "row")
    weight = "" if sample.weight == sample.rows else f", total weight {sample.weight:,.12g}"
    dropped = f", {sample.dropped:,} dropped as missing" if sample.dropped else ""
    agreed = ""
    if convergence.starts > 1:
        agreed = f"; {convergence.agreed} of {convergence.starts} starts agreed"
    checked = [
        ("status", convergence.reason),
        ("gradient", f"{convergence.gradient_norm:.1e} standard deviations of a row"),
        ("smallest curvature", f"{convergence.smallest_eigenvalue:.3g} (scaled Hessian)"),
        *(("on a bound", bound) for bound in convergence.bounds),
        ("solver", f"{convergence.solver}, {_counted(convergence.steps, 'step')}{agreed}"),
        ("work", f"{_counted(convergence.passes, 'pass')} over the rows"),
        (
            "time",
            f"{convergence.compile_seconds:.2f} s compiling, "
            f"{convergence.run_seconds:.2f} s running",
        ),
    ]
    if not fit.vector.n_free:
        checked = [c for c in checked if c[0] not in ("gradient", "smallest curvature")]
    return Summary(
        title=f"{fit.form.name} fitted to {sample.label}: {rows}{weight}{dropped}",
        columns=("", "estimate", "std. error", "95% interval"),
        estimates=tuple(_estimates(fit)),
        facts=(
            ("log-likelihood", f"{fit.log_likelihood:,.6f}"),
            ("AIC", f"{fit.aic:,.4f}"),
            ("BIC", f"{fit.bic:,.4f}"),
        ),
        decomposition=fit.decomposition(unit),
        converged=convergence.converged,
        convergence=tuple(checked),
        notes=convergence.advice,
    )


def _estimates(fit: Fit) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    params, errors, intervals = fit.params, fit.stderr, fit.interval()
    for name, value in params.items():
        values, stderr = np.atleast_1d(value), np.atleast_1d(errors[name])
        ends = intervals[name].reshape(-1, 2)
        for i, (estimate, error, (low, high)) in enumerate(zip(values, stderr, ends, strict=True)):
            label = name
            if values.size > 1:
                levels = fit.sample_info.levels
                label = f"{name}[{levels[i]!r}]" if levels is not None else f"{name}[{i}]"
            if error == 0.0:
                rows.append((label, f"{estimate:.6g}", "fixed", ""))
            elif math.isnan(error):
                rows.append((label, f"{estimate:.6g}", "none", ""))
            else:
                d = _digits(float(estimate), float(error))
                told = f"{low:.{d}g} .. {high:.{d}g}"
                rows.append((label, f"{estimate:.{d}g}", f"{error:.4g}", told))
    return rows


def _digits(estimate: float, error: float) -> int:
    """Six digits, or as many as show three of the error; no more than a double has."""
    if not (math.isfinite(estimate) and math.isfinite(error) and estimate != 0.0):
        return 6
    return int(np.clip(math.ceil(math.log10(abs(estimate)) - math.log10(error)) + 3, 6, 17))


def _counted(number: int, what: str) -> str:
    plural = what + ("es" if what.endswith("s") else "s")
    return f"{number:,} {what if number == 1 else plural}"
