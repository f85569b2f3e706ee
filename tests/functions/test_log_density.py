"""``kl.LogDensity`` against families of the library and answers from outside."""

from __future__ import annotations

import json
from pathlib import Path

import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from jax.scipy.special import gammaln

import kullback as kl
from kullback.results.json_document import Node
from kullback.results.model_document import model_from_json, model_to_json

CASES = Path(__file__).parents[1] / "reference" / "density"
SCALE = kl.Param(lower=0.0)


def normal(y, mu, s):
    return -0.5 * ((y - mu) / s) ** 2 - jnp.log(s) - 0.5 * jnp.log(2 * jnp.pi)


def poisson(y, rate):
    return y * jnp.log(rate) - rate - gammaln(y + 1)


def linkage() -> dict:
    case = json.loads((CASES / "linkage_multinomial.json").read_text())
    case["counts"] = np.genfromtxt(CASES / "linkage.csv", skip_header=1)
    return case


def cells(theta):
    return jnp.stack([2 + theta, 1 - theta, 1 - theta, theta]) / 4


def test_linkage_by_cells() -> None:
    case = linkage()
    model = kl.LogDensity(
        lambda cell, theta: jnp.log(cells(theta))[cell.astype(int)],
        {"theta": kl.Param(lower=0.0, upper=1.0)},
        columns=["cell"],
        support=range(4),
    )
    fit = kl.fit(model, {"cell": range(4), "n": case["counts"]}, "cell", weights="n")
    assert fit.convergence.converged
    refined = case["refined"]
    assert fit.params["theta"] == pytest.approx(refined["estimate"]["theta"], rel=1e-13)
    assert fit.stderr["theta"] == pytest.approx(refined["se"]["theta"], rel=1e-11)
    assert fit.model.total_probability() == pytest.approx(1.0, rel=1e-15)


def test_linkage_by_several_columns() -> None:
    case = linkage()

    def multinomial(a, b, c, d, theta):
        n = jnp.stack([a, b, c, d])
        return gammaln(n.sum(0) + 1) - gammaln(n + 1).sum(0) + jnp.log(cells(theta)) @ n

    model = kl.LogDensity(
        multinomial,
        {"theta": kl.Param(lower=0.0, upper=1.0)},
        columns=("a", "b", "c", "d"),
        support="counts",
    )
    row = dict(zip("abcd", case["counts"][:, None], strict=True))
    fit = kl.fit(model, row, "a")
    refined = case["refined"]
    assert fit.params == {"theta": pytest.approx(refined["estimate"]["theta"], rel=1e-13)}
    assert fit.stderr["theta"] == pytest.approx(refined["se"]["theta"], rel=1e-11)
    # the logarithms of factorials of 197 are 860, with the rounding of that
    assert fit.log_likelihood == pytest.approx(refined["loglik"], rel=1e-12)


def test_weights_streams_and_memory(tmp_path) -> None:
    x = scipy.stats.norm(3, 2).rvs(500, random_state=1)
    w = np.arange(500) % 3
    model = kl.LogDensity(normal, {"mu": None, "s": SCALE})
    own = kl.fit(model, {"x": x, "w": w}, "x", weights="w")
    same = kl.fit(kl.Normal(), {"x": x, "w": w}, "x", weights="w")
    np.testing.assert_allclose(list(own.params.values()), list(same.params.values()), rtol=1e-12)
    np.testing.assert_allclose(list(own.stderr.values()), list(same.stderr.values()), rtol=1e-9)
    assert own.log_likelihood == pytest.approx(same.log_likelihood, rel=1e-13)
    file = tmp_path / "rows.csv"
    rows = "\n".join(f"{a!r},{b}" for a, b in zip(x.tolist(), w.tolist(), strict=True))
    file.write_text(f"x,w\n{rows}\n")
    streamed = kl.fit(model, file, "x", weights="w", engine=kl.StreamingEngine)
    assert streamed.params == own.params  # the same bits


def test_covariates_and_functions_as_parameters() -> None:
    draws = np.random.default_rng(2)
    x = draws.uniform(0, 2, 300)
    y = draws.poisson(np.exp(0.3 + 0.8 * x)).astype(float)
    data = {"x": x, "y": y}
    of_columns = kl.fit(
        kl.LogDensity(
            lambda y, x, a, b: poisson(y, jnp.exp(a + b * x)),
            {"a": None, "b": None},
            columns=("y", "x"),
            support="counts",
        ),
        data,
        "y",
    )
    rate = kl.Function(lambda x, a, b: jnp.exp(a + b * x), start={"a": 0.0, "b": 0.0})
    of_function = kl.fit(kl.LogDensity(poisson, {"rate": rate}, support="counts"), data, "y")
    found = scipy.optimize.minimize(
        lambda b: -scipy.stats.poisson.logpmf(y, np.exp(b[0] + b[1] * x)).sum(),
        (0.0, 0.0),
        method="BFGS",
        options={"gtol": 1e-8},
    )
    # BFGS stops at a gradient of 1e-4 of 300 rows
    np.testing.assert_allclose(list(of_columns.params.values()), found.x, rtol=1e-5)
    assert of_columns.log_likelihood == pytest.approx(-found.fun, rel=1e-11)
    np.testing.assert_allclose(
        list(of_function.params["rate"].values()), list(of_columns.params.values()), rtol=1e-9
    )
    np.testing.assert_allclose(
        list(of_function.stderr["rate"].values()), list(of_columns.stderr.values()), rtol=1e-7
    )


