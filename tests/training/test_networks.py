"""Networks as sources: trained by kl.fit, for classes and numbers, and their errors."""

import math
import sys

import jax
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

import kullback as kl

# ten times the usual rate: these networks are small, and made of a few hundred steps
QUICK = {"epochs": 12, "batch": 32, "learning_rate": 0.02}
LONG = {"epochs": 60, "batch": 16, "learning_rate": 0.02}


def tiny(**options):
    return kl.MLP(**{"hidden": (8,), "members": 1, "dropout": 0.0, **options})


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


@pytest.fixture(scope="module")
def fit(iris):
    return kl.fit(kl.Categorical(logits=tiny()), *iris, solver=kl.Minibatch(**LONG))


def cross_entropy(fit, x, y):
    p = fit.predict_proba(x)
    return -np.mean(np.log(p[np.arange(len(y)), np.searchsorted(fit.classes_, y)]))


def test_a_classifier_learns_as_much_as_a_linear_one(fit, iris):
    x, y = iris
    peer = LogisticRegression(max_iter=1000).fit(x, y).predict_proba(x)
    theirs = -np.mean(np.log(peer[np.arange(len(y)), y]))
    assert cross_entropy(fit, x, y) < 1.5 * theirs
    assert fit.converged
    assert fit.baseline == pytest.approx(math.log(3.0), abs=1e-12)  # three equal classes
    assert len(fit.history) >= fit.best >= 1
    assert fit.predict(x).shape == y.shape
    np.testing.assert_allclose(fit.predict_proba(x).sum(axis=1), 1.0, atol=1e-12)


@pytest.mark.parametrize("frequencies", [0, 2])
def test_a_fit_no_better_than_the_baseline_gets_advice(frequencies):
    rng = np.random.default_rng(8)
    x, noise = rng.normal(size=(400, 2)), rng.integers(0, 2, 400)
    model = kl.Categorical(logits=tiny(frequencies=frequencies))
    told = kl.fit(model, x, noise, solver=kl.Minibatch(epochs=3))
    (words,) = told.convergence.advice
    assert words.startswith("Not significantly better than the baseline: ")
    assert ("kl.MLP(frequencies=8)" in words) == (frequencies == 0)
    assert "Not significantly better than the baseline" in told.summary()


def test_a_label_independent_of_the_covariates_costs_little_more_than_the_baseline():
    # fresh rows at log 2 each; with the best temperature of the 60 held-out rows it was 0.053 more
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(60, 40)), rng.integers(0, 2, 60)
    found = kl.fit(
        kl.Categorical(logits=kl.MLP(hidden=(32,))), x, noise, solver=kl.Minibatch(seed=0)
    )
    rows, labels = rng.normal(size=(4_000, 40)), rng.integers(0, 2, 4_000)
    assert cross_entropy(found, rows, labels) < math.log(2.0) + 0.04


def test_a_network_that_explains_something_gets_no_advice(fit):
    assert fit.convergence.advice == ()
    assert "no better" not in fit.summary()


def test_the_fitted_model_has_the_same_cross_entropy_in_the_engine(fit, iris):
    # the same number through the engine of every other fit, from encoded columns inside a kernel
    x, y = iris
    table = {f"x{k}": x[:, k] for k in range(x.shape[1])} | {"label": y}
    p = fit.predict_params(x)["logits"]
    own = -np.mean(jax.nn.log_softmax(p)[np.arange(len(y)), y])
    priced = kl.estimate_cross_entropy(fit.model, table, "label")
    # float32 networks: another order of additions moves the seventh digit of a logit
    assert float(priced) == pytest.approx(float(own), abs=1e-5)


