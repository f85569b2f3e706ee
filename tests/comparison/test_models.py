"""Comparisons of models with covariates, and of models of labels, against fits by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

import kullback as kl
from kullback.data import Roles, open_sample
from kullback.data.folds import RowFolds
from kullback.data.sample import ArraySample
from kullback.models.linear import Linear
from kullback.results.by_parameter import flat

RNG = np.random.default_rng(5)
N = 150
X = RNG.normal(size=N)
FRAME = pd.DataFrame(
    {
        "y": RNG.gamma(3.0, 1.0, N) * np.exp(0.4 * X),
        "x": X,
        "w": RNG.integers(1, 4, N).astype(float),
        "site": RNG.integers(0, 30, N),
        "kind": np.where(RNG.uniform(size=N) < 1.0 / (1.0 + np.exp(-2.0 * X)), "b", "a"),
    }
)
MODELS = {"plain": kl.Gamma(), "linear": kl.Gamma(rate=Linear(("x",)))}
KINDS = {"plain": kl.Categorical(), "linear": kl.Categorical(logits=Linear(("x",)))}


def fold_of_rows() -> np.ndarray:
    parts = RowFolds(ArraySample({"y": np.arange(float(N))}), 5, 0).parts
    out = np.empty(N, dtype=int)
    for k, part in enumerate(parts):
        out[[int(v) for chunk in part.chunks() for v in chunk.fields["y"]]] = k
    return out


def test_a_linear_source_is_scored_by_each_rows_own_density() -> None:
    found = kl.compare(MODELS, FRAME, "y", weights="w")
    assert [entry.model for entry in found.models] == ["linear", "plain"]
    fold, w = fold_of_rows(), FRAME["w"].to_numpy()
    loss = np.empty(N)
    for k in range(5):
        rows = fold == k
        params = kl.fit(MODELS["linear"], FRAME[~rows], "y", weights="w").params
        rate = np.exp(flat(params["rate"]) @ np.stack([np.ones(N), X]))
        density = stats.gamma(params["shape"], scale=1.0 / rate).logpdf(FRAME["y"])
        loss[rows] = -density[rows]
    entry = found.models[0]
    mean = float(w @ loss / w.sum())
    assert entry.held_out == pytest.approx(mean, rel=1e-9)
    error = np.sqrt(w @ (loss - mean) ** 2 / w.sum() / (w.sum() - 1.0))
    assert entry.held_out_error == pytest.approx(error, rel=1e-8)
    assert entry.distinguishable is False
    assert found.models[1].distinguishable is True


def test_class_probabilities_are_scored_by_the_fits_to_other_folds() -> None:
    found = kl.compare(KINDS, FRAME, "kind")
    assert [entry.model for entry in found.models] == ["linear", "plain"]
    fold, code = fold_of_rows(), (FRAME["kind"] == "b").to_numpy().astype(int)
    plain, linear = np.empty(N), np.empty(N)
    for k in range(5):
        rows = fold == k
        share = code[~rows].mean()
        plain[rows] = -np.log(np.where(code[rows] == 1, share, 1.0 - share))
        b = flat(kl.fit(KINDS["linear"], FRAME[~rows], "kind").params["logits"])
        eta = (np.ravel(b) @ np.stack([np.ones(N), X]))[rows]
        linear[rows] = np.logaddexp(0.0, np.where(code[rows] == 1, -eta, eta))
    assert found.models[1].held_out == pytest.approx(plain.mean(), rel=1e-9)
    assert found.models[0].held_out == pytest.approx(linear.mean(), rel=1e-9)
    error = (plain - linear).std(ddof=1) / np.sqrt(N)
    assert found.models[1].difference_error == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("weights", [None, "w"])
@pytest.mark.parametrize("groups", [None, "site", "x"])
def test_the_same_bits_from_frames_and_streams(
    weights: str | None, groups: str | None, tmp_path: Path
) -> None:
    expected = kl.compare(MODELS, FRAME, "y", weights=weights, groups=groups, folds=3)
    path = tmp_path / "rows.parquet"
    FRAME.to_parquet(path)
    coded = ("site",) if groups == "site" else ()
    roles = Roles(y="y", weights=weights, columns=("x", *coded), categorical=coded)
    stream = open_sample(str(path), roles, in_memory=False)
    found = kl.compare(MODELS, stream, groups=groups, folds=3)
    assert [e.cells() for e in found.models] == [e.cells() for e in expected.models]


def test_a_class_that_only_one_fold_holds_costs_infinity_there() -> None:
    kinds = np.array(["a"] * 60 + ["b"] * 60 + ["c"])
    found = kl.compare({"shares": kl.Categorical()}, {"kind": kinds}, "kind")
    assert found.models[0].held_out == np.inf
    assert found.best.params["probabilities"].size == 3


def test_networks_are_refused_with_what_to_do_instead() -> None:
    network = kl.Categorical(logits=kl.MLP())
    with pytest.raises(kl.ModelError, match=r"network, which kl\.compare does not train"):
        kl.compare([kl.Categorical(), network], FRAME, "kind")


def test_a_model_that_fails_on_one_fold_is_a_row_with_its_reason() -> None:
    # without the fold of the one row of another value, all rows are equal: no scale
    y = np.array([2.0] * 19 + [3.0])
    found = kl.compare([kl.Normal(), kl.Exponential()], y, folds=4)
    entry = next(e for e in found.models if e.model == "Normal")
    assert np.isnan(entry.held_out)
    assert entry.distinguishable is None
    assert "without fold" in entry.reason
    assert "Normal cannot be fitted" in entry.reason
    assert found.models[0].model == "Exponential"
    assert set(found.fits) == {"Normal", "Exponential"}
    assert entry.criterion("aic") == found.fits["Normal"].aic
