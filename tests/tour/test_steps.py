"""The tour's printed numbers, against SciPy and NumPy."""

import functools
import io
import subprocess
import sys
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from rich.console import Console
from rich.text import Text

import kullback as kl
from kullback.tour.about_labels import classifier
from kullback.tour.column import printable
from kullback.tour.formulas import Formula
from kullback.tour.network_choice import NetworkChoice
from kullback.tour.question import ask
from kullback.tour.session import Step
from kullback.tour.steps import Tour, begin, take
from kullback.tour.terminal import show
from kullback.tour.terminal_pictures import adding

# Sums of a thousand doubles, added in another order, agree to about this much.
TIGHT = 1e-12


# Fits are compiled in a tour, for seconds: tests of the same arguments share one.
taken = functools.cache(take)


@pytest.fixture(scope="module")
def tour() -> Tour:
    return taken(None, None, "nats")


@pytest.fixture(scope="module")
def steps(tour: Tour) -> tuple[Step, ...]:
    return tour.steps


NAMES = {"inf": np.inf, "nan": np.nan}


def printed(step: Step, code: str) -> Any:
    """Return the output of the line that starts with ``code``."""
    (shown,) = [line.shown for line in step.lines if line.code.startswith(code)]
    return eval(shown, NAMES)


def test_there_are_eight_steps_in_order(steps: tuple[Step, ...]) -> None:
    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert all(step.sentences and step.finding and step.lines for step in steps)


def test_the_shown_lines_are_the_lines_that_ran(tour: Tour) -> None:
    namespace: dict[str, Any] = {"kl": kl, "np": np}
    with np.errstate(all="ignore"):
        for step in tour.steps:
            for line in step.lines:
                if line.shown:
                    value = np.asarray(eval(line.code.split("#")[0], namespace), dtype=object)
                    if value.dtype == object and value.ndim == 0:  # a dictionary
                        continue
                    # six digits of an array are shown
                    shown = np.asarray(eval(line.shown, NAMES), dtype=float)
                    np.testing.assert_allclose(shown, value.astype(float), rtol=5e-6)
                else:
                    exec(line.code, namespace)


def test_a_certain_outcome_has_entropy_zero_and_the_fair_coin_the_most(
    steps: tuple[Step, ...],
) -> None:
    assert printed(steps[0], "H([1.0, 0.0, 0.0])") == 0.0
    assert np.isnan(printed(steps[0], "0.0 * np.log(0.0)"))
    # x log x of x = 10^−k is −k ln 10 · 10^−k
    k = np.arange(0, 16, 3)
    np.testing.assert_allclose(
        printed(steps[0], "x * np.log(x)"), -k * np.log(10.0) * 10.0**-k, rtol=5e-6
    )
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


def test_a_relative_entropy_of_four_outcomes_is_a_difference_of_two_sums(
    steps: tuple[Step, ...],
) -> None:
    # Σ p log p of (1/2, 1/4, 1/8, 1/8): log 2 times −(1/2 + 2/4 + 3/8 + 3/8) = −7/4; with q = 1/4
    # each, Σ p log q = −2 log 2
    expected = np.log(2.0) * np.array([-7 / 4, -2.0, 1 / 4])
    assert printed(steps[3], "first, second") == pytest.approx(tuple(expected), rel=1e-14)
    assert printed(steps[3], "kl.entropy(p), kl.cross") == pytest.approx(
        tuple(-expected[:2]), rel=1e-14
    )
    assert printed(steps[3], "kl.kl_divergence(p, q)") == pytest.approx(expected[2], rel=1e-14)
    assert printed(steps[3], "np.log2(1 / p)") == [1.0, 2.0, 3.0, 3.0]
    bits = taken(None, None, "bits").steps[3]
    assert printed(bits, "first, second") == (-1.75, -2.0, 0.25)
    assert "cost 1.7500 bits" in bits.finding


