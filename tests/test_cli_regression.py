"""Regressions at the command line: fit, predict and compare, as a user runs them.

Expected values: SciPy's distributions at the estimates that kl.fit gives for the same rows.
"""

import io

import numpy as np
import pandas as pd
import pytest
import scipy.stats

import kullback as kl

RNG = np.random.default_rng(4)
N = 120
AGE, GROUP = RNG.uniform(20.0, 80.0, N).round(), RNG.choice(["control", "treated"], N)
TIME = np.exp(3.0 - 0.02 * AGE + 0.5 * (GROUP == "treated")) * RNG.weibull(1.5, N) + 0.01
LIMIT = RNG.uniform(5.0, 40.0, N)
ROWS = pd.DataFrame(
    {
        "time": np.minimum(TIME, LIMIT),
        "died": (TIME <= LIMIT).astype(int),
        "age": AGE,
        "group": GROUP,
        "long": np.where(TIME + 3.0 * RNG.normal(size=N) > 8.0, "yes", "no"),
        "tests": RNG.integers(4, 9, N),
    }
)
ROWS["hits"] = RNG.binomial(ROWS["tests"], 0.4)
WEIBULL = "Weibull(scale='~ age + group')"
OF_ROWS = ("rows.csv", "--y", "time", "--event", "died")


@pytest.fixture(scope="module")
def fit():
    return kl.fit(kl.Weibull(scale="~ age + group"), ROWS, "time", event="died")


