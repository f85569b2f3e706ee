"""The scikit-learn estimators: its own checks, pipelines, search, pickling, data frames."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
import scipy.stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import kullback as kl
from kullback.sklearn import NetworkClassifier, NetworkRegressor

QUICK = {"hidden": (8,), "members": 1, "epochs": 12, "batch": 32, "learning_rate": 0.03}
SEEDED = {**QUICK, "random_state": 0}
LONGER = {**SEEDED, "epochs": 60}  # the same for all regressors: they share compiled code
IRIS, KIND = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[KIND]


# Rows are assigned to batches, and some held out, at random: a row of weight two is in one of
# them, two equal rows may be in two. scikit-learn exempts its own stochastic estimators likewise.
STOCHASTIC = {"check_sample_weight_equivalence_on_dense_data": "minibatches and held-out rows"}


@parametrize_with_checks([NetworkClassifier(), NetworkRegressor()])  # at their defaults
@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
def test_scikit_learns_own_checks(estimator, check):
    name = getattr(check, "func", check).__name__
    if name in STOCHASTIC:
        pytest.xfail(STOCHASTIC[name])  # not run: it would say nothing either way
    check(estimator)


def test_in_a_pipeline_a_search_and_a_pickle():
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(**SEEDED))
    search = GridSearchCV(pipeline, {"networkclassifier__dropout": [0.0, 0.1]}, cv=2)
    search.fit(IRIS, KIND)
    assert search.best_score_ > 0.6
    best = search.best_estimator_
    for again in (pickle.loads(pickle.dumps(best)), copy.deepcopy(best)):
        np.testing.assert_array_equal(again.predict_proba(IRIS), best.predict_proba(IRIS))
    assert clone(best[-1]).get_params() == best[-1].get_params()
    held_out = cross_val_predict(best, IRIS, KIND, cv=2, method="predict_proba")
    np.testing.assert_allclose(held_out.sum(axis=1), 1.0)


# ---- labels ------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [NAMES, KIND * 2.0, KIND == 1], ids=["text", "floats", "truth"])
def test_the_kullback_fit_has_the_same_labels(labels):
    found = NetworkClassifier(**SEEDED).fit(IRIS, labels)
    assert found.classes_.tolist() == np.unique(labels).tolist() == list(found.fit_.classes_)
    np.testing.assert_array_equal(found.fit_.predict(IRIS), found.predict(IRIS))
    assert np.mean(found.predict(IRIS) == labels) > 0.6
    assert float(kl.evaluate(found, IRIS, labels).cross_entropy) == float(
        kl.evaluate(found.fit_, IRIS, labels).cross_entropy
    )


def test_log_probabilities_are_finite_where_probabilities_vanish():
    found = NetworkClassifier(**SEEDED, calibration=None).fit(IRIS, KIND)
    (source,) = found.fit_.model.sources.values()
    source.scale[:] = 1e4  # as a training may do: logits differ by far more than 745 = −log 5e−324
    assert found.predict_proba(IRIS).min() == 0.0
    logs = found.predict_log_proba(IRIS)
    assert -np.inf < logs.min() < -745.0


def test_class_weights():
    few = np.where(np.arange(150) < 20, "few", "many")
    # scikit-learn's "balanced" is n / (K n_k)
    explicit = {"few": 150 / (2 * 20), "many": 150 / (2 * 130), "in another fold": 1.0}
    one, two = (
        NetworkClassifier(**SEEDED, class_weight=weight).fit(IRIS, few)
        for weight in ("balanced", explicit)
    )
    np.testing.assert_array_equal(one.predict_proba(IRIS), two.predict_proba(IRIS))


# ---- the unit of y, weights, seeds -------------------------------------------------------------


def _line(count=800, noise=5.0):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (count, 1))
    return x, 100.0 + 50.0 * x[:, 0] + noise * rng.normal(size=count)


def test_regression_gives_the_spread_in_the_unit_of_y(tmp_path):
    x, y = _line()
    found = NetworkRegressor(**LONGER).fit(x, y)
    mean, std = found.predict(x, return_std=True)
    assert found.score(x, y) > 0.95
    assert np.sqrt(np.mean((mean - 100.0 - 50.0 * x[:, 0]) ** 2)) < 3.0
    assert np.median(std) == pytest.approx(5.0, rel=0.3)
    # the Kullback fit gives the same, before and after it was saved
    found.fit_.save(tmp_path / "model")
    for fit in (found.fit_, kl.load(tmp_path / "model")):
        np.testing.assert_array_equal(fit.predict(x), mean)
        np.testing.assert_array_equal(fit.predict_params(x)["scale"], std)
    # SciPy's −log density at these parameters is what the fitted model gives the rows
    expected = -np.mean(scipy.stats.norm(mean, std).logpdf(y))
    estimate = kl.estimate_cross_entropy(found.fit_.model, {"x0": x[:, 0], "y": y}, "y")
    assert float(estimate) == pytest.approx(expected, rel=1e-6)  # networks run in single precision
    # and its own report is of 80 of these rows: within five standard errors, 1/√(2·80) each
    assert found.fit_.cross_entropy == pytest.approx(expected, abs=5 / 160**0.5)
    assert min(found.validation_loss_curve_) == found.fit_.cross_entropy


@pytest.mark.parametrize(("middle", "spread"), [(0.0, 1e-6), (1e6, 1e3), (0.0, 1e100)])
def test_regression_does_not_depend_on_the_unit_of_y(middle, spread):
    x, y = _line()
    one = NetworkRegressor(**LONGER).fit(x, y)
    two = NetworkRegressor(**LONGER).fit(x, middle + spread * y)
    # y has 1e6 / 1e3 / 15 of its own spread to lose digits against, single precision seven
    np.testing.assert_allclose((two.predict(x) - middle) / spread, one.predict(x), rtol=1e-5)
    moved = np.array(two.loss_curve_) - np.log(spread)
    np.testing.assert_allclose(moved, one.loss_curve_, atol=1e-4)


def test_a_constant_outcome_is_reported_and_predicted():
    x, _ = _line()
    with pytest.warns(ConvergenceWarning, match=r"y is constant, 0\.1|NaN or infinite at step"):
        found = NetworkRegressor(**LONGER).fit(x, np.full(800, 0.1))
    np.testing.assert_allclose(found.predict(x), 0.1, rtol=1e-5)


def test_a_row_of_weight_zero_is_an_absent_row():
    x, y = _line(802)
    weight = np.r_[0.0, 0.0, np.full(800, 3.0)]
    y[0] = 1e12  # which moves neither the unit nor the network
    one = NetworkRegressor(**LONGER).fit(x, y, weight)
    two = NetworkRegressor(**LONGER).fit(x[2:], y[2:], weight[2:])
    np.testing.assert_array_equal(one.predict(x), two.predict(x))
    kinds = np.where(x[:, 0] > 0.0, "up", "down")
    one = NetworkClassifier(**SEEDED).fit(x, kinds, weight)
    two = NetworkClassifier(**SEEDED).fit(x[2:], kinds[2:], weight[2:])
    np.testing.assert_array_equal(one.predict_proba(x), two.predict_proba(x))


def test_seeds():
    def found(seed):
        estimator = NetworkClassifier(**QUICK, random_state=seed)
        return estimator.fit(IRIS, KIND).predict_proba(IRIS[:3]).tolist()

    assert found(7) == found(np.int64(7)) != found(8)
    np.random.seed(0)  # noqa: NPY002  # scikit-learn's None is this generator
    first, second = found(None), found(None)
    np.random.seed(0)  # noqa: NPY002
    assert first == found(None) != second
    state = np.random.RandomState(0)
    assert [found(state), found(state)] == [first, second]
    with pytest.raises(ValueError, match="cannot be used to seed"):
        found(np.random.default_rng(0))


def test_a_training_that_diverges_warns():
    with pytest.warns(ConvergenceWarning, match="NaN or infinite at step.*learning rate"):
        NetworkClassifier(**{**SEEDED, "learning_rate": 1e30}).fit(IRIS, KIND)


# ---- data frames -------------------------------------------------------------------------------


def _mixed(count=300):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "y": rng.normal(size=count),  # a feature may be called so
            "code": pd.Categorical(rng.integers(1, 4, count)),
            "text": rng.choice(["left", "right"], count),
            "flag": rng.integers(0, 2, count).astype(bool),
            "whole": pd.array(rng.integers(0, 9, count), dtype="Int64"),
        }
    )
    label = (frame["code"] == 2) ^ (frame["text"] == "left")
    for name in ("y", "code", "text", "whole"):
        frame.loc[rng.integers(0, count, 10), name] = None
    return frame, label


def test_frames_of_numbers_are_arrays():
    frame = pd.DataFrame(IRIS, columns=list("abcd"))
    found = [
        NetworkClassifier(**SEEDED).fit(x, KIND).predict_proba(x)
        for x in (IRIS, frame, pl.from_pandas(frame))
    ]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_frames_with_categories_and_gaps():
    frame, label = _mixed()
    found = NetworkClassifier(**{**SEEDED, "epochs": 40}).fit(frame, label)
    assert list(found.feature_names_in_) == list(frame.columns)
    assert found.n_features_in_ == 5
    assert found.fit_.levels == {"x1": (1, 2, 3), "x2": ("left", "right")}
    assert found.score(frame, label) > 0.9
    # a level that was not seen is a missing one
    other, gone = frame.assign(text="neither"), frame.assign(text=None)
    np.testing.assert_array_equal(found.predict_proba(other), found.predict_proba(gone))
    for wrong, message in (
        (frame[frame.columns[::-1]], "same order"),
        (frame.drop(columns="flag"), "now missing"),
        (frame.rename(columns={"flag": "sign"}), "unseen at fit"),
        (frame.assign(code="2"), 'categories such as 1 in the rows of the fit, and holds "2" here'),
        (frame.assign(text=1.0), 'categories such as "left" in the rows of the fit, and holds 1.0'),
        (frame.assign(whole="3"), "numbers written as text"),
    ):
        with pytest.raises(ValueError, match=message):
            found.predict(wrong)


def test_columns_of_numbers_may_be_categories():
    x = np.column_stack([KIND, IRIS[:, 0]])
    frame = pd.DataFrame(x, columns=["kind", "length"])
    for data, chosen in ((x, [0]), (x, np.array([True, False])), (frame, ["kind"])):
        found = NetworkClassifier(**SEEDED, categorical_features=chosen).fit(data, NAMES)
        assert list(found.fit_.levels.values()) == [(0, 1, 2)]


# ---- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": "wide"}, "widths of the hidden layers"),
        ({"hidden": [8.5]}, "widths of the hidden layers"),
        ({"epochs": "ten"}, 'epochs="ten" must be a whole number of at least 1 or None'),
        ({"batch": 0}, "batch=0 must be a whole number"),
        ({"members": True}, "members=True must be a whole number"),
        ({"dropout": None}, "dropout=None must be a number"),
        ({"skip": "no"}, "skip='no' must be one of True, False"),
        ({"activation": "rellu"}, 'did you mean "relu"'),
        ({"optimizer": "adam"}, "Optax transformation"),
        ({"held_out": 1.5}, "a share of the rows"),
        ({"held_out": (IRIS, KIND)}, r"\.\.\.\) must be a number"),
        ({"calibration": "platt"}, "must be one of None, 'temperature', 'vector'"),
        ({"normalization": "batch"}, "must be one of None, 'layer'"),
        ({"class_weight": [1.0, 2.0]}, 'None, "balanced" or a dict'),
        ({"class_weight": {"rose": 2.0}}, "'rose', which is not a class"),
        ({"categorical_features": [9]}, "indices from 0 to 3"),
        ({"categorical_features": ["length"]}, "indices from 0 to 3"),
    ],
)
def test_options_out_of_range(options, message):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(**options).fit(IRIS, NAMES)


@pytest.mark.parametrize(
    ("x", "y", "weight", "message"),
    [
        (IRIS, np.eye(3)[KIND], None, r"shape \(150, 3\).*kl\.fit\(kl\.Categorical"),
        (IRIS, [None, "a"] * 75, None, "75 values are missing, the first in row 0"),
        (IRIS, np.full(150, "a"), None, "y has a single class, 'a'"),
        (IRIS, KIND, np.zeros(150), "[Ww]eight"),
        (IRIS, KIND, -np.ones(150), "sample_weight must be at least 0"),
        (np.array([["a", 1.0]] * 150, dtype=object), KIND, None, "columns of a data frame"),
        (pd.DataFrame(IRIS, columns=list("abcd")), KIND[1:], None, "inconsistent numbers"),
        (pd.DataFrame({"d": pd.date_range("2020", periods=150)}), KIND, None, "days since"),
    ],
)
def test_data_that_cannot_be_used(x, y, weight, message):
    with pytest.raises(ValueError, match=message):
        NetworkClassifier(**SEEDED).fit(x, y, sample_weight=weight)


def test_sparse_and_several_outcomes_are_refused():
    with pytest.raises(TypeError, match=r"[Ss]parse.*toarray"):
        NetworkClassifier(**SEEDED).fit(scipy.sparse.csr_array(IRIS), KIND)
    with pytest.raises(ValueError, match="one regressor for each column"):
        NetworkRegressor(**SEEDED).fit(IRIS, IRIS[:, :2])
    with pytest.raises(ValueError, match="too large"):
        NetworkRegressor(**SEEDED).fit(IRIS, 2e307 * IRIS[:, 0])


def test_options_of_numpy_are_plain_ones():
    # as scipy.stats and numpy draw them in a random search
    drawn = {"hidden": np.array([8]), "epochs": np.int64(12), "skip": np.bool_(False)}
    drawn |= {"learning_rate": np.float64(0.03), "dropout": np.float32(0.125)}
    found = NetworkClassifier(**{**SEEDED, **drawn}).fit(IRIS, KIND)
    plain = NetworkClassifier(**{**SEEDED, "dropout": 0.125}).fit(IRIS, KIND)
    assert found.fit_.form.sources["logits"] == plain.fit_.form.sources["logits"]
    np.testing.assert_array_equal(found.predict_proba(IRIS), plain.predict_proba(IRIS))


def test_importing_it_loads_no_network_library():
    code = (
        "import sys, kullback.sklearn; "
        "print([m for m in ('equinox', 'optax', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
