"""Models as scikit-learn estimators: its own checks, its own estimates, pipelines, errors."""

import copy
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import kullback as kl
from kullback.sklearn import ModelClassifier, ModelRegressor

DIABETES, PROGRESSION = load_diabetes(return_X_y=True)
IRIS, KIND = load_iris(return_X_y=True)
# two kinds that these two features do not separate
PAIR, TWO = IRIS[50:, :2], np.array(["versicolor", "virginica"])[KIND[50:] - 1]
WEIGHTS = np.random.default_rng(0).integers(0, 4, 442).astype(float)


@parametrize_with_checks([ModelRegressor(), ModelClassifier()])  # at their defaults
@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


# ---- against scikit-learn's estimates ------------------------------------------------------------


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["no weights", "weights"])
@pytest.mark.parametrize("data", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_the_default_regression_is_least_squares(data, weights):
    columns = [f"s{k}" for k in range(10)]
    x = DIABETES if data is np.asarray else data(DIABETES, **_named(data, columns))
    found = ModelRegressor().fit(x, PROGRESSION, sample_weight=weights)
    expected = LinearRegression().fit(DIABETES, PROGRESSION, sample_weight=weights)
    np.testing.assert_allclose(found.predict(x), expected.predict(DIABETES), rtol=1e-10)
    assert found.score(x, PROGRESSION, weights) == pytest.approx(
        expected.score(DIABETES, PROGRESSION, weights), rel=1e-10
    )
    coefficients = list(found.fit_.params["loc"].values())
    np.testing.assert_allclose(coefficients[1:], expected.coef_, rtol=1e-9)
    names = list(getattr(found, "feature_names_in_", ()))
    assert names == ([] if data is np.asarray else columns)


def _named(data, columns):
    return {"columns": columns} if data is pd.DataFrame else {"schema": columns}


def test_collinear_features_predict_as_least_squares_does():
    x = np.column_stack([DIABETES, DIABETES[:, 0] - 2.0 * DIABETES[:, 3], np.ones(442)])
    found = ModelRegressor().fit(x, PROGRESSION)
    expected = LinearRegression().fit(x, PROGRESSION)
    np.testing.assert_allclose(found.predict(x), expected.predict(x), rtol=1e-10)
    assert found.fit_.convergence.converged


@pytest.mark.parametrize(
    "labels", [TWO, KIND[50:] * 2.0, KIND[50:] == 1], ids=["text", "floats", "truth"]
)
@pytest.mark.parametrize(
    "model", [None, kl.Bernoulli(logit="~ x0 + x1")], ids=["default", "Bernoulli"]
)
def test_two_classes_are_logistic_regression(model, labels):
    weights = WEIGHTS[:100]
    found = ModelClassifier(model).fit(PAIR, labels, sample_weight=weights)
    peer = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)
    peer.fit(PAIR, labels, sample_weight=weights)
    # its gradient's largest part is below 1e-12
    np.testing.assert_allclose(found.predict_proba(PAIR), peer.predict_proba(PAIR), rtol=1e-9)
    np.testing.assert_allclose(
        found.decision_function(PAIR), peer.decision_function(PAIR), rtol=1e-8, atol=1e-9
    )
    np.testing.assert_array_equal(found.predict(PAIR), peer.predict(PAIR))
    np.testing.assert_array_equal(found.classes_, peer.classes_)
    assert found.score(PAIR, labels, weights) == peer.score(PAIR, labels, weights)


def test_more_classes_are_multinomial_logistic_regression():
    x = IRIS[:, :2]
    found = ModelClassifier().fit(x[KIND > 0], TWO)
    assert found.classes_.tolist() == ["versicolor", "virginica"]
    three = np.where(x[:, 1] > np.median(x[:, 1]), 2, np.arange(150) % 2)
    noisy = np.where(np.arange(150) % 7 == 0, (three + 1) % 3, three)
    found = ModelClassifier().fit(x, noisy)
    peer = LogisticRegression(C=np.inf, solver="newton-cg", tol=1e-10, max_iter=1000).fit(x, noisy)
    # newton-cg stops at a mean gradient of 1e-10
    np.testing.assert_allclose(found.predict_proba(x), peer.predict_proba(x), atol=1e-7)
    np.testing.assert_allclose(found.decision_function(x), np.log(peer.predict_proba(x)), atol=1e-5)