@pytest.fixture(scope="module")
def folder(fit, tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression")
    ROWS.to_csv(folder / "rows.csv", index=False)
    new = ROWS[["age", "group"]].head(4).astype({"age": object})
    new.loc[2, "age"] = None
    new.to_csv(folder / "new.csv", index=False)
    fit.save(folder / "weibull.json")
    kl.fit(kl.Categorical(logits="~ age"), ROWS, "long").save(folder / "labels.json")
    (folder / "unseen.csv").write_text("age,group\n40,placebo\n")
    return folder


def read(text):
    return pd.read_csv(io.StringIO(text))


def theirs(fit, row):
    """SciPy's distribution of a row of the table."""
    b = fit.params["scale"]
    treated = GROUP[row] == "treated"
    eta = b["Intercept"] + b["age"] * AGE[row] + b["group[T.treated]"] * treated
    return scipy.stats.weibull_min(fit.params["shape"], scale=np.exp(eta))


def test_a_fit_prints_its_coefficients_and_is_saved(run, fit, folder):
    code, out, err = run("fit", *OF_ROWS, "--model", WEIBULL, "--save", "own.json")
    assert (code, err) == (0, "")
    for name, value in fit.params["scale"].items():
        assert name in out
        assert f"{value:.6g}" in out
    again = kl.load(folder / "own.json")
    assert again.params["scale"] == fit.params["scale"]
    _, other, _ = run("fit", *OF_ROWS, "--model", "weibull", "--param", "scale=~ age + group")
    assert other.partition("converged")[0] == out.partition("converged")[0]


def test_predictions_are_those_of_scipy(run, fit):
    code, out, err = run("predict", "weibull.json", "new.csv")
    assert (code, err) == (0, "")
    found = read(out)
    assert list(found) == ["mean", "shape", "scale"]
    law = theirs(fit, 1)
    assert found["mean"][1] == pytest.approx(law.mean(), rel=1e-9)
    assert np.isnan(found["mean"][2])  # its age is missing
    found = read(
        run("predict", "weibull.json", "new.csv", "--what", "quantile", "--at", "0.1,.5")[1]
    )
    assert list(found) == ["quantile(0.1)", "quantile(0.5)"]
    np.testing.assert_allclose(found.loc[1], law.ppf([0.1, 0.5]), rtol=1e-9)
    near = "0.12345678,0.12345679"  # equal to six digits
    found = read(run("predict", "weibull.json", "new.csv", "--what", "quantile", "--at", near)[1])
    assert list(found) == ["quantile(0.12345678)", "quantile(0.12345679)"]
    np.testing.assert_allclose(found.loc[1], law.ppf([0.12345678, 0.12345679]), rtol=1e-9)
    found = read(run("predict", "weibull.json", "new.csv", "--what", "survival", "--at", "10")[1])
    np.testing.assert_allclose(found["survival(10)"][1], law.sf(10.0), rtol=1e-9)


def test_intervals_of_predictions(run, fit):
    law = theirs(fit, 1)
    _, out, _ = run(
        "predict", "weibull.json", "new.csv", "--interval", "prediction", "--level", ".8"
    )
    found = read(out)
    assert list(found) == ["mean", "lower", "upper"]
    np.testing.assert_allclose(found.loc[1, ["lower", "upper"]], law.ppf([0.1, 0.9]), rtol=1e-9)
    at = ("--what", "survival", "--at", "5,20", "--interval", "confidence")
    found = read(run("predict", "weibull.json", "new.csv", *at)[1])
    assert list(found)[:3] == ["survival(5)", "survival(5) lower", "survival(5) upper"]
    # the ends are on the log odds of the survival function, which the library's own test checks
    expected = fit.predict(ROWS.head(2), "survival", at=[5.0, 20.0], interval="confidence")
    np.testing.assert_allclose(
        found.loc[1, ["survival(20) lower", "survival(20) upper"]],
        np.asarray(expected[["lower", "upper"]])[3],
        rtol=1e-9,
    )


def test_classes_and_files(run, folder):
    _, out, _ = run("predict", "labels.json", "rows.csv")
    found, fit = read(out), kl.load(folder / "labels.json")
    assert list(found) == ["class", "p(no)", "p(yes)"]
    b = fit.params["logits"]["yes"]
    p = scipy.special.expit(b["Intercept"] + b["age"] * AGE)
    np.testing.assert_allclose(found["p(yes)"], p, rtol=1e-9)
    assert found["class"].tolist() == np.where(p > 0.5, "yes", "no").tolist()
    code, out, _ = run(
        "predict", "labels.json", "rows.csv", "--what", "probability", "--at", "yes",
        "--interval", "confidence", "--output", "p.parquet",
    )  # fmt: skip
    assert (code, out) == (0, "")
    written = pd.read_parquet(folder / "p.parquet")
    assert list(written) == ["p(yes)", "lower", "upper"]
    np.testing.assert_allclose(written["p(yes)"], p, rtol=1e-9)
    assert np.all((written["lower"] < p) & (p < written["upper"]))


def test_formulas_are_compared_by_name(run):
    code, out, err = run(
        "compare", *OF_ROWS, "--model", "small=Weibull(scale='~ age')",
        "--model", f"large={WEIBULL}", "--model", "weibull", "--folds", "3",
    )  # fmt: skip
    assert (code, err) == (0, "")
    assert {"small", "large", "weibull"} <= set(out.split())
    small, large = (
        kl.fit(kl.Weibull(scale=f), ROWS, "time", event="died") for f in ("~ age", "~ age + group")
    )
    for fit in (small, large):
        assert f"{fit.aic:,.2f}" in out


def test_groups_name_their_coefficients(run):
    code, out, _ = run("fit", *OF_ROWS, "--model", "Weibull(scale='~ age')", "--by", "group")
    assert code == 0
    assert out.splitlines()[1].split()[:5] == [
        "group", "n", "shape", "scale[Intercept]", "scale[age]",
    ]  # fmt: skip
    own = ROWS[ROWS["group"] == "control"]
    fit = kl.fit(kl.Weibull(scale="~ age"), own, "time", event="died")
    assert f"{fit.params['scale']['age']:.6g}" in out


@pytest.mark.parametrize(
    "model",
    [
        "Binomial(trials='tests', logit='~ age')",
        "Binomial(trials='tests', probability=Formula('~ age', link='probit'))",
        "Binomial(trials='tests', logit=Formula('~ age + group', penalty=Ridge(0.1)))",
    ],
)
def test_columns_of_known_values_links_and_penalties(run, model):
    code, out, err = run("fit", "rows.csv", "--y", "hits", "--model", model)
    assert (code, err) == (0, "")
    assert "age" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fit", *OF_ROWS, "--model", "Weibull(scale='~ agee')"), 'did you mean "age"'),
        (("fit", *OF_ROWS, "--model", "Weibull(scale=~ age + group)"), "scale='~ age + group'"),
        (
            ("fit", *OF_ROWS, "--model", "Weibull(scale='time ~ age')"),
            "give the outcome by --y time.",
        ),
        (("fit", *OF_ROWS, "--model", "Weibull(scale=len('~ age'))"), 'no model "len"'),
        (("fit", *OF_ROWS, "--model", "weibull", "--param", "scale=age"), 'begins with "~"'),
        (("compare", *OF_ROWS, "--model", "a=weibull", "--model", "a=gamma"), 'the name "a"'),
        (("compare", *OF_ROWS, "--model", "a=weibull", "--models", "gamma"), "one of them"),
        (("compare", *OF_ROWS, "--model", "=weibull"), "NAME=MODEL"),
        (("predict", "weibull.json", "unseen.csv"), "placebo"),
        (("predict", "weibull.json", "new.csv", "--what", "quantile"), "needs --at:"),
        (("predict", "weibull.json", "new.csv", "--what", "median"), "quantile"),
        (("predict", "weibull.json", "new.csv", "--what", "survival", "--at", "x"), '"x"'),
        (("predict", "weibull.json", "new.csv", "--interval", "both"), "confidence"),
    ],
)
def test_mistakes_get_messages(run, arguments, message):
    code, _, err = run(*arguments)
    assert code == 2
    assert message in err
