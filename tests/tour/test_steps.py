"""The tour's printed numbers, against SciPy and NumPy."""

import functools
import io
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.stats
from rich.console import Console
from rich.text import Text

import kullback as kl
from kullback.tour.question import ask, printable
from kullback.tour.session import Step
from kullback.tour.steps import Tour, take
from kullback.tour.terminal import adding, show

# Sums of a thousand doubles, added in another order, agree to about this much.
TIGHT = 1e-12


# A tour trains a network, for seconds: those of the same arguments share one.
taken = functools.cache(take)


@pytest.fixture(scope="module")
def tour() -> Tour:
    return taken(None, None, "nats")


@pytest.fixture(scope="module")
def steps(tour: Tour) -> tuple[Step, ...]:
    return tour.steps


def printed(step: Step, code: str) -> Any:
    """Return the output of the line that starts with ``code``."""
    (shown,) = [line.shown for line in step.lines if line.code.startswith(code)]
    return eval(shown, {"inf": np.inf})


def test_there_are_seven_steps_in_order(steps: tuple[Step, ...]) -> None:
    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6, 7]
    assert all(step.sentences and step.finding and step.lines for step in steps)


def test_the_shown_lines_are_the_lines_that_ran(tour: Tour) -> None:
    namespace: dict[str, Any] = {"kl": kl, "np": np, "path": tour.namespace["path"]}
    with np.errstate(all="ignore"):
        for step in tour.steps:
            for line in step.lines:
                if line.shown:
                    value = np.asarray(eval(line.code.split("#")[0], namespace), dtype=object)
                    if value.dtype == object and value.ndim == 0:  # a dictionary
                        continue
                    # six digits of an array are shown
                    shown = np.asarray(eval(line.shown, {"inf": np.inf}), dtype=float)
                    np.testing.assert_allclose(shown, value.astype(float), rtol=5e-6)
                else:
                    exec(line.code, namespace)


def test_a_certain_outcome_has_entropy_zero_and_the_fair_coin_the_most(
    steps: tuple[Step, ...],
) -> None:
    assert printed(steps[0], "kl.entropy([1.0, 0.0])") == 0.0
    p, entropy = steps[0].picture["p"], steps[0].picture["entropy"]
    np.testing.assert_allclose(entropy, scipy.stats.entropy([p, 1 - p]), rtol=TIGHT, atol=1e-15)
    assert printed(steps[0], "p[np.argmax") == (0.5, pytest.approx(np.log(2.0), rel=1e-14))


def test_the_mean_surprise_is_the_entropy_within_its_error(steps: tuple[Step, ...]) -> None:
    entropy = scipy.stats.entropy([0.3, 0.7])
    mean, error = printed(steps[1], "surprise.mean()")
    # The standard deviation of log 1/p(X): √(p (1−p)) |log p/(1−p)|; that of 100,000 draws is
    # within a percent of it.
    exact = np.sqrt(0.21) * np.log(0.7 / 0.3) / np.sqrt(100_000)
    assert error == pytest.approx(exact, rel=0.01)
    assert abs(mean - entropy) < 3 * error
    picture = steps[1].picture
    assert picture["entropy"] == pytest.approx(entropy, rel=TIGHT)
    np.testing.assert_allclose(
        picture["stderr"] * np.sqrt(picture["draws"] / 1e5), exact, rtol=TIGHT
    )
    assert np.all(np.abs(picture["mean"] - entropy) < 4 * picture["stderr"])


def test_cross_entropy_less_entropy_is_relative_entropy_to_the_last_digit(
    steps: tuple[Step, ...],
) -> None:
    entropy, relative = printed(steps[2], "kl.entropy(p), kl.kl_divergence(p, q)")
    assert relative == printed(steps[2], "kl.cross_entropy(p, q) - kl.entropy(p)")
    p, q = [0.3, 0.7], [0.6, 0.4]
    assert entropy == pytest.approx(scipy.stats.entropy(p), rel=1e-14)
    assert relative == pytest.approx(scipy.stats.entropy(p, q), rel=1e-14)
    assert printed(steps[2], "kl.kl_divergence(q, p)") == pytest.approx(
        scipy.stats.entropy(q, p), rel=1e-14
    )
    assert printed(steps[2], "kl.kl_divergence(p, [1.0, 0.0])") == np.inf


def test_the_likelihood_is_exactly_zero_from_the_named_row_on(tour: Tour) -> None:
    step, y, theta = tour.steps[3], tour.question.y, tour.question.guess
    products = np.cumprod(scipy.stats.poisson.pmf(y, theta))
    last = int(np.flatnonzero(products == 0.0)[0]) + 1
    assert step.picture["end"] == last
    assert f"With the {last}th row" in step.finding
    assert printed(step, "np.count_nonzero") == (last - 1, 1000)
    assert printed(step, "likelihood[-1]") == 0.0
    assert printed(step, f"model({theta}).log_density(y).sum()") == pytest.approx(
        scipy.stats.poisson.logpmf(y, theta).sum(), rel=TIGHT
    )


