"""Comparisons of models: held-out losses against fits of the same parts, by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kullback as kl
from kullback.data.folds import RowFolds
from kullback.data.sample import ArraySample
from kullback.pictures.style import MUTED
from kullback.refitting import SampleProblem

X = np.random.default_rng(1).gamma(3.0, 2.0, 200)
MODELS = [kl.Gamma(), kl.Exponential(), kl.LogNormal()]


def parts(x: np.ndarray, folds: int = 5, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows that each fold's fit sees, and those that it is scored on."""
    drawn = RowFolds(ArraySample({"y": x}), folds, seed)
    both = [(drawn.others(k), drawn.parts[k]) for k in range(folds)]
    return [
        tuple(np.concatenate([c.fields["y"] for c in rows.chunks()]) for rows in pair)
        for pair in both
    ]


def by_hand(model: kl.Model, x: np.ndarray) -> np.ndarray:
    """Each row's loss under the fit to the other folds, in the order of the rows."""
    out = np.empty(x.size)
    for others, held_out in parts(x):
        fitted = kl.fit(model, others).model
        out[np.isin(x, held_out)] = -np.asarray(fitted.log_density(x[np.isin(x, held_out)]))
    return out


def test_losses_of_held_out_rows_and_their_paired_differences() -> None:
    comparison = kl.compare(MODELS, X)
    losses = {model.name: by_hand(model, X) for model in MODELS}
    order = sorted(losses, key=lambda name: losses[name].mean())
    assert [entry.model for entry in comparison.models] == order
    for entry in comparison.models:
        own, best = losses[entry.model], losses[order[0]]
        assert entry.held_out == pytest.approx(own.mean(), rel=1e-9)
        assert entry.held_out_error == pytest.approx(own.std(ddof=1) / np.sqrt(200), rel=1e-8)
        assert entry.difference == pytest.approx((own - best).mean(), rel=1e-7, abs=1e-12)
        error = (own - best).std(ddof=1) / np.sqrt(200)
        assert entry.difference_error == pytest.approx(error, rel=1e-6, abs=1e-7)
        assert entry.distinguishable == bool((own - best).mean() > 2.0 * error)
    assert comparison.best is comparison.fits[order[0]]
    assert comparison.best.params == kl.fit(kl.Gamma(), X).params


def test_many_rows_are_scored_by_the_fits_to_other_folds(monkeypatch: pytest.MonkeyPatch) -> None:
    # estimates one step from that of all rows: the losses are those of fits by themselves, to
    # within 1e-7 nats, where their errors are 2e-3
    x = np.random.default_rng(5).gamma(3.0, 2.0, 100_000)
    models = [kl.Weibull(), kl.Gumbel(), kl.GeneralizedPareto()]
    again, on = [], SampleProblem.on
    monkeypatch.setattr(
        SampleProblem, "on", lambda self, *a: (again.append(self.model.name), on(self, *a))[1]
    )
    comparison = kl.compare(models, x)
    for entry in comparison.models:
        own = by_hand(next(m for m in models if m.name == entry.model), x)
        if entry.model == "GeneralizedPareto":  # the fit without the largest row excludes it
            assert np.isinf(own.mean())
            assert np.isinf(entry.held_out)
        else:
            assert entry.held_out == pytest.approx(own.mean(), abs=1e-7)
    assert {"Weibull", "Gumbel"}.isdisjoint(again)
    assert "GeneralizedPareto" in again


def test_folds_part_the_rows_evenly_and_depend_on_the_seed_alone() -> None:
    sets = [set(held_out) for _, held_out in parts(X)]
    assert [len(s) for s in sets] == [40] * 5
    assert set.union(*sets) == set(X)
    for others, held_out in parts(X):
        assert set(others) | set(held_out) == set(X)
        assert not set(others) & set(held_out)
    assert [set(h) for _, h in parts(X)] == sets
    assert [set(h) for _, h in parts(X, seed=1)] != sets