def test_the_same_seed_gives_the_same_bits(iris):
    model, how = kl.Categorical(logits=tiny(dropout=0.2)), kl.Minibatch(**QUICK, seed=3)
    first, second = (kl.fit(model, *iris, solver=how).predict_proba(iris[0]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = kl.fit(model, *iris, solver=kl.Minibatch(**QUICK, seed=4)).predict_proba(iris[0])
    assert not np.array_equal(first, other)


def test_frames_with_categories_gaps_and_weights():
    rng = np.random.default_rng(1)
    n = 400
    color = rng.choice(["red", "green", "blue"], n)
    number = rng.normal(size=n)
    label = np.where((color == "red") | (number > 1.0), "yes", "no")
    number[rng.random(n) < 0.1] = np.nan
    frame = pd.DataFrame({"color": color, "number": number, "label": label, "n": 1.0})
    frame.loc[5, "color"] = None
    found = kl.fit(
        kl.Categorical(logits=tiny()),
        frame,
        "label",
        weights="n",
        solver=kl.Minibatch(**LONG),
    )
    assert found.classes_ == ("no", "yes")
    assert np.mean(found.predict(frame) == label) > 0.9
    unknown = found.predict_proba(pd.DataFrame({"color": ["purple", None], "number": [0.0, 0.0]}))
    np.testing.assert_array_equal(unknown[0], unknown[1])  # a level never seen is a missing one


def test_categorical_types_make_categories():
    import polars as pl

    code = np.arange(120) % 4
    label = np.where(code % 2 == 0, "even", "odd")
    how = kl.Minibatch(**QUICK)
    # numbers, but of a categorical type
    frame = pd.DataFrame({"code": pd.Categorical(code), "label": label})
    found = kl.fit(kl.Categorical(logits=tiny()), frame, "label", solver=how)
    assert found.levels == {"code": (0, 1, 2, 3)}
    text = pl.DataFrame({"code": code.astype(str), "label": label})
    text = text.with_columns(pl.col("code").cast(pl.Categorical))
    found = kl.fit(kl.Categorical(logits=tiny()), text, "label", solver=how)
    assert found.levels == {"code": ("0", "1", "2", "3")}
    # each of these numbers would be no level, and count as missing
    with pytest.raises(kl.DataError, match=r'held categories such as "0" .* and holds 0 here'):
        found.predict({"code": code})
    days = pd.DataFrame({"day": pd.date_range("2020-01-01", periods=120), "label": label})
    with pytest.raises(kl.DataError, match="dates or times, such as 2020-01-01"):
        kl.fit(kl.Categorical(logits=tiny()), days, "label", solver=how)


def test_soft_labels_votes_and_hard_labels_agree(iris):
    x, y = iris
    hard = kl.fit(kl.Categorical(logits=tiny()), x, y, solver=kl.Minibatch(**QUICK))
    shares = np.eye(3)[y]
    soft = kl.fit(kl.Categorical(logits=tiny()), x, shares, solver=kl.Minibatch(**QUICK))
    votes = kl.fit(kl.Categorical(logits=tiny()), x, 5.0 * shares, solver=kl.Minibatch(**QUICK))
    np.testing.assert_array_equal(soft.predict_proba(x), votes.predict_proba(x))
    # the same rows in the same order; sums of shares and picked terms round differently
    np.testing.assert_allclose(soft.predict_proba(x), hard.predict_proba(x), atol=1e-3)


def test_a_weight_of_zero_excludes_a_row(iris):
    x, y = iris
    wrong = np.concatenate([y, (y + 1) % 3])
    weights = np.concatenate([np.ones(len(y)), np.zeros(len(y))])
    found = kl.fit(
        kl.Categorical(logits=tiny()),
        np.concatenate([x, x]),
        wrong,
        weights=weights,
        solver=kl.Minibatch(**LONG),
    )
    assert np.mean(found.predict(x) == y) > 0.9


def test_neural_regression_of_location_and_scale():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2.0, 2.0, size=(2000, 1))
    y = np.sin(2.0 * x[:, 0]) + np.exp(-1.5 + 0.5 * x[:, 0]) * rng.normal(size=2000)
    model = kl.Normal(loc=tiny(hidden=(32,)), scale=tiny(hidden=(32,)))
    found = kl.fit(model, x, y, solver=kl.Minibatch(epochs=60, batch=64, learning_rate=0.02))
    # the truth costs E[log scale] + (1 + log 2π)/2 = −1.5 + 1.4189 nats
    truth = -1.5 + 0.5 * (1.0 + math.log(2.0 * math.pi))
    assert truth - 0.1 < found.cross_entropy < truth + 0.15
    assert np.mean((found.predict(x) - np.sin(2.0 * x[:, 0])) ** 2) < 0.02


@pytest.mark.parametrize(("unit", "origin"), [(1e6, 0.0), (1e-6, 0.0), (1.0, 1e7)])
def test_regression_does_not_depend_on_the_unit_of_the_outcome(unit, origin):
    rng = np.random.default_rng(7)
    x = rng.uniform(-2.0, 2.0, size=(600, 1))
    y = np.sin(2.0 * x[:, 0]) + 0.2 * rng.normal(size=600)
    how = kl.Minibatch(epochs=20, batch=64, learning_rate=0.02)
    model = kl.Normal(loc=tiny(), scale=tiny())
    plain = kl.fit(model, x, y, solver=how)
    moved = kl.fit(model, x, unit * y + origin, solver=how)
    # densities differ by the unit; y + 1e7 has nine digits of y left
    expected = plain.cross_entropy + math.log(unit)
    assert moved.cross_entropy == pytest.approx(expected, abs=1e-4)
    np.testing.assert_allclose((moved.predict(x) - origin) / unit, plain.predict(x), atol=1e-2)


def test_a_fixed_parameter_beside_a_network():
    rng = np.random.default_rng(8)
    x = rng.normal(size=(400, 1))
    model = kl.StudentT(df=5.0, loc=tiny(), scale=kl.Param())
    found = kl.fit(model, x, 3.0 * x[:, 0] + rng.normal(size=400), solver=kl.Minibatch(**LONG))
    assert np.all(found.predict_params(x)["df"] == 5.0)
    assert np.corrcoef(found.predict(x), x[:, 0])[0, 1] > 0.95


def test_a_free_parameter_beside_a_network_is_estimated_too():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1500, 1))
    y = rng.gamma(3.0, np.exp(0.5 * x[:, 0]) / 3.0)
    found = kl.fit(
        kl.Gamma(mean=tiny()), x, y, solver=kl.Minibatch(epochs=60, batch=64, learning_rate=0.02)
    )
    shape = found.predict_params(x)["shape"]
    assert shape[0] == pytest.approx(3.0, rel=0.25)


