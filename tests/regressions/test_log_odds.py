"""Derivatives in the log odds of classes, in closed form, against mpmath and against a loop."""

import mpmath as mp
import numpy as np
import pytest

import kullback as kl
from kullback.models.design_matrix import DesignMatrix
from kullback.objective.class_terms import class_hessian, class_scores, class_terms

RANDOM = np.random.default_rng(11)


def log_loss(y, etas):
    return mp.log(1 + sum(mp.exp(eta) for eta in etas)) - (etas[y - 1] if y else 0)


@pytest.mark.parametrize(
    ("y", "etas"),
    [
        (0, (0.3, -1.2)),
        (1, (0.3, -1.2)),
        (2, (700.0, -3.0)),
        (2, (-800.0, 2.5)),
        (0, (-40.0, 40.0)),
    ],
)
def test_the_terms_of_a_row_are_the_derivatives_of_its_loss(y, etas):
    terms = class_terms(np.array([float(y)]), [np.array([eta]) for eta in etas])
    with mp.workdps(50):
        at = [mp.mpf(eta) for eta in etas]
        loss = log_loss(y, at)
        p = [mp.exp(eta - log_loss(0, at)) for eta in at]
        slopes = [p[a] - (y == a + 1) for a in range(2)]
        second = [p[a] * (a == b) - p[a] * p[b] for a in range(2) for b in range(a + 1)]
    # slopes are differences of probabilities, whose roundings are those of numbers near 1
    rounding = 4e-16 * (1.0 + max(map(abs, etas)))
    assert terms.loss[0] == pytest.approx(float(loss), rel=1e-14, abs=rounding)
    np.testing.assert_allclose(terms.scores[:, 0], [float(s) for s in slopes], 0.0, rounding)
    np.testing.assert_allclose(terms.second[:, 0], [float(s) for s in second], 0.0, rounding)
    assert terms.shares is not None
    np.testing.assert_allclose(terms.shares[1:, 0], [float(v) for v in p], 0.0, rounding)


@pytest.mark.parametrize("rows", [1, 63, 1_000])
@pytest.mark.parametrize("classes", [2, 3, 7])
def test_second_derivatives_in_coefficients_are_sums_over_rows(rows, classes):
    dense, weight = RANDOM.standard_normal((40, rows)), RANDOM.random(rows)
    y = RANDOM.integers(0, classes, rows).astype(float)
    etas = RANDOM.standard_normal((classes - 1, rows))
    terms = class_terms(y, list(etas))
    assert terms.shares is not None
    np.testing.assert_array_equal(class_scores(y, list(etas)), terms.scores)
    p = np.exp(etas) / (1.0 + np.exp(etas).sum(axis=0))
    expected = np.zeros((classes - 1, 40, classes - 1, 40))
    for a in range(classes - 1):
        for b in range(classes - 1):
            h = weight * (p[a] * (a == b) - p[a] * p[b])
            expected[a, :, b] = np.einsum("in,n,jn->ij", dense, h, dense)
    found = class_hessian(dense, terms.shares, weight)
    np.testing.assert_array_equal(found, found.T)
    size = 40 * (classes - 1)
    np.testing.assert_allclose(found, expected.reshape(size, size), 0.0, 1e-14 * rows)


def test_products_with_several_vectors_are_those_with_each():
    matrix = DesignMatrix(RANDOM.standard_normal((5, 300)), order=np.array([2, 0, 1, -1, 3]))
    beta, v = RANDOM.standard_normal((3, 4)), RANDOM.standard_normal((3, 300))
    for rows in (slice(0, 1), slice(0, 3)):
        np.testing.assert_allclose(matrix.dot(beta[rows]), [matrix.dot(b) for b in beta[rows]])
        found = matrix.transpose_dot(v[rows])
        np.testing.assert_allclose(
            found, [matrix.transpose_dot(own) for own in v[rows]], rtol=1e-12
        )


def test_a_fit_by_closed_forms_is_a_fit_of_shares():
    x = RANDOM.standard_normal((3, 5_000))
    y = np.argmax(np.vstack([x, x[:1] - x[1:2]]) + RANDOM.gumbel(size=(4, 5_000)), axis=0)
    table = {"a": x[0], "b": x[1], "c": x[2]}
    fit = kl.fit(kl.Categorical(logits="~ a + b + c"), {**table, "y": y}, "y")
    # shares of 1 and 0 are the outcomes themselves, and are differentiated by JAX
    shares = (y[:, None] == np.arange(4)).astype(float)
    named = {f"p{k}": shares[:, k] for k in range(4)}
    soft = kl.fit(
        kl.Categorical(logits="~ a + b + c"), {**table, **named}, [f"p{k}" for k in range(4)]
    )
    assert fit.convergence.converged
    assert fit.log_likelihood == pytest.approx(soft.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(fit.covariance(), soft.covariance(), rtol=1e-9)