def test_the_likelihood_is_exactly_zero_from_the_named_row_on(tour: Tour) -> None:
    step, y, theta = tour.steps[4], tour.question.y, tour.question.guess
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
    step = tour.steps[5]
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
    step, y, theta = tour.steps[6], tour.question.y, tour.question.guess
    over_rows = printed(step, f"-model({theta}).log_density(y).mean()")
    assert over_rows == printed(step, f"kl.cross_entropy(p, q({theta}))")
    assert over_rows == pytest.approx(-scipy.stats.poisson.logpmf(y, theta).mean(), rel=1e-14)


def test_its_minimiser_is_the_fit_and_its_minimum_is_the_sum_of_two_entropies(tour: Tour) -> None:
    step, y = tour.steps[6], tour.question.y
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


# Dawson (1995), the table of the Titanic: died and survived, by class, sex and age
TITANIC = {
    ("1st", "man"): (118, 57), ("1st", "woman"): (4, 140),
    ("1st", "boy"): (0, 5), ("1st", "girl"): (0, 1),
    ("2nd", "man"): (154, 14), ("2nd", "woman"): (13, 80),
    ("2nd", "boy"): (0, 11), ("2nd", "girl"): (0, 13),
    ("3rd", "man"): (387, 75), ("3rd", "woman"): (89, 76),
    ("3rd", "boy"): (35, 13), ("3rd", "girl"): (17, 14),
    ("crew", "man"): (670, 192), ("crew", "woman"): (3, 20),
}  # fmt: skip
ROWS = np.array(list(TITANIC.values()))
FEATURES = np.array(
    [
        [*(level == own for own in ("1st", "2nd", "3rd", "crew")), who in ("woman", "girl"),
         who in ("boy", "girl")]
        for level, who in TITANIC
    ],
    dtype=float,
)  # fmt: skip


def test_the_loss_of_one_row_is_minus_the_logarithm_of_its_softmax(
    steps: tuple[Step, ...],
) -> None:
    expected = -scipy.special.log_softmax([2.0, 0.5, -1.0])[0]
    assert printed(steps[7], "-np.log(softmax[0])") == pytest.approx(expected, rel=1e-14)
    assert printed(steps[7], "kl.cross_entropy([1.0, 0.0, 0.0]") == pytest.approx(
        expected, rel=1e-14
    )


def test_the_entropy_of_the_label_given_the_features_is_that_of_the_groups(
    steps: tuple[Step, ...],
) -> None:
    picture = steps[7].picture
    # 1,490 died and 711 survived, as the British Board of Trade's report has it
    assert ROWS.sum(axis=0).tolist() == [1490, 711]
    np.testing.assert_array_equal(picture["rows"], ROWS)
    np.testing.assert_array_equal(picture["features"], FEATURES)
    assert picture["baseline"] == pytest.approx(scipy.stats.entropy([1490, 711]), rel=TIGHT)
    given = scipy.stats.entropy(ROWS.T) @ ROWS.sum(axis=1) / 2201
    assert picture["entropy"] == pytest.approx(given, rel=TIGHT)


def test_the_network_descends_to_the_entropy_and_a_logistic_regression_stays_above(
    steps: tuple[Step, ...],
) -> None:
    step = steps[7]
    losses, entropy = step.picture["losses"], step.picture["entropy"]
    assert np.all(np.diff(losses) < TIGHT)
    assert np.all(losses > entropy)
    assert losses[-1] - entropy < 0.001
    q = np.column_stack([step.picture["q"][:, 0], step.picture["q"][:, 1]])
    assert losses[-1] == pytest.approx(-np.sum(ROWS * np.log(q)) / 2201, rel=TIGHT)

    def loss(beta: Any) -> Any:
        z = FEATURES @ beta
        return (ROWS[:, 0] @ np.logaddexp(0.0, z) + ROWS[:, 1] @ np.logaddexp(0.0, -z)) / 2201

    best = scipy.optimize.minimize(loss, np.zeros(6), options={"gtol": 1e-8})
    # after 1,000 steps the descent is this near to the minimum
    assert printed(step, "train(depth=0") == pytest.approx(best.fun - entropy, abs=1e-6)