def test_any_equinox_module_is_a_source(iris):
    equinox = pytest.importorskip("equinox")
    layers = equinox.nn.MLP(4, 3, width_size=8, depth=1, key=jax.random.key(0))
    found = kl.fit(kl.Categorical(logits=kl.Network(layers)), *iris, solver=kl.Minibatch(**LONG))
    assert np.mean(found.predict(iris[0]) == iris[1]) > 0.9
    with pytest.raises(kl.ModelError, match=r"must return shape \(2,\) for a row, got \(3,\)"):
        kl.fit(kl.Categorical(logits=kl.Network(layers)), iris[0], iris[1] == 0)


def test_a_diverging_loss_ends_the_training_with_a_reason(iris):
    x, y = iris
    layers = pytest.importorskip("equinox").nn.Linear(4, 1, key=jax.random.key(0))
    x = x.copy()
    x[:, 2] *= 1e30
    frame = pd.DataFrame(x, columns=["a", "b", "large", "d"])
    model = kl.Normal(loc=kl.Network(layers, scaled=False), scale=1.0)
    found = kl.fit(model, frame.assign(y=y), "y", solver=kl.Minibatch(**QUICK))
    assert not found.converged
    assert 'the column "large" reaches' in found.reason


def test_class_weights_and_smoothing(iris):
    x, y = iris
    plain = kl.fit(kl.Categorical(logits=tiny()), x, y, solver=kl.Minibatch(**QUICK))
    how = kl.Minibatch(**QUICK, class_weight={2: 20.0}, calibration=None)
    weighted = kl.fit(kl.Categorical(logits=tiny()), x, y, solver=how)
    assert np.sum(weighted.predict(x) == 2) > np.sum(plain.predict(x) == 2) - 1
    assert weighted.predict_proba(x)[:, 2].mean() > plain.predict_proba(x)[:, 2].mean()
    # of three classes, smoothing by 0.3 asks for 0.8 where a label is certain
    smooth = kl.Minibatch(**LONG, label_smoothing=0.3, calibration=None)
    softened = kl.fit(kl.Categorical(logits=tiny()), x, y, solver=smooth)
    assert softened.predict_proba(x).max(axis=1).mean() == pytest.approx(0.8, abs=0.08)