def test_three_curves_have_one_maximum(tour: Tour) -> None:
    step = tour.steps[4]
    theta, few = step.picture["theta"], tour.question.y[::20]
    logs = scipy.stats.poisson.logpmf(few[:, None], theta[1:]).sum(axis=0)
    np.testing.assert_allclose(step.picture["log_likelihood"][1:], logs, rtol=TIGHT)
    np.testing.assert_allclose(step.picture["likelihood"][1:], np.exp(logs), rtol=1e-10)
    assert step.picture["tops"] == [int(np.argmax(logs)) + 1] * 3
    assert printed(step, "[theta[") == [theta[step.picture["tops"][0]]] * 3
    # no θ of the grid is nearer to the estimate, which is the mean
    assert np.argmin(np.abs(theta - few.mean())) == step.picture["tops"][0]


def test_the_mean_negative_log_likelihood_is_the_cross_entropy_to_the_last_digit(
    tour: Tour,
) -> None:
    step, y, theta = tour.steps[5], tour.question.y, tour.question.guess
    over_rows = printed(step, f"-model({theta}).log_density(y).mean()")
    assert over_rows == printed(step, f"kl.cross_entropy(p, q({theta}))")
    assert over_rows == pytest.approx(-scipy.stats.poisson.logpmf(y, theta).mean(), rel=1e-14)


def test_its_minimiser_is_the_fit_and_its_minimum_is_the_sum_of_two_entropies(tour: Tour) -> None:
    step, y = tour.steps[5], tour.question.y
    # a Poisson's maximum-likelihood rate is the mean; the fine grid has steps of 0.001
    assert printed(step, "fit.params")["rate"] == pytest.approx(y.mean(), rel=1e-14)
    assert printed(step, "theta[np.argmin") == pytest.approx(y.mean(), abs=0.0005 + 1e-12)
    counts = np.unique_counts(y)
    entropy = scipy.stats.entropy(counts.counts)
    relative = -entropy - counts.counts @ scipy.stats.poisson.logpmf(counts.values, y.mean()) / 1000
    assert printed(step, "kl.entropy(p), ") == (
        pytest.approx(entropy, rel=TIGHT),
        pytest.approx(relative, rel=TIGHT),
    )
    assert printed(step, "kl.entropy(p) + ") == printed(step, "fit.cross_entropy")


def test_the_loss_of_the_classifier_falls_to_the_least_one(tour: Tour) -> None:
    step, table = tour.steps[6], tour.namespace["table"]
    sick, z = table[:, 0], scipy.stats.zscore(table[:, 1:])

    def loss(beta: Any) -> Any:
        return np.mean(np.logaddexp(0.0, (1.0 - 2.0 * sick) * (beta[0] + z @ beta[1:])))

    best = scipy.optimize.minimize(loss, np.zeros(5), options={"gtol": 1e-7})
    losses, baseline = step.picture["losses"], step.picture["baseline"]
    assert losses[0] == pytest.approx(np.log(2.0), rel=TIGHT)
    # BFGS stops with a gradient of 1e-7, and so within its square of the least loss
    assert losses[-1] == pytest.approx(best.fun, rel=1e-9)
    assert np.all(np.diff(losses) < TIGHT)
    assert baseline == pytest.approx(scipy.stats.entropy([sick.mean(), 1 - sick.mean()]))
    assert losses[-1] < baseline < losses[0]
    for kind, label in (("malignant", 1.0), ("benign", 0.0)):
        assert {int(counts.sum()) for counts in step.picture[kind]} == {int(np.sum(sick == label))}


def test_a_network_is_trained_too_and_scored_on_held_out_rows(tour: Tour) -> None:
    step, trained = tour.steps[6], tour.namespace["trained"]
    held_out = step.picture["network"]
    assert len(held_out) == len(trained.history)
    assert held_out.min() == trained.history[trained.best - 1].refined
    # the last calibration allows for its own error, which costs next to nothing here
    assert held_out.min() == pytest.approx(trained.cross_entropy, abs=0.1 * trained.error)
    # scikit-learn's cross_val_predict, 5 folds, LogisticRegression(C=1e9): 0.151 nats on these
    # rows, 0.02 the standard error of either
    assert 0.08 < trained.cross_entropy < 0.17
    assert f"{trained.cross_entropy:.3f} ±" in step.finding


