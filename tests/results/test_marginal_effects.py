"""Average marginal effects against published numbers and closed formulas.

The logit and probit effects of the Spector data are in the documentation of statsmodels' discrete
models, and their errors among its tests, computed by Stata's margins.
"""

import numpy as np
import pandas as pd
import pytest
import scipy.special
import scipy.stats

import kullback as kl

# L. Spector and M. Mazzeo (1980), as printed in W. Greene, Econometric Analysis: GPA, TUCE, PSI
# and whether the grade improved.
SPECTOR = np.fromstring(
    """2.66 20 0 0 2.89 22 0 0 3.28 24 0 0 2.92 12 0 0 4.00 21 0 1 2.86 17 0 0 2.76 17 0 0
    2.87 21 0 0 3.03 25 0 0 3.92 29 0 1 2.63 20 0 0 3.32 23 0 0 3.57 23 0 0 3.26 25 0 1
    3.53 26 0 0 2.74 19 0 0 2.75 25 0 0 2.83 19 0 0 3.12 23 1 0 3.16 25 1 1 2.06 22 1 0
    3.62 28 1 1 2.89 14 1 0 3.51 26 1 0 3.54 24 1 1 2.83 27 1 1 3.39 17 1 1 2.67 24 1 0
    3.65 21 1 1 4.00 23 1 1 3.10 21 1 0 2.39 19 1 1""",
    sep=" ",
).reshape(-1, 4)
GRADES = dict(zip(("gpa", "tuce", "psi", "grade"), SPECTOR.T, strict=True))


def columns(effects, *names):
    return np.array([[getattr(e, name) for name in names] for e in effects])


def test_the_spector_data_by_logit_and_probit():
    logit = kl.fit(kl.Bernoulli(probability="~ gpa + tuce + psi"), GRADES, "grade")
    found = columns(logit.marginal_effects(), "estimate", "stderr")
    # the published numbers have 7 and 6 digits
    np.testing.assert_allclose(found[:, 0], [0.36258083, 0.01220841, 0.3051777], rtol=2e-7)
    np.testing.assert_allclose(found[:, 1], [0.1094412, 0.0177942, 0.0923796], rtol=1e-5)
    # with psi as a category, its effect is the mean change of the probability
    data = {**GRADES, "psi": GRADES["psi"] > 0.0}
    fit = kl.fit(kl.Bernoulli(probability="~ gpa + tuce + psi"), data, "grade")
    effect = fit.marginal_effects("psi").effects[0]
    assert (effect.variable, effect.contrast) == ("psi", "True - False")
    np.testing.assert_allclose([effect.estimate, effect.stderr], [0.35751515, 0.1420034], rtol=2e-6)
    probit = kl.Formula("~ gpa + tuce + psi", link="probit")
    fit = kl.fit(kl.Bernoulli(probability=probit), GRADES, "grade")
    found = columns(fit.marginal_effects(), "estimate")[:, 0]
    np.testing.assert_allclose(found, [0.36078629, 0.01147926, 0.31651986], rtol=2e-7)


RANDOM = np.random.default_rng(2)
N = 500
X = RANDOM.normal(size=N)
Z = RANDOM.gamma(2.0, size=N)
GROUP = np.array(["a", "b", "c"])[RANDOM.integers(0, 3, N)]
W = RANDOM.integers(1, 4, N).astype(float)
ETA = 0.2 + 0.4 * X + 0.3 * np.log(Z) + 0.5 * (GROUP == "b")
DATA = {
    "x": X,
    "z": Z,
    "group": GROUP,
    "w": W,
    "count": RANDOM.poisson(np.exp(ETA)).astype(float),
    "real": ETA + 0.2 * X**2 + RANDOM.normal(size=N),
    "time": np.minimum(np.exp(ETA) * RANDOM.weibull(1.5, N), 3.0),
    "months": RANDOM.uniform(1.0, 12.0, N),
}
DATA["died"] = DATA["time"] < 3.0


