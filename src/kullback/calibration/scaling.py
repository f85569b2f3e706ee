"""Temperature and vector scaling: the logits times a scale, fitted by the Newton solver.

    temperature    softmax(logits / T), one number
    vector         softmax(a ⊙ logits + b), a scale and a shift for each class; of the log-
                   probabilities of two classes this is beta calibration (Kull et al. 2017)

Both run in NumPy, some rows at a time: nothing is compiled, and 100,000 rows of 26 classes take
about as long as one compilation would.

Sources: C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017), On calibration of modern neural
networks, sections 4.1 and 4.2; M. Kull, T. M. Silva Filho, P. Flach (2017), Beyond sigmoids;
E. Berta, D. Holzmüller, M. I. Jordan, F. Bach (2025), Rethinking early stopping: refine, then
calibrate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from kullback._core.arrays import Vector
from kullback.calibration.inputs import FIRST_ROWS, CalibrationRows, Floats, log_softmax
from kullback.calibration.many_classes import search
from kullback.solvers.newton import Newton
from kullback.solvers.solver import Outcome, minimise

# Up to here the Hessian of vector scaling is added up some rows at a time and decomposed at once,
# which takes less memory than the moments of all rows and, at a few classes, as little time.
_FEW_CLASSES = 16
# Newton's method needs about ten steps; a temperature of 10⁶ needs 40.
_MAX_STEPS = 200
# Steps are cheap, so the tolerance is close to rounding error.
_SOLVER = Newton(tolerance=1e-10)


@final
@dataclass(frozen=True, eq=False)
class Scaling:
    """q′ = (1 − ε) softmax(scale ⊙ logits + shift) + ε π: temperature and vector scaling.

    Attributes:
        scale: at least 0; one number (1 / temperature), shape (1,), or one per class.
        shift: one per class; all 0 for temperature scaling, but see ``shrink_temperature``.
        background: ε π, shape (K,), see ``with_background``; None for ε = 0.
        converged: whether the search ended at a minimum.
        notes: warnings, a sentence each.
    """

    scale: Vector
    shift: Vector
    background: Vector | None = None
    converged: bool = True
    notes: tuple[str, ...] = ()

    @property
    def temperature(self) -> float:
        """1 / scale: the geometric mean over classes; ∞ for a scale of 0."""
        with np.errstate(divide="ignore"):
            return float(np.exp(-np.mean(np.log(self.scale))))

    def apply(self, logits: Floats) -> Floats:
        """Return the logarithms of the recalibrated probabilities.

        Args:
            logits: logits or log-probabilities, shape (n, K); −inf stays −inf.
        """
        log_q = log_softmax(self.scale * np.asarray(logits, np.float64) + self.shift)
        if self.background is None:
            return log_q
        with np.errstate(divide="ignore"):  # a class with share 0 is not mixed
            other = np.log(self.background)
        mixed: Floats = np.logaddexp(log_q + np.log1p(-self.background.sum()), other)
        return mixed

    def with_background(self, shares: Vector, weight: Vector) -> Scaling:
        """Mix in the class shares, for rows unlike all those that the scaling was fitted to.

        The logits of such a row are not informative, so its class has the probabilities π. As none
        of n rows was of this kind, the next is with probability ε = 1/(n + 2): Laplace's rule of
        succession. This costs ε nats a row and bounds the loss of a single row; with a scale fitted
        to rows without a grave error, the first such error could cost hundreds of nats.

        Args:
            shares: of the classes, π.
            weight: of the rows that the scaling was fitted to; n is Kish's number of them.
        """
        size = float(weight.sum()) ** 2 / float(weight @ weight)
        return replace(self, background=shares / (size + 2.0))


def fit_temperature(logits: Any, targets: Any, weight: Any = None) -> Scaling:
    """Fit the temperature T that minimises the cross-entropy of softmax(logits / T).

    The cross-entropy is convex in 1/T, so there is at most one minimum. There is none in two cases:
    every label has its row's largest logit (T → 0), or the logits carry no information on the
    labels, or point away from them (T → ∞). The temperature then minimises the cross-entropy +
    (log T)²/(2n), a log-normal prior with spread 1, and ``notes`` says so; otherwise the prior
    is not used.

    Args:
        logits: logits or log-probabilities, shape (n, K); −inf for probability 0.
        targets: classes as codes 0 … K − 1, shape (n,), or probabilities, shape (n, K).
        weight: weights of the rows, shape (n,); None for one each.

    Raises:
        DataError: shapes that do not match, NaN or +inf among the numbers, or no positive weight.
    """
    rows = CalibrationRows.of(logits, targets, weight)
    at_zero, at_infinity = _end_slopes(rows)
    notes, ridge = rows.notes, 0.0
    if not (at_zero < 0.0 < at_infinity):
        ridge = 1.0 / rows.size
        why = (
            "the logits carry no information on the labels that a temperature could scale"
            if at_zero >= 0.0
            else "every label already has the largest logit of its row, so that the loss only "
            "falls with the temperature"
        )
        notes = (*notes, f"{why}; a prior worth about one row keeps the temperature near 1")
    log_scale, converged = _search(rows, lambda part: _temperature(part, ridge), np.zeros(1))
    return Scaling(np.exp(log_scale), np.zeros(rows.logits.shape[1]), None, converged, notes)


def fit_vector(logits: Any, targets: Any, weight: Any = None, *, ridge: float = 1.0) -> Scaling:
    """Fit the scales and shifts that minimise the cross-entropy of softmax(a ⊙ logits + b).

    A minimum need not exist: a class without labels would be shifted to −∞, separated classes
    scaled to ∞. So ridge · (‖log a‖² + ‖b‖²)/(2n) is added while fitting, a prior around a = 1,
    b = 0 with spread 1/√ridge that a few rows outweigh. It also makes the shifts sum to zero: a
    shift of all classes changes nothing else. No reported cross-entropy includes it.

    Args:
        logits: logits or log-probabilities, shape (n, K); −inf for probability 0. Vector scaling of
            log-probabilities is not that of logits, as a row's constant is scaled class by class.
        targets: classes as codes 0 … K − 1, shape (n,), or probabilities, shape (n, K).
        weight: weights of the rows, shape (n,); None for one each.
        ridge: the prior's precision, above zero.

    Raises:
        DataError: shapes that do not match, NaN or +inf among the numbers, or no positive weight.
    """
    rows = CalibrationRows.of(logits, targets, weight)
    classes = rows.logits.shape[1]
    start, precision = np.zeros(2 * classes), ridge / rows.size
    if classes > _FEW_CLASSES:
        estimate, converged = search(rows, precision, start)
    else:
        estimate, converged = _search(rows, lambda part: _vector(part, precision), start)
    return Scaling(np.exp(estimate[:classes]), estimate[classes:], None, converged, rows.notes)


@final
@dataclass(frozen=True, eq=False)
class _Point:
    """The cross-entropy at a point, with its derivatives."""

    at: Vector
    value: float
    gradient: Vector
    hessian: Floats


def _search(
    rows: CalibrationRows,
    problem: Callable[[CalibrationRows], Callable[[Vector], _Point]],
    start: Vector,
) -> tuple[Vector, bool]:
    """Minimise, first on a part of the rows; the estimate, and whether it is a minimum."""
    step = len(rows.logits) // FIRST_ROWS
    whole = problem(rows)
    if step > 1:
        first = minimise(_SOLVER, problem(rows.thinned(step)), start, _MAX_STEPS)
        # a part of the rows may lack a minimum even if all rows have one
        if whole(first.estimate).value < whole(start).value:
            start = first.estimate
    solution = minimise(_SOLVER, whole, start, _MAX_STEPS)
    return solution.estimate, solution.outcome is Outcome.CONVERGED


def _end_slopes(rows: CalibrationRows) -> tuple[float, float]:
    """Derivative of the cross-entropy in 1/T at T = ∞ and at T = 0."""
    linear = float(np.vdot(rows.targets, rows.logits))
    possible = rows.logits.shape[1] if rows.impossible is None else (~rows.impossible).sum(axis=1)
    uniform = float(rows.weight @ (rows.logits.sum(axis=1) / possible))
    # the largest logit of each row is 0
    return uniform - linear, -linear


def _temperature(rows: CalibrationRows, ridge: float) -> Callable[[Vector], _Point]:
    """The cross-entropy in s = log(1/T)."""
    linear = float(np.vdot(rows.targets, rows.logits))

    def evaluate(at: Vector) -> _Point:
        scale = float(np.exp(at[0]))
        value = first = second = 0.0
        for block in rows.blocks():
            z, weight = rows.logits[block], rows.weight[block]
            p = np.exp(z * scale)
            if rows.impossible is not None:
                p[rows.impossible[block]] = 0.0
            total = p.sum(axis=1)
            p *= z
            mean = p.sum(axis=1) / total
            square = np.einsum("ij,ij->i", p, z) / total
            value += float(weight @ np.log(total))
            first += float(weight @ mean)
            second += float(weight @ (square - mean * mean))
        slope = first - linear
        return _Point(
            at,
            value - scale * linear + 0.5 * ridge * float(at[0]) ** 2,
            np.array([scale * slope + ridge * float(at[0])]),
            np.array([[scale * scale * second + scale * slope + ridge]]),
        )

    return evaluate


def _vector(rows: CalibrationRows, ridge: float) -> Callable[[Vector], _Point]:
    """The cross-entropy in (log a, b)."""
    classes = rows.logits.shape[1]
    logits = rows.logits + rows.largest[:, None]
    if rows.impossible is not None:
        logits[rows.impossible] = 0.0
    linear = np.concatenate([(rows.targets * logits).sum(axis=0), rows.targets.sum(axis=0)])
    own = np.arange(classes)

    def evaluate(at: Vector) -> _Point:
        scale, shift = np.exp(at[:classes]), at[classes:]
        value, first = 0.0, np.zeros(2 * classes)
        outer, diagonal = np.zeros((2 * classes, 2 * classes)), np.zeros(classes)
        for block in rows.blocks():
            z, weight = logits[block], rows.weight[block]
            u = z * scale + shift
            if rows.impossible is not None:
                u[rows.impossible[block]] = -np.inf
            largest = u.max(axis=1)
            u -= largest[:, None]
            p = np.exp(u, out=u)
            total = p.sum(axis=1)
            value += float(weight @ (largest + np.log(total)))
            moments = np.empty((len(p), 2 * classes))
            np.divide(p, total[:, None], out=moments[:, classes:])
            np.multiply(moments[:, classes:], z, out=moments[:, :classes])
            weighted = moments * weight[:, None]
            first += weighted.sum(axis=0)
            diagonal += np.einsum("ij,ij->j", weighted[:, :classes], z)
            outer += weighted.T @ moments
        # first in (a, b), then in (log a, b)
        hessian = -outer
        hessian[own, own] += diagonal
        hessian[own, own + classes] += first[:classes]
        hessian[own + classes, own] += first[:classes]
        hessian[own + classes, own + classes] += first[classes:]
        factor = np.concatenate([scale, np.ones(classes)])
        gradient = factor * (first - linear)
        hessian *= factor[:, None] * factor
        hessian[own, own] += gradient[:classes]
        every = np.arange(2 * classes)
        hessian[every, every] += ridge
        return _Point(
            at,
            value - float(linear @ np.concatenate([scale, shift])) + 0.5 * ridge * float(at @ at),
            gradient + ridge * at,
            hessian,
        )

    return evaluate