def test_criteria_by_their_formulas() -> None:
    comparison = kl.compare(MODELS, X, criterion="aic")
    aic = []
    for entry in comparison.models:
        fit = comparison.fits[entry.model]
        k, n, log_likelihood = fit.parameter_count, 200, fit.log_likelihood
        assert entry.criterion("aic") == pytest.approx(2 * k - 2 * log_likelihood)
        assert entry.criterion("bic") == pytest.approx(k * np.log(n) - 2 * log_likelihood)
        assert entry.criterion("aicc") == pytest.approx(
            2 * k - 2 * log_likelihood + 2 * k * (k + 1) / (n - k - 1)
        )
        aic.append(entry.criterion("aic"))
    assert aic == sorted(aic)
    # TIC of an exponential: H is 1 in log(rate), S the variance of x over its squared mean
    entry = next(e for e in comparison.models if e.model == "Exponential")
    trace = X.var() / X.mean() ** 2
    expected = -2 * comparison.fits["Exponential"].log_likelihood + 2 * trace
    assert entry.criterion("tic") == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("x", "outcomes", "among", "not_among"),
    [
        (X, "positive numbers", {"Gamma", "Normal", "Weibull"}, {"Poisson", "Beta", "VonMises"}),
        (X - 6.0, "numbers", {"Normal", "Gumbel"}, {"Gamma", "Poisson"}),
        (np.floor(X), "counts", {"Poisson", "NegativeBinomial"}, {"Gamma", "Normal"}),
        (X / 50.0, "numbers in (0, 1)", {"Beta", "Gamma", "VonMises"}, {"Bernoulli"}),
    ],
)
def test_all_takes_the_families_whose_support_holds_the_rows(
    x: np.ndarray, outcomes: str, among: set[str], not_among: set[str]
) -> None:
    comparison = kl.compare("all", x, criterion="aic")
    names = {entry.model for entry in comparison.models}
    assert comparison.outcomes == outcomes
    assert ("were taken as counts" in str(comparison)) == (outcomes == "counts")
    assert among <= names
    assert not names & not_among


def test_whole_numbers_may_be_measurements() -> None:
    found = kl.compare("continuous", np.floor(X) + 1.0, criterion="aic")
    assert found.outcomes == "positive numbers"
    assert {"Gamma", "Normal"} <= set(found.fits)
    assert "Poisson" not in found.fits


def test_an_unbounded_likelihood_is_not_ranked() -> None:
    # half of the rows are equal: the density of a Cauchy at its location grows without bound
    y = np.append(X[:40], np.zeros(60))
    for criterion in ("held_out", "aic"):
        found = kl.compare([kl.Cauchy(), kl.Normal(), kl.Laplace()], y, criterion=criterion)
        entry = found.models[-1]
        assert (entry.model, entry.ranked) == ("Cauchy", False)
        assert "no maximum" in entry.reason
        assert np.isnan(entry.held_out)
        line = next(line for line in str(found).splitlines() if line.startswith("Cauchy"))
        assert line.split()[1] == "2"  # of its parameters; the columns before it are empty
        assert "Cauchy" not in found.conclusion


def test_a_model_that_cannot_be_fitted_is_a_row_with_its_reason() -> None:
    comparison = kl.compare([kl.Gamma(), kl.Normal(), kl.Lomax()], np.append(X, -1.0))
    reasons = {entry.model: entry.reason for entry in comparison.models}
    assert "Gamma needs y > 0" in reasons["Gamma"]
    assert comparison.models[0].model == "Normal"
    assert set(comparison.fits) == {"Normal"}


def test_a_limit_is_named() -> None:
    # the excess of x over its exponential fit is light-tailed: Lomax runs to the exponential
    x = np.linspace(0.1, 2.0, 50)
    entry = next(
        e for e in kl.compare([kl.Lomax(), kl.Exponential()], x).models if e.model == "Lomax"
    )
    assert entry.reason == "limit: Exponential"


def test_an_impossible_held_out_row_costs_infinity() -> None:
    comparison = kl.compare([kl.Uniform(), kl.Normal()], X)
    assert [entry.model for entry in comparison.models] == ["Normal", "Uniform"]
    assert comparison.models[1].held_out == np.inf
    assert comparison.models[1].distinguishable


def test_weights_count_as_rows_of_the_same_fold() -> None:
    weights = np.random.default_rng(2).integers(1, 4, 200).astype(float)
    comparison = kl.compare(MODELS, {"x": X, "n": weights}, "x", weights="n")
    total = loss = 0.0
    for others, held_out in parts(X):
        w = {value: weights[np.flatnonzero(value == X)[0]] for value in X}
        fitted = kl.fit(kl.Gamma(), others, weights=np.array([w[v] for v in others])).model
        own = np.array([w[v] for v in held_out])
        loss -= float(own @ np.asarray(fitted.log_density(held_out)))
        total += own.sum()
    entry = next(e for e in comparison.models if e.model == "Gamma")
    assert entry.held_out == pytest.approx(loss / total, rel=1e-9)


