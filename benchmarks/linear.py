"""A pass over a model with a linear source of many coefficients."""

from __future__ import annotations

import numpy as np
from measure import Measured, alternate

import kullback as kl
from kullback._core.compilation import COMPILED
from kullback.data.sample import ArraySample
from kullback.models.linear import Linear
from kullback.objective.statistics import LossDerivatives

COLUMNS = 119


def gamma_pass(rows: int, repeats: int) -> Measured:
    """Loss, scores and Hessian of a gamma with a log-linear rate, beside X'WX by BLAS.

    The product of the designs is all that NumPy is given to do: the derivatives of each row, which
    Kullback computes as well, are known to it.
    """
    rng = np.random.default_rng(1)
    x = rng.standard_normal((COLUMNS, rows))
    y = rng.gamma(2.0, np.exp(1.0 + 0.1 * x[0]) / 2.0)
    names = [f"x{k}" for k in range(COLUMNS)]
    model = kl.Gamma(rate=Linear(tuple(names)))
    engine = kl.LocalEngine(ArraySample({"y": y, **dict(zip(names, x, strict=True))}))
    derivatives = LossDerivatives(model, model.vector.is_free, products=False)
    at = np.concatenate([[1.5], np.zeros(COLUMNS + 1)])
    design = np.concatenate([np.ones((1, rows)), x])
    weight = rng.gamma(2.0, size=rows)
    compiled = COMPILED.seconds
    peer, own = alternate(
        [lambda: (design * weight) @ design.T, lambda: engine.reduce(derivatives, at)], repeats
    )
    return Measured(
        peer.seconds, own.seconds, peer.first, own.first, COMPILED.seconds - compiled, passes=1
    )