def test_noise_is_not_learned():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(600, 5)), rng.integers(0, 2, 600)
    several = kl.Categorical(logits=tiny(members=None))  # as by default: five, each held out from
    found = kl.fit(several, x[:400], y[:400], solver=kl.Minibatch(**QUICK))
    assert cross_entropy(found, x[400:], y[400:]) < math.log(2.0) + 0.03


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda x, y: kl.fit(kl.Categorical(logits=tiny()), x, y[:-1]),
            'y has 149 rows and column "x0" has 150; every row needs a value of each',
        ),
        (lambda x, y: kl.fit(kl.Categorical(logits=tiny()), x, 0 * y), "has a single class, 0"),
        (
            lambda x, _: kl.fit(kl.Categorical(logits=tiny()), x),
            r'NumPy array of 150 rows has 4 columns .*which one to fit, .* y="x0" or an array',
        ),
        (lambda x, y: kl.fit(kl.Gamma(mean=tiny()), x, y), "Gamma needs y > 0"),
        (lambda x, _: kl.fit(kl.Categorical(), x[:, 0], solver=kl.Minibatch()), "not contain one"),
        (
            lambda x, y: kl.fit(kl.Categorical(logits=tiny()), x, y, solver=kl.Newton()),
            r"needs solver=kl.Minibatch\(\.\.\.\), got Newton",
        ),
        (lambda x, y: kl.fit(kl.Categorical(logits=tiny()), x * np.inf, y), "infinite value|NaN"),
        (
            lambda x, y: kl.fit(
                kl.Categorical(logits=tiny()),
                x,
                y,
                solver=kl.Minibatch(class_weight={"setosa": 2.0}),
            ),
            "class_weight names 'setosa'",
        ),
        (
            lambda x, y: kl.fit(kl.Categorical(logits=tiny()), x, y, weights=np.zeros(len(y))),
            "are zero; at least one row must count",
        ),
        (lambda *_: kl.MLP(hidden=(0,)), "widths of the hidden layers"),
        (lambda *_: kl.MLP(activation="gelo"), 'did you mean "gelu"'),
        (lambda *_: kl.MLP(dropout=1.0), r"dropout must lie in \[0, 1\), got 1.0"),
        (lambda *_: kl.Minibatch(held_out=0.0), "share of rows to hold out"),
        (lambda *_: kl.Minibatch(lr=0.1), "Minibatch does not take lr: use learning_rate"),
        (lambda *_: kl.Minibatch(batch_size=8), "does not take batch_size: use batch"),
        (lambda *_: kl.Minibatch(n_epochs=8), "does not take n_epochs: use epochs"),
        (lambda *_: kl.Minibatch(optimiser=None), "does not take optimiser: use optimizer"),
        (
            lambda *_: kl.Minibatch(epoch=8),
            r'did you mean "epochs"\? Its options are e',
        ),
        (
            lambda *_: kl.MLP(hidden_layer_sizes=(8,)),
            "MLP does not take hidden_layer_sizes",
        ),
        (lambda *_: kl.Network(model=abs), "Network does not take model: use module"),
    ],
)
def test_errors(call, message, iris):
    with pytest.raises(kl.KullbackError, match=message):
        call(*iris)


def test_an_interrupt_keeps_the_best_so_far(iris):
    def stop(epoch, _epochs, _baseline):
        if epoch.number == 3:
            raise KeyboardInterrupt

    found = kl.fit(
        kl.Categorical(logits=tiny()), *iris, solver=kl.Minibatch(**QUICK), progress=stop
    )
    assert not found.converged
    assert "interrupted after epoch 3" in found.reason
    assert found.predict_proba(iris[0]).shape == (150, 3)


def test_a_category_with_many_levels_is_learned_by_its_code(tmp_path):
    rng = np.random.default_rng(6)
    levels, n = 60, 3_000
    code = rng.integers(0, levels, n)
    label = (rng.random(n) < np.where(code % 2 == 0, 0.9, 0.1)).astype(int)
    table = {"level": np.array([f"level {k}" for k in code]), "label": label}
    how = kl.Minibatch(epochs=20, batch=64, learning_rate=0.02)
    found = kl.fit(kl.Categorical(logits=tiny()), table, "label", solver=how)
    assert found.model.sources["logits"].encoder.width == 1
    # the truth costs H(0.1) = 0.325 nats, and 60 frequencies of 50 rows each about 0.01 more
    assert found.cross_entropy < 0.325 + 0.04
    p = found.predict_proba({"level": ["level 0", "level 1", "never seen", None]})
    assert p[0, 1] > 0.7 > 0.3 > p[1, 1]
    np.testing.assert_array_equal(p[2], p[3])
    priced = kl.estimate_cross_entropy(found.model, table, "label")
    own = -np.mean(np.log(found.predict_proba(table)[np.arange(n), label]))
    assert float(priced) == pytest.approx(own, abs=1e-5)  # float32 in another order of additions
    found.save(tmp_path / "model")
    again = kl.load(tmp_path / "model").predict_proba(table)
    np.testing.assert_array_equal(again, found.predict_proba(table))