@pytest.mark.parametrize("activation", ["tanh", "relu", "logistic"])
@pytest.mark.parametrize("depth", [0, 1, 3])
def test_each_step_is_against_the_gradient_of_the_loss(depth: int, activation: str) -> None:
    rate = 1e-3
    session = begin(network=NetworkChoice(depth, activation, rate))
    picture, names = classifier(session).picture, session.namespace
    network = picture["weights"][depth]
    assert len(network) == depth + 1

    def loss(layers: Any) -> Any:
        return -(picture["rows"] * names["forward"](layers)[1]).sum() / 2201

    moved = names["descend"](network, rate)
    for layer in range(depth + 1):
        weights, bias = (array.copy() for array in network[layer])
        for array, after, place in (
            (weights, moved[layer][0], (1, 0)),
            (bias, moved[layer][1], (1,)),
        ):
            before = array[place]
            ends = []
            for h in (1e-5, -1e-5):
                array[place] = before + h
                ends.append(loss([*network[:layer], (weights, bias), *network[layer + 1 :]]))
            array[place] = before
            # central differences: their error is about h² = 1e-10, and rounding 1e-16/h
            assert (before - after[place]) / rate == pytest.approx(
                (ends[0] - ends[1]) / 2e-5, abs=1e-8
            )


def test_a_learning_rate_that_is_too_large_is_reported_as_a_failed_training() -> None:
    for rate in (1e4, 1e300):
        step = classifier(begin(network=NetworkChoice(2, "tanh", rate)))
        assert "the training failed" in step.finding
        assert "nan" not in step.finding
        assert not step.picture["losses"][-1] < step.picture["baseline"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((4, "tanh", 1.0), "depth must be 0, 1, 2 or 3 hidden layers, got 4."),
        ((1, "tan", 1.0), "activation must be tanh, relu or logistic, got 'tan'; did you mean"),
        ((1, "tanh", 0.0), "learning_rate must be a positive number, got 0.0."),
        ((1, "tanh", np.inf), "learning_rate must be a positive number, got inf."),
    ],
)
def test_a_network_that_cannot_be_is_refused(arguments: Any, said: str) -> None:
    with pytest.raises(kl.KullbackError, match=said):
        NetworkChoice(*arguments)