def test_a_model_of_counts():
    x = DIABETES[:, [2, 8]]
    y = np.floor(PROGRESSION / 40.0)
    found = ModelRegressor(kl.Poisson(rate="~ x0 + x1")).fit(x, y)
    peer = PoissonRegressor(alpha=0.0, tol=1e-10, max_iter=1000).fit(x, y)
    # its gradient stops at 1e-10, of an objective whose curvature is about 1e-3 here
    np.testing.assert_allclose(found.predict(x), peer.predict(x), rtol=1e-6)


def test_a_model_without_features_predicts_one_mean():
    x = np.exp(DIABETES)
    found = ModelRegressor(kl.Gamma()).fit(x, PROGRESSION)
    np.testing.assert_allclose(found.predict(x[:3]), np.full(3, PROGRESSION.mean()), rtol=1e-9)
    shares = ModelClassifier(kl.Categorical()).fit(IRIS, KIND > 0).predict_proba(IRIS[:2])
    np.testing.assert_allclose(shares, [[1 / 3, 2 / 3]] * 2, rtol=1e-12)


def test_log_probabilities_keep_digits_that_probabilities_lack():
    found = ModelClassifier().fit(PAIR, TWO)
    logs = found.predict_log_proba([[-2000.0, 3.0]])
    assert found.predict_proba([[-2000.0, 3.0]])[0, 1] == 0.0
    assert -np.inf < logs[0, 1] < -745.0  # log of the least float


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame], ids=["pandas", "polars"])
def test_columns_of_text_are_categories(library):
    sex = np.where(DIABETES[:, 1] > 0.0, "m", "f")
    third = np.array(["low", "middle", "high"])[np.digitize(DIABETES[:, 8], [-0.02, 0.02])]
    columns = {"bmi, kg": DIABETES[:, 2], "sex": sex, "level": third}
    frame = library(columns)
    by_hand = np.column_stack(
        [DIABETES[:, 2], sex == "m", third == "low", third == "middle"]
    ).astype(float)
    found = ModelRegressor().fit(frame, PROGRESSION)
    expected = LinearRegression().fit(by_hand, PROGRESSION)
    np.testing.assert_allclose(found.predict(frame), expected.predict(by_hand), rtol=1e-10)
    assert list(found.fit_.params["loc"])[2:] == ["sex[T.m]", "level[T.low]", "level[T.middle]"]
    with pytest.raises(ValueError, match="other"):
        found.predict(library({**columns, "sex": np.full(442, "other")}))
    model = kl.Gamma(mean="~ sex + level", shape="~ sex")
    search = GridSearchCV(ModelRegressor(), {"model": [kl.Gamma(), model]}, cv=3)
    assert search.fit(frame, PROGRESSION).best_params_["model"] == model


# ---- no maximum ----------------------------------------------------------------------------------


def test_separated_classes_warn_and_are_predicted():
    with pytest.warns(ConvergenceWarning, match=r"separated by .*x2"):
        found = ModelClassifier().fit(IRIS, KIND)
    assert found.score(IRIS, KIND) >= 0.98  # two of 150 cannot be told by a linear rule
    assert np.isfinite(found.predict_log_proba(IRIS)).all()
    model = kl.Categorical(logits=kl.Formula("~ .", penalty=kl.Ridge(0.01)))
    assert ModelClassifier(model).fit(IRIS, KIND).fit_.convergence.converged


def test_an_exact_line_warns_and_is_predicted():
    y = 2.0 + DIABETES @ np.arange(1.0, 11.0)
    with pytest.warns(ConvergenceWarning, match="unbounded in scale"):
        found = ModelRegressor().fit(DIABETES, y)
    np.testing.assert_allclose(found.predict(DIABETES), y, rtol=1e-12)


# ---- scikit-learn's tools ------------------------------------------------------------------------


