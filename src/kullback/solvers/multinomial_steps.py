"""Newton steps of a multinomial regression of shares, as the weights of a mixture have."""

from __future__ import annotations

import numpy as np

from kullback._core.arrays import Vector


def towards_shares(x: Vector, own: Vector, before: Vector | None, steps: int) -> Vector:
    """Return coefficients of the log ratios to the first class, after some steps.

    Args:
        x: the design, shape (columns, rows).
        own: the weight of each row in each class, shape (classes, rows).
        before: the coefficients to start from; None for zeros.
        steps: how many.
    """
    count, weight = len(own), np.sum(own, axis=0)
    beta = np.zeros((count - 1, len(x))) if before is None else before.reshape(count - 1, -1)
    for _ in range(steps):
        logits = np.vstack([np.zeros(x.shape[1]), beta @ x])
        p = np.exp(logits - np.max(logits, axis=0))
        p = (p / np.sum(p, axis=0))[1:]
        gradient = ((own[1:] - p * weight) @ x.T).ravel()
        blocks = [
            [(x * (weight * p[i] * ((i == j) - p[j]))) @ x.T for j in range(count - 1)]
            for i in range(count - 1)
        ]
        hessian = np.block(blocks)
        # shorter steps, so that separated classes do not run away here, and a column of zeros has
        # one: these are starting values, the search from them is of the likelihood itself
        hessian += 1e-3 * np.diag(np.diag(hessian)) + 1e-12 * np.eye(len(hessian))
        beta = beta + np.linalg.solve(hessian, gradient).reshape(beta.shape)
    return np.asarray(beta.ravel())