def test_a_stream_is_parted_by_its_row_numbers(tmp_path: Path) -> None:
    x = np.random.default_rng(4).gamma(3.0, 2.0, 3_000)
    path = tmp_path / "x.csv"
    path.write_text("x\n" + "\n".join(map(repr, x.tolist())) + "\n")
    from kullback.data import Roles, open_sample

    stream = open_sample(str(path), Roles(), in_memory=False)
    entries = kl.compare(MODELS, stream).models
    folds = RowFolds(stream, 5, 0)
    numbers = [[c.rows for c in part.chunks()] for part in folds.parts]
    flat = [np.concatenate(part) for part in numbers]
    assert sorted(np.concatenate(flat).tolist()) == list(range(3_000))
    loss = 0.0
    for rows in flat:
        fitted = kl.fit(kl.Gamma(), np.delete(x, rows)).model
        loss -= float(np.sum(fitted.log_density(x[rows])))
    entry = next(e for e in entries if e.model == "Gamma")
    assert entry.held_out == pytest.approx(loss / 3_000, rel=1e-9)
    assert [e.cells() for e in kl.compare(MODELS, x).models] == [e.cells() for e in entries]


def test_the_table_in_a_frame_and_as_text() -> None:
    comparison = kl.compare({"gamma": kl.Gamma(), "half": kl.Gamma(shape=0.5)}, X)
    frame = comparison.to_frame()
    assert frame["model"].tolist() == ["gamma", "half"]
    assert list(frame.columns) == [
        "model", "held_out", "held_out_error", "difference", "difference_error", "distinguishable",
        "cross_entropy", "log_likelihood", "n_parameters", "aic", "aicc", "bic", "tic",
        "converged", "reason",
    ]  # fmt: skip
    text = str(comparison)
    assert text.startswith("2 models of y, 200 rows, 5 folds, by held-out cross-entropy\n")
    assert "<table>" in comparison._repr_html_()
    assert max(map(len, text.splitlines())) <= 100
    near = kl.compare({"a": kl.Gamma(), "b": kl.Gamma(shape=3.0)}, X)
    assert near.models[1].distinguishable is False  # a gamma's shape, estimated or known
    for shown in (str(near), near._repr_html_()):
        assert shown.count("not distinguishable") == 1
        note = f"above {near.models[0].model} by less than 2 standard errors of the difference"
        assert note in shown
    assert f"It is not distinguishable from {near.models[1].model}." in near.conclusion


def test_the_picture_greys_the_runners_up() -> None:
    figure = kl.compare(MODELS, X).plot("density")
    lines = figure.axes[0].lines
    assert [line.get_color() == MUTED for line in lines] == [False, True, True]


def test_progress_counts_the_fits() -> None:
    seen: list[tuple[int, int]] = []
    kl.compare(MODELS, X, folds=3, progress=lambda done, of: seen.append((done, of)))
    assert seen == [(k, 12) for k in range(1, 13)]  # whatever threads make them


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ([],),
            r"models must be \"all\", \"continuous\", or a list of models such as .*, got \[\]",
        ),
        (("gamma",), "models must be .* got 'gamma'"),
        (([kl.Gamma],), "models must be .* got .*Gamma"),
        (([kl.Gamma(), kl.Poisson()],), "Gamma of numbers, Poisson of counts"),
    ],
)
def test_what_cannot_be_compared_is_refused(arguments: Any, message: str) -> None:
    with pytest.raises(kl.ModelError, match=message):
        kl.compare(*arguments, X)


def test_too_few_rows_and_unknown_criteria_are_refused() -> None:
    with pytest.raises(kl.DataError, match=r"y has 7 rows, too few for 5 folds .* give folds=3"):
        kl.compare(MODELS, X[:7])
    with pytest.raises(kl.KullbackError, match="criterion must be one of 'held_out', 'aic', 'bic'"):
        kl.compare(MODELS, X, criterion="p")


def test_a_comparison_in_bits_is_that_in_nats_over_log_2() -> None:
    nats = kl.compare(MODELS, X)
    bits = nats.to("bits")
    assert (nats.unit, bits.unit) == ("nats", "bits")
    for a, b in zip(nats.models, bits.models, strict=True):
        for name in ("held_out", "held_out_error", "difference", "difference_error"):
            assert getattr(b, name) == pytest.approx(getattr(a, name) / np.log(2.0), rel=1e-15)
        assert a.distinguishable == b.distinguishable
        assert b.fit is a.fit
    frame = bits.to_frame()
    in_nats = nats.to_frame()["cross_entropy"]
    np.testing.assert_allclose(frame["cross_entropy"], in_nats / np.log(2.0), rtol=1e-15)
    ahead = bits.models[1].difference
    assert f"{ahead:.4f} ± " in bits.conclusion
    assert "bits a row" in bits.conclusion
    assert "Losses in bits a row" in str(bits)
    with pytest.raises(kl.KullbackError, match="unit"):
        nats.to("bytes")