def test_in_a_pipeline_a_search_and_a_pickle():
    x, y = load_breast_cancer(return_X_y=True)
    x = x[:, :4]
    ridges = [
        kl.Bernoulli(logit=kl.Formula("~ .", penalty=kl.Ridge(strength)))
        for strength in (1e-4, 1.0)
    ]
    pipeline = make_pipeline(StandardScaler(), ModelClassifier())
    search = GridSearchCV(
        pipeline, {"modelclassifier__model": ridges}, cv=3, scoring="neg_log_loss"
    ).fit(x, y)
    best = search.best_estimator_
    assert best[-1].model.sources["logit"].penalty.strength == 1e-4
    for again in (pickle.loads(pickle.dumps(best)), copy.deepcopy(best)):
        np.testing.assert_array_equal(again.predict_proba(x), best.predict_proba(x))
    one = best[-1]
    assert one.get_params()["model"] is one.model
    assert clone(one).get_params().keys() == {"model"}
    held_out = cross_val_predict(best, x, y, cv=3, method="decision_function")
    assert np.mean((held_out > 0) == y) > 0.85
    regressor = ModelRegressor().set_params(model=kl.Gamma())
    assert isinstance(clone(regressor).model, kl.Gamma)


def test_the_outcome_keeps_its_name():
    frame = pd.DataFrame(PAIR, columns=["length", "width"])
    found = ModelClassifier().fit(frame, pd.Series(TWO, name="kind"))
    assert found.feature_names_in_.tolist() == ["length", "width"]
    assert 'column "kind"' in found.fit_.sample_info.label
    taken = frame.rename(columns={"width": "kind"})
    again = ModelClassifier().fit(taken, pd.Series(TWO, name="kind"))
    np.testing.assert_array_equal(again.predict_proba(taken), found.predict_proba(frame))
    called_y = frame.rename(columns={"width": "y"})
    again = ModelClassifier().fit(called_y, TWO)
    np.testing.assert_array_equal(again.predict_proba(called_y), found.predict_proba(frame))


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimator", "y", "message"),
    [
        (ModelRegressor("normal"), PROGRESSION, r"is not a model\. Write kl\.Normal\(\)"),
        (ModelRegressor(kl.Normal), PROGRESSION, r"Write kl\.Normal\(\)"),
        (
            ModelRegressor(kl.Categorical()),
            PROGRESSION,
            "of classes: give it to ModelClassifier",
        ),
        (ModelRegressor(kl.Bernoulli()), PROGRESSION, "of classes: give it to ModelClassifier"),
        (ModelClassifier(kl.Poisson()), PROGRESSION > 100, "is of numbers: give it to ModelRegre"),
        (ModelClassifier(kl.Categorical(logits=kl.MLP())), PROGRESSION > 100, "NetworkClassifier"),
        (ModelRegressor(kl.Normal(loc=kl.MLP())), PROGRESSION, "kullback.sklearn.NetworkRegressor"),
        (ModelClassifier(), PROGRESSION / 7.0, "Use ModelRegressor for a quantity"),
        (ModelClassifier(), np.full(442, "a"), "y has 1 class only, 'a'"),
        (ModelClassifier(kl.Bernoulli()), np.arange(442) % 3, r"two classes, but y has 3"),
        (ModelRegressor(), np.c_[PROGRESSION, PROGRESSION], "one regressor for each column"),
        (ModelClassifier(), np.c_[PROGRESSION, PROGRESSION] > 9, "one classifier for each column"),
        (ModelRegressor(kl.Gamma()), -PROGRESSION, "Gamma"),
        (ModelRegressor(kl.Gamma(rate="~ age")), PROGRESSION, '"age"'),
    ],
)
def test_what_cannot_be_fitted_is_refused(estimator, y, message):
    with pytest.raises(ValueError, match=message):
        estimator.fit(DIABETES, y)


def test_missing_values_are_refused_in_arrays_and_frames():
    gaps = np.where(np.arange(4420).reshape(442, 10) == 35, np.nan, DIABETES)
    with pytest.raises(ValueError, match="NaN"):
        ModelRegressor().fit(gaps, PROGRESSION)
    with pytest.raises(ValueError, match=r"missing.*row 3"):
        ModelRegressor().fit(pd.DataFrame(gaps, columns=list("abcdefghij")), PROGRESSION)
    with pytest.raises(NotFittedError):
        ModelRegressor().predict(DIABETES)