def test_a_log_link_with_an_interaction_a_transform_and_weights():
    fit = kl.fit(kl.Poisson(rate="~ x*group + log(z)"), DATA, "count", weights="w")
    beta = fit.params["rate"]
    names = list(beta)
    design = np.column_stack(
        [
            np.ones(N),
            X,
            GROUP == "b",
            GROUP == "c",
            np.log(Z),
            X * (GROUP == "b"),
            X * (GROUP == "c"),
        ]
    )
    order = ["Intercept", "x", "group[T.b]", "group[T.c]", "log(z)"]
    order += ["x:group[T.b]", "x:group[T.c]"]
    at = np.array([beta[n] for n in order])
    covariance = fit.covariance()[np.ix_(*[[names.index(n) for n in order]] * 2)]
    share = W / W.sum()
    mean = np.exp(design @ at)
    by_x = np.column_stack([np.zeros((N, 1)), np.ones((N, 1)), np.zeros((N, 3)),
                            GROUP == "b", GROUP == "c"])  # fmt: skip
    by_z = np.zeros((N, 7))
    by_z[:, 4] = 1.0 / Z
    found = {(e.variable, e.contrast): e for e in fit.marginal_effects()}
    for name, slope in (("x", by_x), ("z", by_z)):
        # ∂μ/∂x = μ (slope'β), whose derivative in β is μ (slope'β) design + μ slope
        own = mean * (slope @ at)
        gradient = share @ (own[:, None] * design + mean[:, None] * slope)
        effect = found[name, "dY/dX"]
        assert effect.estimate == pytest.approx(share @ own, rel=1e-9)
        error = np.sqrt(gradient @ covariance @ gradient)
        # the derivatives of differences lose digits to rounding
        assert effect.stderr == pytest.approx(error, rel=1e-6)
        assert effect.z == pytest.approx(share @ own / error, rel=1e-6)
        assert effect.p_value == pytest.approx(2 * scipy.stats.norm.sf(abs(effect.z)), rel=1e-12)
        half = scipy.stats.norm.ppf(0.975) * error
        assert effect.upper - effect.estimate == pytest.approx(half, rel=1e-6)
    levels = []
    for level in "abc":
        changed = design.copy()
        for k, name in ((2, "b"), (3, "c")):
            changed[:, k] = level == name
        for k, name in ((5, "b"), (6, "c")):
            changed[:, k] = X * (level == name)
        levels.append((np.exp(changed @ at), changed))
    for level, (value, changed) in zip("bc", levels[1:], strict=True):
        difference = share @ (value - levels[0][0])
        gradient = share @ (value[:, None] * changed - levels[0][0][:, None] * levels[0][1])
        effect = found["group", f"{level} - a"]
        assert effect.estimate == pytest.approx(difference, rel=1e-12)
        error = np.sqrt(gradient @ covariance @ gradient)
        assert effect.stderr == pytest.approx(error, rel=1e-9)


def test_powers_count_in_the_slope_of_their_column():
    fit = kl.fit(kl.Normal(loc="~ x + I(x**2) + group"), DATA, "real")
    beta, names = fit.params["loc"], fit.names
    effect = fit.marginal_effects("x").effects[0]
    gradient = np.zeros(len(names))
    gradient[names.index("loc[x]")] = 1.0
    square = next(n for n in names if "**" in n)
    gradient[names.index(square)] = 2.0 * X.mean()
    expected = gradient[names.index("loc[x]")] * beta["x"] + 2.0 * X.mean() * beta[square[4:-1]]
    assert effect.estimate == pytest.approx(expected, rel=1e-9)
    error = np.sqrt(gradient @ fit.covariance() @ gradient)
    assert effect.stderr == pytest.approx(error, rel=1e-7)


def test_survival_of_censored_rows():
    fit = kl.fit(kl.Weibull(scale="~ x"), DATA, "time", event="died")
    shape, beta = fit.params["shape"], fit.params["scale"]
    hazard = (1.5 / np.exp(beta["Intercept"] + beta["x"] * X)) ** shape
    expected = np.mean(np.exp(-hazard) * hazard * shape * beta["x"])
    effect = fit.marginal_effects(what="survival", at=1.5).effects[0]
    assert effect.estimate == pytest.approx(expected, rel=1e-9)
    numeric = fit.derived(
        lambda rows: np.mean(rows.survival(1.5)[N:] - rows.survival(1.5)[:N]) / 2e-3,
        at={"x": np.concatenate([X - 1e-3, X + 1e-3])},
    )
    assert effect.stderr == pytest.approx(numeric.stderr, rel=1e-4)