def test_in_bits_every_entropy_is_divided_by_log_two(steps: tuple[Step, ...]) -> None:
    bits = take(unit="bits").steps
    assert printed(bits[0], "kl.entropy([0.5, 0.5]") == 1.0
    mean, error = printed(bits[1], "surprise.mean()")
    assert (mean * np.log(2), error * np.log(2)) == pytest.approx(
        printed(steps[1], "surprise.mean()"), rel=TIGHT
    )
    for here, there, names in (
        (bits[1], steps[1], ("entropy", "stderr", "mean")),
        (bits[2], steps[2], ("entropy", "relative", "cross", "curve")),
        (bits[5], steps[5], ("entropy", "at_guess", "at_best")),
        (bits[6], steps[6], ("losses", "baseline", "network")),
    ):
        for name in names:
            # running means add 100,000 numbers one after the other: 1e5 · 2^−53
            np.testing.assert_allclose(
                np.asarray(here.picture[name]) * np.log(2), there.picture[name], rtol=1e-11
            )


# ---- a reader's own numbers --------------------------------------------------------------------

random = np.random.default_rng(5)


@pytest.mark.parametrize(
    ("family", "data"),
    [
        ("Bernoulli", (random.random(60) < 0.2).astype(float)),
        ("Bernoulli", np.zeros(4)),
        ("Poisson", random.poisson(3.0, 80).astype(float)),
        ("Exponential", random.exponential(3.0, 300)),
        ("LogNormal", random.lognormal(2.0, 0.4, 300)),
        ("Normal", random.normal(-170.0, 10.0, 300)),
        ("Normal", np.sort(random.normal(0.0, 1.0, 300))),
        ("Normal", np.full(3, -2.0)),
        ("Exponential", np.array([3.7])),
        ("Normal", random.normal(0.0, 1e-20, 50)),  # the product overflows
    ],
)
def test_a_column_gets_a_family_and_the_argument_holds_for_it(family: str, data: Any) -> None:
    tour = take(data, "height")
    assert tour.question.family == family
    assert len(set(tour.steps[4].picture["tops"])) == 1
    rows = f"-model({tour.question.guess!r}).log_density(y).mean()"
    values = "kl.cross_entropy(p, q(" if tour.question.counts else "p @ "
    assert printed(tour.steps[5], rows) == pytest.approx(
        printed(tour.steps[5], values), rel=1e-14, abs=1e-14
    )
    assert printed(tour.steps[5], "theta[np.argmin") == pytest.approx(
        tour.question.estimate, abs=tour.question.step / 50 + 1e-9 * tour.question.step
    )
    product, end = tour.steps[3].picture["likelihood"], tour.steps[3].picture["end"]
    lost = (product == 0.0) | np.isinf(product)
    assert (end is None) == (not lost.any())
    assert end is None or int(np.flatnonzero(lost)[0]) + 1 == end


def test_a_column_that_cannot_be_used_is_refused_with_the_reason() -> None:
    with pytest.raises(kl.DataError, match="“x” has nan in row 1; the tour needs finite numbers"):
        ask(np.array([1.0, np.nan]), "x")
    with pytest.raises(kl.DataError, match=r"the column has shape \(0,\)"):
        ask(np.array([]), None)
    with pytest.raises(kl.DataError, match="too large for the tour; divide them by 3e"):
        ask(np.array([-1e200, 2e200, 3e200]), "x")
    with pytest.raises(kl.KullbackError, match="nit"):
        take(unit="nit")


def test_a_name_is_printed_without_its_control_characters_and_not_at_any_length() -> None:
    assert printable("a\x1b[31mb\n\u202ec") == "a�[31mb��c"
    assert len(printable("x" * 1000)) == 60


@pytest.mark.parametrize("width", [80, 44])
def test_the_terminal_shows_all_of_it_within_its_width(
    width: int, tour: Tour, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kullback.tour.terminal.take", taken)
    written = io.StringIO()
    show(Console(file=written, width=width, force_terminal=True))
    lines = [Text.from_ansi(line) for line in written.getvalue().splitlines()]
    assert max(line.cell_len for line in lines) <= width
    text = "\n".join(line.plain for line in lines)
    for step in tour.steps:
        assert f"{step.number}. {step.title[:20]}" in text
    assert "H(p) 0.610864  +  D(p‖q) 0.183787  =  H(p, q) 0.794651" in text or width < 60


def test_a_hostile_name_reaches_the_terminal_as_text() -> None:
    written = io.StringIO()
    name = "\x1b]0;owned\x07[bold]he[/bold]\x1b[31m"
    data = np.random.default_rng(1).normal(size=40)
    show(Console(file=written, width=100), data=data, name=name, unit="bits")
    text = written.getvalue()
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "“�]0;owned�[bold]he[/bold]�[31m”" in text


def test_two_shown_parts_add_up_to_the_shown_sum() -> None:
    parts = np.random.default_rng(2).uniform(-1.0, 3.0, (2_000, 2))
    for part, rest in parts.tolist():
        shown = adding(part, rest)
        assert Decimal(shown[0]) + Decimal(shown[1]) == Decimal(shown[2])
        digits = len(shown[0].partition(".")[2])
        assert digits >= 6
        assert shown == tuple(f"{value:.{digits}f}" for value in (part, rest, part + rest))
