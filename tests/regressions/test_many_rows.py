"""Regressions of so many rows that their solve starts on a part of them.

The expected values are formulas: at the maximum of the likelihood the scores add up to zero, and
the covariance is the inverse of the second derivatives.
"""

from functools import partial

import numpy as np
import pytest

import kullback as kl

# Every sixteenth row is the part to start on.
ROWS = 70_000
PART = np.arange(ROWS) % 16 == 0


def columns(seed):
    random = np.random.default_rng(seed)
    return random, random.standard_normal((3, ROWS))


def logistic(y, x, **more):
    return kl.Bernoulli(logit="~ a + b"), {"a": x[0], "b": x[1], "y": y, **more}


def drawn(random, x, intercept=-1.0):
    return (random.random(ROWS) < 1 / (1 + np.exp(-(intercept + x[0] - x[1] / 2)))).astype(float)


def sorted_outcomes():
    random, x = columns(1)
    y = drawn(random, x)
    order = np.argsort(y, kind="stable")
    return logistic(y[order], x[:, order])


def events_at_the_end():
    _, x = columns(2)
    y = np.zeros(ROWS)
    y[-30:] = 1.0
    x[0, -30:] += 1.0
    return logistic(y, x)


def no_event_in_the_part():
    random, x = columns(3)
    y = drawn(random, x, -4.0)
    return logistic(np.where(PART, 0.0, y), x)


def part_separated():
    _, x = columns(4)
    y = (x[0] > 0.1).astype(float)
    return logistic(np.where(np.arange(ROWS) % 160 == 3, 1.0 - y, y), x)


def part_without_weight():
    random, x = columns(5)
    return logistic(drawn(random, x), x, w=np.where(PART, 0.0, 1.5))


def heavy_columns():
    random, x = columns(6)
    x = np.clip(random.standard_t(2.0, (2, ROWS)), -200.0, 200.0)
    return logistic(drawn(random, x), x)


LOGISTIC = [
    sorted_outcomes,
    events_at_the_end,
    no_event_in_the_part,
    part_separated,
    part_without_weight,
    heavy_columns,
]


@pytest.mark.parametrize("case", LOGISTIC)
def test_logistic_regression_that_a_part_of_the_rows_misleads(case):
    model, data = case()
    fit = kl.fit(model, data, "y", weights="w" if "w" in data else None)
    x = np.array([np.ones(ROWS), data["a"], data["b"]])
    w = data.get("w", np.ones(ROWS))
    p = 1 / (1 + np.exp(-(np.array(list(fit.params["logit"].values())) @ x)))
    covariance = np.linalg.inv((x * w * p * (1 - p)) @ x.T)
    assert fit.convergence.converged
    # the remaining error in standard errors: rounding of a sum of 70,000 scores
    left = covariance @ (x @ (w * (data["y"] - p)))
    assert np.max(np.abs(left) / np.sqrt(np.diag(covariance))) < 1e-9
    # second derivatives at most 3e-9 standard deviations of a row from the estimate
    np.testing.assert_allclose(fit.covariance(), covariance, rtol=1e-7)


def test_levels_that_a_part_of_the_rows_lacks():
    random, x = columns(7)
    level = random.integers(0, 3, ROWS)
    level[[17, 1003, 50_001]] = 3  # none of them in the part
    y = random.poisson(np.exp(0.3 * x[0] + 0.2 * level)).astype(float)
    y[[17, 1003, 50_001]] = [2.0, 0.0, 5.0]
    data = {"a": x[0], "level": np.array(list("pqrs"))[level], "y": y}
    fit = kl.fit(kl.Poisson(rate="~ a + C(level)"), data, "y")
    design = np.array([np.ones(ROWS), x[0], *(level == k for k in (1, 2, 3))])
    rate = np.exp(np.array(list(fit.params["rate"].values())) @ design)
    covariance = np.linalg.inv((design * rate) @ design.T)
    assert fit.convergence.converged
    left = covariance @ (design @ (y - rate))
    assert np.max(np.abs(left) / np.sqrt(np.diag(covariance))) < 1e-9
    np.testing.assert_allclose(fit.covariance(), covariance, rtol=1e-7)


def classes(offset, *, in_order=False):
    """Six classes and 22 columns, the last class the rarer the lower its offset."""
    random = np.random.default_rng(8)
    x = random.standard_normal((22, ROWS))
    eta = random.standard_normal((6, 22)) / 5.0 @ x
    eta[5] += offset
    y = np.argmax(eta + random.gumbel(size=eta.shape), axis=0)
    order = np.argsort(y, kind="stable") if in_order else slice(None)
    names = [f"x{k}" for k in range(22)]
    return names, x[:, order], y[order]


@pytest.mark.parametrize(("offset", "in_order"), [(0.0, True), (-6.0, False)])
def test_multinomial_regression(offset, in_order):
    names, x, y = classes(offset, in_order=in_order)
    model = kl.Categorical(logits=f"~ {' + '.join(names)}")
    fit = kl.fit(model, {**dict(zip(names, x, strict=True)), "y": y}, "y")
    design = np.vstack([np.ones(ROWS), x])
    each = [list(own.values()) for own in fit.params["logits"].values()]
    eta = np.vstack([np.zeros(ROWS), np.array(each) @ design])
    p = np.exp(eta - eta.max(axis=0))
    p /= p.sum(axis=0)
    assert fit.convergence.converged
    scores = [design @ ((y == k) - p[k]) for k in range(1, 6)]
    left = fit.covariance() @ np.concatenate(scores)
    assert np.max(np.abs(left) / np.sqrt(np.diag(fit.covariance()))) < 1e-9
    weights = {(a, b): p[a] * ((a == b) - p[b]) for a in range(1, 6) for b in range(1, 6)}
    hessian = np.block(
        [[(design * weights[a, b]) @ design.T for b in range(1, 6)] for a in range(1, 6)]
    )
    errors = np.sqrt(np.diag(fit.covariance()))
    # in units of the errors, times the condition of six classes, some 1e3
    expected = np.linalg.inv(hessian) / errors / errors[:, None]
    np.testing.assert_allclose(fit.covariance() / errors / errors[:, None], expected, 0, 1e-7)


def test_the_same_bits_from_memory_and_streams_whatever_the_threads():
    names, x, y = classes(0.0)
    data = {**dict(zip(names, x, strict=True)), "y": y}
    model = kl.Categorical(logits=f"~ {' + '.join(names)}")
    engines = (kl.StreamingEngine, partial(kl.LocalEngine, threads=2))
    fits = [kl.fit(model, data, "y", engine=engine) for engine in engines]
    assert fits[0].params == fits[1].params
    np.testing.assert_array_equal(fits[0].covariance(), fits[1].covariance())


def test_few_passes_with_second_derivatives():
    random, x = columns(9)
    y = random.gamma(2.0, np.exp(0.5 + 0.3 * x[0]) / 2.0)
    fit = kl.fit(kl.Gamma(mean="~ a + b"), {"a": x[0], "b": x[1], "y": y}, "y")
    # the first, two with second derivatives, and some without
    assert fit.convergence.passes <= 6