def test_classes_splines_and_exposures():
    label = np.where(ETA + RANDOM.logistic(size=N) > 0.0, "high", "low")
    fit = kl.fit(kl.Categorical(logits="~ x + z"), {**DATA, "label": label}, "label")
    effects = fit.marginal_effects(what="probability", at="low")
    p = fit.at(DATA).probabilities()[:, 1]
    slopes = fit.params["logits"]["low"]
    for effect in effects:
        expected = np.mean(p * (1.0 - p)) * slopes[effect.variable]
        assert effect.estimate == pytest.approx(expected, rel=1e-9)
    # no point leaves the range of the rows, where the splines end
    fit = kl.fit(kl.Normal(loc="~ bs(x, df=5)"), DATA, "real")
    effect = fit.marginal_effects().effects[0]
    h = 1e-4
    inside = np.clip(X, X.min() + h, X.max() - h)
    rows = fit.at({"x": np.concatenate([inside - h, inside + h])}).mean()
    expected = np.mean(rows[N:] - rows[:N]) / (2.0 * h)
    assert effect.estimate == pytest.approx(expected, rel=1e-4)
    exposed = kl.Poisson(rate=kl.Formula("~ x", exposure="months"))
    fit = kl.fit(exposed, DATA, "count")
    assert [e.variable for e in fit.marginal_effects()] == ["x"]


def test_the_table_and_wrong_arguments():
    fit = kl.fit(kl.Poisson(rate="~ x + group"), DATA, "count")
    effects = fit.marginal_effects()
    frame = effects.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame["contrast"]) == ["dY/dX", "b - a", "c - a"]
    assert len(effects) == 3
    assert "b - a" in str(effects)
    assert list(fit.marginal_effects([]).to_frame()) == list(frame)
    with pytest.raises(kl.KullbackError, match="'ex' is not a column of the model"):
        fit.marginal_effects("ex")
    with pytest.raises(kl.KullbackError, match="reads no columns"):
        kl.fit(kl.Poisson(), DATA["count"]).marginal_effects()
    with pytest.raises(kl.KullbackError, match="at= needs one value"):
        fit.marginal_effects(what="survival", at=[1.0, 2.0])
    with pytest.raises(kl.KullbackError, match="needs the rows"):
        fit.without_data().marginal_effects()


def test_quantities_of_chosen_rows():
    fit = kl.fit(kl.Poisson(rate="~ x"), DATA, "count")
    rows = {"x": [1.0, 0.0]}
    found = fit.derived(lambda r: r.mean()[0] / r.mean()[1], at=rows, scale="log")
    slope, error = fit.params["rate"]["x"], fit.stderr["rate"]["x"]
    half = scipy.stats.norm.ppf(0.975) * error
    assert found.value == pytest.approx(np.exp(slope), rel=1e-12)
    assert found.stderr == pytest.approx(np.exp(slope) * error, rel=1e-8)
    np.testing.assert_allclose(found.interval, np.exp([slope - half, slope + half]), rtol=1e-8)
    both = fit.derived(lambda r: r.survival(at=[0.0, 2.0]), at=rows, scale="logit")
    expected = fit.predict(rows, "survival", at=[0.0, 2.0], interval="confidence")
    np.testing.assert_allclose(np.ravel(both.interval[0]), expected["lower"], rtol=1e-8)


def test_effects_on_the_probabilities_of_classes():
    # statsmodels: MNLogit(...).get_margeff() computes ∂p_k/∂x = p_k (β_k − Σ_j p_j β_j), averaged
    random = np.random.default_rng(8)
    x, z = random.standard_normal((2, 500))
    eta = np.stack([0.0 * x, 0.5 + x, -0.3 * x + z])
    p = np.exp(eta) / np.exp(eta).sum(axis=0)
    kind = np.array(["a", "b", "c"])[(random.random(500) > np.cumsum(p, axis=0)[:2]).sum(axis=0)]
    data = {"x": x, "z": z, "kind": kind}
    fit = kl.fit(kl.Categorical(logits="~ x + z"), data, "kind")
    found = fit.marginal_effects()
    assert [e.contrast for e in found] == ["a: dY/dX", "b: dY/dX", "c: dY/dX"] * 2
    assert found.what == "probability"
    beta = np.array([[0.0, 0.0], *([v["x"], v["z"]] for v in fit.params["logits"].values())])
    p = fit.predict(data, "probability")
    expected = [(p * (b - (p @ b)[:, None])).mean(axis=0) for b in beta.T]
    np.testing.assert_allclose([e.estimate for e in found], np.ravel(expected), atol=1e-9)
    one = fit.marginal_effects("z", at="b")
    assert one.effects[0][2:] == pytest.approx(found.effects[4][2:], rel=1e-12)
