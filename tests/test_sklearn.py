"""The scikit-learn façade: scikit-learn's own checks, pipelines, search, pickling."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from kullback.sklearn import NetworkClassifier, NetworkRegressor

QUICK = {"hidden": (8,), "members": 1, "epochs": 12, "batch": 32, "learning_rate": 0.03}


# Rows are shared out to batches, and some held out, at random: a row of weight two is in one of
# them, two equal rows may be in two. scikit-learn exempts its own stochastic estimators likewise.
STOCHASTIC = {"check_sample_weight_equivalence_on_dense_data": "minibatches and held-out rows"}


@parametrize_with_checks(
    [NetworkClassifier(**QUICK), NetworkRegressor(**QUICK)],
    expected_failed_checks=lambda _: STOCHASTIC,
)
@pytest.mark.filterwarnings("ignore")  # scikit-learn's checks warn on purpose
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_in_a_pipeline_a_search_and_a_pickle():
    x, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), NetworkClassifier(**QUICK))
    search = GridSearchCV(pipeline, {"networkclassifier__dropout": [0.0, 0.1]}, cv=2).fit(x, y)
    assert search.best_score_ > 0.6
    best = search.best_estimator_
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict_proba(x), best.predict_proba(x))
    assert clone(best[-1]).get_params() == best[-1].get_params()


def test_labels_frames_and_curves():
    x, y = load_iris(return_X_y=True, as_frame=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    found = NetworkClassifier(**QUICK, class_weight={"setosa": 2.0}).fit(x, names)
    assert found.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert list(found.feature_names_in_) == list(x.columns)
    assert len(found.loss_curve_) == len(found.validation_loss_curve_) == found.n_iter_
    assert set(found.predict(x)) <= set(names)
    gaps = x.copy()
    gaps.iloc[3, 1] = np.nan
    assert isinstance(gaps, pd.DataFrame)
    assert np.all(np.isfinite(NetworkClassifier(**QUICK).fit(gaps, names).predict_proba(gaps)))


def test_regression_gives_the_spread():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1.0, 1.0, (800, 1))
    y = 100.0 + 50.0 * x[:, 0] + 5.0 * rng.normal(size=800)
    found = NetworkRegressor(**{**QUICK, "epochs": 60}).fit(x, y)
    mean, std = found.predict(x, return_std=True)
    assert found.score(x, y) > 0.95
    assert np.sqrt(np.mean((mean - 100.0 - 50.0 * x[:, 0]) ** 2)) < 3.0
    assert np.median(std) == pytest.approx(5.0, rel=0.3)


def test_importing_it_loads_no_network_library():
    code = (
        "import sys, kullback.sklearn; "
        "print([m for m in ('equinox', 'optax', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