def test_censored_rows() -> None:
    x = scipy.stats.norm(3, 2).rvs(60, random_state=1)
    rows = {"x": np.minimum(x, 4.0), "seen": x < 4.0}
    model = kl.LogDensity(normal, {"mu": kl.Param(start=3.0), "s": SCALE}, cdf=True)
    own = kl.fit(model, rows, "x", event="seen")
    same = kl.fit(kl.Normal(), rows, "x", event="seen")
    np.testing.assert_allclose(list(own.params.values()), list(same.params.values()), rtol=1e-9)
    np.testing.assert_allclose(list(own.stderr.values()), list(same.stderr.values()), rtol=1e-8)
    assert own.log_likelihood == pytest.approx(same.log_likelihood, rel=1e-12)
    without = kl.LogDensity(normal, {"mu": None, "s": SCALE})
    with pytest.raises(kl.ModelError, match="cdf=True"):
        kl.fit(without, rows, "x", event="seen")


def test_distribution_functions_by_quadrature() -> None:
    z = np.array([-30.0, -6.0, 0.0, 1.0, 9.0])
    for scale in (1e-3, 1.0, 1e3):
        model = kl.LogDensity(normal, {"mu": 0.0, "s": scale}, cdf=True)
        with mp.workdps(40):
            expected = [float(mp.log(mp.ncdf(v))) for v in z.tolist()]
        # the narrow and the wide ones lie where nodes are farther apart
        digits = 1e-11 if scale == 1.0 else 1e-8
        np.testing.assert_allclose(model.log_cdf(scale * z), expected, rtol=digits)
        assert model.quantile(0.9) == pytest.approx(scale * scipy.stats.norm.ppf(0.9), rel=digits)
        assert model.total_probability() == pytest.approx(1.0, rel=digits)
    counts = kl.LogDensity(poisson, {"rate": 3.5}, support="counts", cdf=True)
    k = np.array([0.0, 2.0, 2.5, 30.0])
    np.testing.assert_allclose(counts.cdf(k), scipy.stats.poisson.cdf(k, 3.5), rtol=1e-12)
    np.testing.assert_allclose(counts.survival(k), scipy.stats.poisson.sf(k, 3.5), rtol=1e-11)
    unit = kl.LogDensity(
        lambda y, a: jnp.log(a) + (a - 1) * jnp.log(y), {"a": 0.5}, support="unit", cdf=True
    )
    u = np.array([1e-6, 0.3, 0.999])
    np.testing.assert_allclose(unit.cdf(u), np.sqrt(u), rtol=1e-11)


def test_a_missing_constant_is_found() -> None:
    model = kl.LogDensity(lambda y, s: -0.5 * (y / s) ** 2, {"s": 2.0})
    assert model.total_probability() == pytest.approx(2.0 * np.sqrt(2.0 * np.pi), rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((lambda y, a: np.log(y) * a, {"a": None}), r"f\(y=array of shape \(rows,\), a=a num.*jnp"),
        ((lambda y, a: jnp.sum(y) * a, {"a": None}), "returns a number; it must return one"),
        ((lambda y, b: y * b, {"a": None}), "failed: TypeError"),
        ((normal, {"mu": None, "s": None}, ("y", "mu")), "both a column and a parameter"),
        ((normal, {"mu": None, "s": None}, ()), "must name the outcome"),
        ((normal, {"mu": None, "s": None}, ("y",), "whole"), "support='whole' must be"),
        (("normal", {"mu": None}), "needs a function first"),
    ],
)
def test_what_cannot_be_a_density(arguments, text: str) -> None:
    with pytest.raises(kl.ModelError, match=text):
        kl.LogDensity(*arguments)


def test_outcomes_outside_the_support_are_refused() -> None:
    model = kl.LogDensity(poisson, {"rate": SCALE}, support="counts")
    with pytest.raises(kl.DataError, match="row 1"):
        kl.fit(model, [1.0, 2.5, 3.0])