def test_in_bits_every_entropy_is_divided_by_log_two(steps: tuple[Step, ...]) -> None:
    bits = taken(None, None, "bits").steps
    assert printed(bits[0], "H([0.5, 0.5]") == 1.0
    mean, error = printed(bits[1], "surprise.mean()")
    assert (mean * np.log(2), error * np.log(2)) == pytest.approx(
        printed(steps[1], "surprise.mean()"), rel=TIGHT
    )
    for here, there, names in (
        (bits[1], steps[1], ("entropy", "stderr", "mean")),
        (bits[2], steps[2], ("entropy", "relative", "cross", "curve")),
        (bits[3], steps[3], ("entropy", "relative", "cross")),
        (bits[6], steps[6], ("entropy", "at_guess", "at_best")),
        (bits[7], steps[7], ("losses", "baseline", "entropy")),
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
    assert len(set(tour.steps[5].picture["tops"])) == 1
    rows = f"-model({tour.question.guess!r}).log_density(y).mean()"
    values = "kl.cross_entropy(p, q(" if tour.question.counts else "p @ "
    assert printed(tour.steps[6], rows) == pytest.approx(
        printed(tour.steps[6], values), rel=1e-14, abs=1e-14
    )
    assert printed(tour.steps[6], "theta[np.argmin") == pytest.approx(
        tour.question.estimate, abs=tour.question.step / 50 + 1e-9 * tour.question.step
    )
    product, end = tour.steps[4].picture["likelihood"], tour.steps[4].picture["end"]
    lost = (product == 0.0) | np.isinf(product)
    assert (end is None) == (not lost.any())
    assert end is None or int(np.flatnonzero(lost)[0]) + 1 == end


def test_numbers_with_a_density_keep_the_identity() -> None:
    # of a normal distribution with scale 2: ½ log(2πe · 4)
    y = np.random.default_rng(11).normal(1.0, 2.0, 3_000)
    step = take(y, "height").steps[6]
    picture = step.picture
    exact = 0.5 * np.log(8.0 * np.pi * np.e)
    assert abs(picture["entropy"] - exact) < 4.0 * picture["stderr"]
    lines = kl.fit(kl.Normal(scale=float(f"{np.std(y):.4g}")), y).decomposition()
    assert picture["entropy"] == lines["entropy"]
    assert picture["at_best"] == pytest.approx(lines["entropy"] + lines["relative entropy"])
    (relative,) = [line for line in lines.lines if line.name == "relative entropy"]
    assert f"{relative.value:.4f} ± {relative.stderr:.4f} nats, within its error" in step.finding


def test_where_the_entropy_is_unknown_the_identity_says_so() -> None:
    y = np.append(np.full(200, 3.25), np.random.default_rng(7).normal(0.0, 1.0, 20))
    written = io.StringIO()
    tour = take(y, "height")
    if tour.steps[6].picture["entropy"] is None:
        assert "its two parts are unknown" in tour.steps[6].finding
        show(Console(file=written, width=100), data=y, name="height")
        assert "H(p) unknown  +  D(p‖q) unknown  =  H(p, q)" in written.getvalue()
    assert "nan" not in tour.steps[6].finding


def test_labels_keep_the_identity_and_the_most_frequent_has_the_probability_theta() -> None:
    labels = ["oak"] * 30 + ["elm"] * 20 + ["ash"] * 10
    tour = take(labels, "tree")
    step, ask_ = tour.steps[6], tour.question
    assert ask_.levels == ("oak", "elm", "ash")
    assert ask_.estimate == 0.5
    # H = ½ log 2 + ⅓ log 3 + ⅙ log 6; the model ½, ¼, ¼ costs ½ log 2 + ½ log 4 = 3/2 log 2
    entropy = np.log(2.0) / 2 + np.log(3.0) / 3 + np.log(6.0) / 6
    assert printed(step, "kl.entropy(p), kl.kl_divergence(p, best)") == (
        pytest.approx(entropy, rel=TIGHT),
        pytest.approx(1.5 * np.log(2.0) - entropy, rel=TIGHT),
    )
    assert printed(step, "fit.cross_entropy") == pytest.approx(entropy, rel=TIGHT)
    assert f"a relative entropy of {1.5 * np.log(2.0) - entropy:.4f} nats" in step.finding
    assert "“oak” has the probability θ, and the 2 other labels share the rest" in str(
        tour.steps[4].sentences
    )


def test_two_labels_are_a_coin() -> None:
    step = take(["yes"] * 3 + ["no"] * 9, "answer").steps[6]
    # H = ¼ log 4 + ¾ log 4/3, and D = 0
    assert step.picture["entropy"] == pytest.approx(
        0.25 * np.log(4.0) + 0.75 * np.log(4.0 / 3.0), rel=TIGHT
    )
    assert step.picture["at_best"] == pytest.approx(0.0, abs=1e-15)


def test_a_formula_is_one_source_for_a_terminal_and_a_page() -> None:
    formula = Formula("θ_{ML} = arg max_θ {1 / m} Σ_i log q(x_i; θ)")
    assert formula.text == "θ_ML = arg max (1/m) Σ log q(xᵢ; θ)"
    assert formula.mathml == (
        '<math display="block" alttext="θ_ML = arg max (1/m) Σ log q(xᵢ; θ)"><mrow>'
        "<msub><mi>θ</mi><mrow><mi>ML</mi></mrow></msub><mo>=</mo>"
        '<munder><mi>arg max</mi><mi>θ</mi></munder><mspace width="0.17em"/>'
        "<mfrac><mrow><mn>1</mn></mrow><mrow><mi>m</mi></mrow></mfrac>"
        '<munder><mo>∑</mo><mi>i</mi></munder><mspace width="0.17em"/>'
        '<mspace width="0.17em"/><mi>log</mi><mspace width="0.17em"/>'
        '<mi>q</mi><mo stretchy="false">(</mo><msub><mi>x</mi><mi>i</mi></msub><mo>;</mo>'
        '<mi>θ</mi><mo stretchy="false">)</mo></mrow></math>'
    )


def test_a_column_that_cannot_be_used_is_refused_with_the_reason() -> None:
    with pytest.raises(kl.DataError, match="“x” has nan in row 1; the tour needs finite numbers"):
        ask(np.array([1.0, np.nan]), "x")
    with pytest.raises(kl.DataError, match=r"the column has shape \(0,\)"):
        ask(np.array([]), None)
    with pytest.raises(kl.DataError, match="too large for the tour; divide them by 3e"):
        ask(np.array([-1e200, 2e200, 3e200]), "x")
    with pytest.raises(kl.DataError, match="“x” has 1 different labels in 4 rows; the tour needs"):
        ask(["a"] * 4, "x")
    with pytest.raises(kl.DataError, match="has 501 different labels in 501 rows"):
        ask([f"row {i}" for i in range(501)], "x")
    with pytest.raises(kl.KullbackError, match="nit"):
        take(unit="nit")


def test_a_name_is_printed_without_its_control_characters_and_not_at_any_length() -> None:
    assert printable("a\x1b[31mb\n\u202ec") == "a�[31mb��c"
    assert len(printable("x" * 1000)) == 60


@pytest.mark.parametrize("width", [80, 44])
def test_the_terminal_shows_all_of_it_within_its_width(width: int, tour: Tour) -> None:
    written = io.StringIO()
    show(Console(file=written, width=width, force_terminal=True))
    lines = [Text.from_ansi(line) for line in written.getvalue().splitlines()]
    assert max(line.cell_len for line in lines) <= width
    text = "\n".join(line.plain for line in lines)
    for step in tour.steps:
        assert f"{step.number}. {step.title[:20]}" in text
    assert "H(p) 0.610864  +  D(p‖q) 0.183787  =  H(p, q) 0.794651" in text or width < 60


class Keyboard(Console):
    """A terminal with a reader, who presses Enter some times, and then q or the end of input."""

    def __init__(self, enters: int, last: str | None) -> None:
        self.written = io.StringIO()
        super().__init__(file=self.written, width=80)
        self.enters, self.last, self.shown = enters, last, list[int]()

    def input(self, *_: Any, **__: Any) -> str:
        self.shown.append(self.written.getvalue().count(" ─────"))
        if len(self.shown) <= self.enters:
            return ""
        if self.last is None:
            raise EOFError
        return self.last


@pytest.mark.parametrize("last", ["q", None])
def test_a_pause_is_after_each_step_and_a_reader_can_stop(last: str | None) -> None:
    terminal = Keyboard(2, last)
    show(terminal, pause=True)
    assert terminal.shown == [1, 2, 3]  # each step is there before the next is computed
    assert "4. Cross-entropy" not in terminal.written.getvalue()


def test_the_first_step_is_shown_before_jax_is_imported() -> None:
    """JAX takes more than a second to import: the first step does without it."""
    code = (
        "import io, sys\nfrom rich.console import Console\n"
        "from kullback.tour.terminal import show\n"
        "written = io.StringIO()\n"
        "def first():\n"
        "    assert 'the most uncertain one' in written.getvalue() and 'jax' not in sys.modules\n"
        "    raise SystemExit(7)\n"
        "show(Console(file=written, width=80), prepare=first)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 7


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