def test_smoothing_is_not_in_the_held_out_loss(iris):
    # labels smoothed by 0.5 would cost at least their entropy, 0.87 nats
    how = kl.Minibatch(**LONG, label_smoothing=0.5)
    found = kl.fit(kl.Categorical(logits=tiny()), *iris, solver=how)
    assert found.cross_entropy < 0.4


def test_the_decomposition_and_the_convergence_of_a_training(fit):
    decomposition = fit.decomposition("bits")
    assert decomposition["cross-entropy"] == pytest.approx(
        fit.cross_entropy / math.log(2.0), rel=1e-12
    )
    assert decomposition["entropy of the label"] == pytest.approx(math.log2(3.0), rel=1e-12)
    total = decomposition["cross-entropy"] + decomposition["explained"]
    assert total == pytest.approx(math.log2(3.0), rel=1e-12)
    assert math.isnan(decomposition["entropy"])
    assert bool(fit.convergence) is True
    assert fit.convergence.passes == len(fit.history)


def test_vector_scaling_is_in_the_number_that_is_told(iris):
    x, y = iris
    other = (x[1::2], y[1::2])
    how = kl.Minibatch(**QUICK, calibration="vector", held_out=other)
    found = kl.fit(kl.Categorical(logits=tiny()), x[::2], y[::2], solver=how)
    assert found.cross_entropy == pytest.approx(cross_entropy(found, *other), abs=1e-6)
    losses = -np.log(found.predict_proba(other[0])[np.arange(75), other[1]])
    assert found.error == pytest.approx(losses.std() / math.sqrt(75), rel=1e-4)


def test_files_too_large_for_memory_are_predicted_part_by_part(iris, tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from kullback.data import open as open_module

    x, y = iris
    table = {f"x{k}": x[:, k] for k in range(4)} | {"y0": y}
    file = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table(table), file, row_group_size=40)
    found = kl.fit(kl.Categorical(logits=tiny()), table, "y0", solver=kl.Minibatch(**QUICK))
    whole = found.predict_proba(file)
    monkeypatch.setattr(open_module, "IN_MEMORY_BYTES", 0)
    np.testing.assert_array_equal(found.predict_proba(file), whole)
    pq.write_table(pa.table({"x0": x[:, 0]}), file)
    with pytest.raises(kl.DataError, match='no column "x1"'):
        found.predict_proba(file)


@pytest.mark.parametrize("name", ["equinox", "optax", "safetensors"])
def test_a_missing_library_is_named_with_the_command_to_install_it(iris, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)  # as Python marks what cannot be imported
    with pytest.raises(
        kl.KullbackError, match=rf"need {name}, .* clone: pip install -e '\.\[network\]'$"
    ):
        kl.fit(kl.Categorical(logits=tiny()), *iris)


def test_a_missing_outcome_is_reported_before_an_unusable_covariate():
    table = pd.DataFrame({"day": pd.date_range("2024-01-01", periods=4), "ok": [0, 1, 0, 1]})
    with pytest.raises(kl.DataError, match=r'no column "nope".*"day" and "ok"'):
        kl.fit(kl.Categorical(logits=tiny()), table, "nope")
    with pytest.raises(kl.DataError, match=r"name the covariates without it \(inputs\)"):
        kl.fit(kl.Categorical(logits=tiny()), table, "ok")


def test_a_training_of_one_step_moves_the_weights():
    x = np.random.default_rng(0).normal(size=(12, 2))
    network = kl.MLP(hidden=(4,), members=1)
    fit = kl.fit(
        kl.Categorical(logits=network),
        x,
        (x[:, 0] > 0.0).astype(int),
        solver=kl.Minibatch(epochs=1, calibration=None),
    )
    assert len(fit.history) == 1
    assert np.isfinite(fit.cross_entropy)
    logits = fit.predict_params(x)["logits"]
    assert np.ptp(logits[:, 0] - logits[:, 1]) > 0.0