def test_it_is_saved_without_its_function(tmp_path) -> None:
    fit = kl.fit(kl.LogDensity(poisson, {"rate": SCALE}, support="counts"), [1.0, 2.0, 3.0])
    assert fit.params["rate"] == pytest.approx(2.0, rel=1e-14)
    assert fit.decomposition().lines  # the entropy of counts is exact
    path = tmp_path / "fit.json"
    with pytest.raises(kl.ModelError, match=r"functions=\['log_density'\]\) saves everything else"):
        fit.save(path)
    fit.save(path, functions=["log_density"])
    again = kl.load(path, functions={"log_density": poisson})
    assert again == fit
    assert again.stderr == fit.stderr
    assert again.model.density(2) == fit.model.density(2)
    with pytest.raises(kl.FileFormatError, match=r"functions=\{'log_density': f\}"):
        kl.load(path)
    with pytest.raises(kl.FileFormatError, match="other values than the one that was fitted"):
        kl.load(path, functions={"log_density": lambda y, rate: poisson(y, rate) + 0.1})


@pytest.mark.parametrize("support", [None, "unit", (0.0, None), range(4)])
def test_it_is_saved_with_columns_functions_and_in_models_made_of_models(tmp_path, support) -> None:
    def f(y, x, loc, scale):
        return -0.5 * ((y - loc - x) / scale) ** 2 - jnp.log(scale)

    def line(t, a):
        return a * t

    source = kl.Function(line, start={"a": 0.5})
    own = kl.LogDensity(f, {"loc": source, "scale": SCALE}, ("y", "x"), support)
    y = np.array([0.1, 0.3, 0.8, 0.4]) if support == "unit" else np.array([0.0, 1.0, 3.0, 2.0])
    data = {"y": y, "x": [0.1, 0.4, 0.2, 0.3], "t": [1.0, 2.0, 3.0, 4.0]}
    fit = kl.fit(own, data, "y")
    path = tmp_path / "fit.json"
    fit.save(path, functions=["loc", "log_density"])
    again = kl.load(path, functions={"loc": line, "log_density": f})
    assert again == fit
    assert again.model.support == own.support
    mixture = kl.Mixture([own, own], weights=[0.5, 0.5])
    names = [f"components[{k}].{name}" for k in range(2) for name in ("loc", "log_density")]
    functions = {name: line if name.endswith("loc") else f for name in names}
    document = model_to_json(mixture, None)
    assert model_from_json(Node(document, "model"), None, functions) == mixture


@pytest.mark.parametrize(
    ("loc", "scale"), [(900.0, 100.0), (900.0, 1.0), (0.0, 1.0), (-5e4, 1.0), (3.0, 1e-3)]
)
def test_tails_far_from_the_mode_and_the_integral_of_a_shifted_density(loc, scale):
    def hyperbolic_secant(y, loc, scale):
        z = 0.5 * jnp.pi * (y - loc) / scale
        return -jnp.logaddexp(z, -z) - jnp.log(scale)

    model = kl.LogDensity(hyperbolic_secant, {"loc": loc, "scale": scale}, cdf=True)
    known = scipy.stats.hypsecant(loc=loc, scale=2.0 * scale / np.pi)
    # nodes at distances of all sizes: 1e-9 for a density a thousand times as narrow as 1
    x = loc + scale * np.array([-200.0, -20.0, -1.0, 0.0, 0.5, 20.0, 200.0])
    np.testing.assert_allclose(model.log_cdf(x), known.logcdf(x), rtol=2e-9, atol=1e-15)
    np.testing.assert_allclose(model.log_survival(x), known.logsf(x), rtol=2e-9, atol=1e-15)
    far = loc + scale * np.array([-1e300, -1e12, -1e5, 1e5, 1e12, 1e300])
    np.testing.assert_array_equal(np.exp(model.log_cdf(far)), [0, 0, 0, 1, 1, 1])
    np.testing.assert_array_equal(np.exp(model.log_survival(far)), [1, 1, 1, 0, 0, 0])
    u = np.array([0.01, 0.5, 0.99])
    np.testing.assert_allclose(
        (model.quantile(u) - loc) / scale, (known.ppf(u) - loc) / scale, atol=1e-7
    )
    assert model.total_probability() == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    "f",
    [
        lambda y, mu, s: normal(y, mu, s),
        lambda x, mu, s: normal(x, mu, s),
        lambda mu, s, waiting: normal(waiting, mu, s),  # the first that is no parameter
        lambda mu, s, *, z: normal(z, mu, s),
    ],
)
def test_the_outcome_may_have_any_name(f) -> None:
    y = np.array([1.0, 2.0, 4.0, 3.0])
    fit = kl.fit(kl.LogDensity(f, {"mu": None, "s": SCALE}), y)
    assert fit.params == pytest.approx({"mu": y.mean(), "s": y.std()})


def test_a_function_without_an_outcome_is_refused_with_the_call() -> None:
    with pytest.raises(kl.ModelError, match=r"the call f\(y=array of shape \(rows,\), mu="):
        kl.LogDensity(lambda mu: -(mu**2), {"mu": None})
