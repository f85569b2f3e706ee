"""``kl.Function`` as the user meets it: columns, errors, results, new rows, files."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.stats

import kullback as kl

DATA = {"t": [1.0, 2, 3, 5, 7, 10], "y": [109.0, 149, 149, 191, 213, 224]}


def curve(t, a, b):
    return a * (1 - jnp.exp(-b * t))


def fitted(**options) -> kl.Fit:
    source = kl.Function(curve, start={"a": 1.0, "b": 1.0})
    return kl.fit(kl.Normal(loc=source), DATA, "y", **options)


def test_results_are_by_coefficient() -> None:
    fit = fitted()
    assert fit.names == ("loc[a]", "loc[b]", "scale")
    assert set(fit.params["loc"]) == set(fit.stderr["loc"]) == {"a", "b"}
    # NIST's certified estimate of BoxBOD
    assert fit.params["loc"]["a"] == pytest.approx(213.80940889, rel=1e-10)
    error, interval = fit.stderr["loc"]["a"], fit.interval()["loc"]["a"]
    z = scipy.stats.norm.ppf(0.975)
    np.testing.assert_allclose(interval, fit.params["loc"]["a"] + z * error * np.array([-1, 1]))
    assert "a     213.809" in str(fit.summary())
    assert fit.test("loc[b] = 1").p_value < 0.01
    assert "Function(curve" in repr(fit.model)


def test_profile_interval() -> None:
    (low, high) = fitted().interval(method="profile", parameters=["loc[b]"])["loc[b]"]
    t, y = np.array(DATA["t"]), np.array(DATA["y"])

    def deviance(b: float) -> float:  # a and the scale are formulas, given b
        g = 1 - np.exp(-b * t)
        return 6 * np.log(np.sum((y - g * (g @ y) / (g @ g)) ** 2))

    least = scipy.optimize.minimize_scalar(deviance, (0.4, 0.5, 0.7), tol=1e-12).fun
    limit = scipy.stats.chi2.ppf(0.95, 1)
    ends = [
        scipy.optimize.brentq(lambda b: deviance(b) - least - limit, *bracket, xtol=1e-12)
        for bracket in ((0.1, 0.5), (0.6, 3.0))
    ]
    # brentq's ends have the digits of `least`, seven after the root
    np.testing.assert_allclose([low, high], ends, rtol=1e-7)


def test_new_rows() -> None:
    fit = fitted()
    a, b = fit.params["loc"].values()
    new = {"t": [0.0, 4.0]}
    expected = a * (1 - np.exp(-b * np.array(new["t"])))
    parameters = fit.predict_params(new)
    np.testing.assert_allclose(parameters["loc"], expected, rtol=1e-14)
    np.testing.assert_array_equal(parameters["scale"], np.full(2, fit.params["scale"]))
    np.testing.assert_allclose(fit.predict(new), expected, rtol=1e-14)
    same = kl.fit(kl.Exponential(), [1.0, 2.0]).predict(new)
    np.testing.assert_allclose(same, [1.5, 1.5], rtol=1e-14)


def test_a_weight_is_so_many_rows() -> None:
    w = np.array([1, 2, 1, 3, 1, 2])
    rows = {name: np.repeat(values, w) for name, values in DATA.items()}
    source = kl.Function(curve, start={"a": 1.0, "b": 1.0})
    weighted = kl.fit(kl.Normal(loc=source), {**DATA, "w": w}, "y", weights="w")
    copied = kl.fit(kl.Normal(loc=source), rows, "y")
    # sums in another order, at a minimum: half of the digits squared
    assert weighted.log_likelihood == pytest.approx(copied.log_likelihood, rel=1e-13)
    np.testing.assert_allclose(weighted.stderr["loc"]["b"], copied.stderr["loc"]["b"], rtol=1e-9)


def test_columns_by_name_and_arrays_of_coefficients() -> None:
    data = {"temperature (C)": DATA["t"], "y": DATA["y"]}
    powers = kl.Function(
        lambda x, b: sum(b[k] * x**k for k in range(3)),
        start={"b": np.zeros(3)},
        columns={"x": "temperature (C)"},
    )
    fit = kl.fit(kl.Normal(loc=powers), data, "y")
    expected = np.polynomial.polynomial.polyfit(DATA["t"], DATA["y"], 2)
    np.testing.assert_allclose(fit.params["loc"]["b"], expected, rtol=1e-12)
    assert fit.names[:2] == ("loc[b[0]]", "loc[b[1]]")
    compiled = kl.Function(
        lambda x, b: jnp.vander(x, 3, increasing=True) @ b,
        start={"b": np.zeros(3)},
        columns=["temperature (C)"],
    )
    fit = kl.fit(kl.Normal(loc=compiled), data, "y")
    np.testing.assert_allclose(fit.params["loc"]["b"], expected, rtol=1e-11)


def test_an_argument_with_a_default_keeps_it() -> None:
    source = kl.Function(lambda t, a, b=0.5: a * (1 - jnp.exp(-b * t)), start={"a": 1.0})
    assert source.columns == ("t",)
    fit = kl.fit(kl.Normal(loc=source), DATA, "y")
    g, y = 1 - np.exp(-0.5 * np.array(DATA["t"])), np.array(DATA["y"])
    assert fit.params["loc"]["a"] == pytest.approx(g @ y / (g @ g), rel=1e-14)


@pytest.mark.parametrize(
    ("f", "start", "text"),
    [
        (
            lambda t, a: np.exp(a * t),
            {"a": 1},
            r"f\(t=array of shape \(rows,\), a=a num.*jnp.exp",
        ),
        (
            lambda t, a: t[:, None] * jnp.ones(3) * a,
            {"a": 1},
            r"returns array of shape \(rows, 3",
        ),
        (lambda t, a: a if a > 0 else t, {"a": 1}, "jnp.where"),
        (lambda t, a: a * jnp.sum(t, axis=1), {"a": 1}, "failed: ValueError: axis 1"),
        (lambda t, a: a * t, {"aa": 1}, 'did you mean "a"'),
        (lambda a: a, {"a": 1}, "reads no column"),
        (lambda t, a: a * t, {"a": np.inf}, "finite"),
        (lambda t, a: a * t, {}, "starting values by name"),
        ("curve", {"a": 1}, "needs a function first"),
    ],
)
def test_what_cannot_be_a_function(f, start, text: str) -> None:
    with pytest.raises(kl.ModelError, match=text):
        kl.Normal(loc=kl.Function(f, start=start))


def test_columns_that_do_not_suit() -> None:
    with pytest.raises(kl.ModelError, match="must name a column for each"):
        kl.Function(lambda t, u, a: a * t * u, start={"a": 1}, columns=["t"])
    with pytest.raises(kl.ModelError, match="columns has 'a'"):
        kl.Function(lambda t, a: a * t, start={"a": 1}, columns={"a": "t"})
    with pytest.raises(kl.DataError, match='no column "x"'):
        kl.fit(kl.Normal(loc=kl.Function(lambda x, a: a * x, start={"a": 1})), DATA, "y")


def test_a_value_outside_the_domain_names_rows() -> None:
    source = kl.Function(lambda t, a: a * (t - 2.5), start={"a": 1.0})
    with pytest.raises(kl.DataError, match=r"2 rows.*row 0 \(109.0\).*domain, scale > 0"):
        kl.fit(kl.Normal(scale=source), DATA, "y")


def test_coefficients_that_the_rows_do_not_determine_are_named() -> None:
    product = kl.Function(lambda t, a, b, c: a * b * t + c, start={"a": 1.0, "b": 2.0, "c": 0.0})
    fit = kl.fit(kl.Normal(loc=product), DATA, "y")
    assert not fit.convergence.converged
    assert fit.convergence.reason == "the rows do not determine loc[a], loc[b]"
    line = np.polynomial.polynomial.polyfit(DATA["t"], DATA["y"], 1)
    found = fit.params["loc"]  # the line itself is determined
    np.testing.assert_allclose([found["c"], found["a"] * found["b"]], line, rtol=1e-6)


def test_files_hold_no_code(tmp_path) -> None:
    fit, path = fitted(), tmp_path / "fit.json"
    with pytest.raises(kl.ModelError, match=r"functions=\[.loc.\]\) saves everything else"):
        fit.save(path)
    assert not path.exists()
    with pytest.raises(kl.ModelError, match="scale is not a function of yours"):
        fit.save(path, functions=["loc", "scale"])
    fit.save(path, functions=["loc"])
    assert "exp" not in path.read_text()
    loaded = kl.load(path, functions={"loc": curve})
    assert loaded == fit
    assert loaded.stderr == fit.stderr
    np.testing.assert_array_equal(loaded.covariance("sandwich"), fit.covariance("sandwich"))
    np.testing.assert_array_equal(loaded.predict({"t": [4.0]}), fit.predict({"t": [4.0]}))
    with pytest.raises(kl.FileFormatError, match=r"kl.load\(path, functions=\{'loc': f\}\)"):
        kl.load(path)
    with pytest.raises(kl.FileFormatError, match="other values than the one that was fitted"):
        kl.load(path, functions={"loc": lambda t, a, b: a * b * t})
    with pytest.raises(kl.FileFormatError, match=r"scale is not a kl\.Function"):
        kl.load(path, functions={"loc": curve, "scale": curve})
