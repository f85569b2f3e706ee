"""The tour's page in a browser: what it shows, and that the numbers are those of the library."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

import kullback as kl
from kullback.tour.about_labels import classifier
from kullback.tour.network_choice import NetworkChoice
from kullback.tour.page import render
from kullback.tour.steps import begin

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, made once: the tour's own, one of counts and one of numbers with a density."""
    place = tmp_path_factory.mktemp("tour")
    random = np.random.default_rng(3)
    pages = {
        "own": render(),
        "density": render(data=random.gamma(2.0, 3.0, 2_500), name=HOSTILE),
        "labels": render(data=(random.random(60) < 0.3).astype(float), name="x" * 500),
        "words": render(
            data=["oak"] * 30 + ["elm"] * 20 + [HOSTILE] * 10, name="tree", unit="bits"
        ),
    }
    for name, html in pages.items():
        (place / f"{name}.html").write_text(html, encoding="utf-8")
    return place


class Visit:
    """An open page, with its requests and its errors."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.page = browser.new_page(**options)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._dialog)
        self.page.goto(path.as_uri())

    def _dialog(self, dialog: Any) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def slider(self, variable: str) -> Any:
        return self.page.locator(f'input[data-variable="{variable}"]').first

    def set(self, variable: str, place: int) -> None:
        self.slider(variable).fill(str(place))

    def number(self, name: str, inside: str = "body") -> str:
        text: str = self.page.locator(f'{inside} [data-number="{name}"]').first.text_content()
        return text.replace("−", "-")

    def drag(self, figure: str, start: tuple[float, float], *ends: tuple[float, float]) -> None:
        """Drag inside a picture, from and to shares of its width and height."""
        picture = self.page.locator(f'[data-figure="{figure}"] svg').last
        picture.scroll_into_view_if_needed()
        box = picture.bounding_box()
        mouse = self.page.mouse
        x, y = start
        mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        mouse.down()
        for x, y in ends:
            mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        mouse.up()

    def place(self, variable: str) -> int:
        return int(self.slider(variable).input_value())

    def identity(self, name: str) -> tuple[Decimal, Decimal, Decimal]:
        """Read the three numbers at one moment (some pages move), and check their sum."""
        texts = self.page.locator(f'[data-identity="{name}"]').first.evaluate(
            """block => ["entropy", "relative", "cross"].map(
                 part => block.querySelector(`[data-number="${part}"]`).textContent)"""
        )
        entropy, relative, cross = (
            text.replace("−", "-").replace("∞", "Infinity") for text in texts
        )
        numbers = Decimal(entropy), Decimal(relative), Decimal(cross)
        assert numbers[0] + numbers[1] == numbers[2], (entropy, relative, cross)
        return numbers


@pytest.fixture
def visit(browser: Any, folder: Path) -> Iterator[Any]:
    opened: list[Visit] = []

    def open_page(name: str = "own", **options: Any) -> Visit:
        opened.append(Visit(browser, folder / f"{name}.html", **options))
        return opened[-1]

    yield open_page
    for one in opened:
        assert one.complaints == []
        assert len(one.requests) == 1  # the file itself
        assert one.requests[0].startswith("file://")
        one.page.close()


def near(shown: str | Decimal, value: float) -> bool:
    """Whether a shown number is the value, correctly rounded."""
    digits = str(shown).partition(".")[2]
    # half a unit of the last digit, and what two ways to compute it may differ by
    return abs(float(shown) - value) <= 0.5 * 10.0 ** -len(digits) + 1e-12


def test_the_page_is_small_and_allows_nothing_from_elsewhere(folder: Path) -> None:
    for path in folder.iterdir():
        html = path.read_text(encoding="utf-8")
        assert len(html.encode()) < 200_000
        assert "default-src 'none'" in html
        assert "unsafe" not in html
        assert not re.search(r"\b(src|href)=[\"'](?!#)", html)
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML|\bstyle=", html)


def test_by_keyboard_every_slider_moves_and_the_identity_holds(visit: Any) -> None:
    opened = visit()
    for variable, block in (("p", "coins"), ("q", "coins"), ("theta", "fitted")):
        slider = opened.slider(variable)
        slider.focus()
        shown = {opened.identity(block)}
        for key in ("ArrowRight", "ArrowRight", "PageUp", "ArrowLeft", "PageDown", "PageDown"):
            before = slider.input_value()
            opened.page.keyboard.press(key)
            assert slider.input_value() != before
            shown.add(opened.identity(block))
        assert len(shown) >= 4
    for variable in ("x", "draws", "m", "step"):
        slider = opened.slider(variable)
        before, text = slider.input_value(), slider.get_attribute("aria-valuetext")
        slider.focus()
        opened.page.keyboard.press("ArrowRight")
        assert slider.input_value() == str(int(before) + 1)
        assert slider.get_attribute("aria-valuetext") != text


def test_by_mouse_a_slider_and_the_picture_move_and_the_identity_holds(visit: Any) -> None:
    opened = visit()
    mouse = opened.page.mouse
    slider = opened.page.locator('#step-3 input[data-variable="q"]')
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    mouse.move(box["x"] + 0.6 * box["width"], box["y"] + box["height"] / 2)
    mouse.down()
    for share in (0.5, 0.4, 0.21):
        mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        opened.identity("coins")
    mouse.up()
    assert 15 <= int(slider.input_value()) <= 27  # the knob has a width of its own

    picture = opened.page.locator('[data-figure="coins"] .handle').nth(1)  # p's
    box = picture.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(*middle)
    mouse.down()
    mouse.move(middle[0] + 100, middle[1])
    opened.identity("coins")
    mouse.move(middle[0] + 200, middle[1])
    mouse.up()
    moved = int(opened.slider("p").input_value())
    assert moved > 40
    mouse.move(middle[0] + 300, middle[1])  # let go: it stays
    assert int(opened.slider("p").input_value()) == moved
    entropy, _, _ = opened.identity("coins")
    assert near(entropy, scipy.stats.entropy([moved / 100, 1 - moved / 100]))


def test_the_numbers_are_those_of_scipy_correctly_rounded(visit: Any) -> None:
    opened = visit()
    for p, q in ((30, 60), (50, 1), (1, 99), (7, 8), (99, 1), (0, 40), (100, 3)):
        opened.set("p", p)
        opened.set("q", q)
        entropy, relative, cross = opened.identity("coins")
        ps, qs = [p / 100, 1 - p / 100], [q / 100, 1 - q / 100]
        assert near(entropy, scipy.stats.entropy(ps))
        assert near(relative, scipy.stats.entropy(ps, qs))
        assert near(cross, scipy.stats.entropy(ps) + scipy.stats.entropy(ps, qs))
        back = opened.number("reverse").replace("∞", "inf")
        expected = scipy.stats.entropy(qs, ps)
        assert float(back) == expected or near(back, expected)


def test_the_identity_holds_wherever_the_two_sliders_stand(visit: Any) -> None:
    opened = visit()
    wrong, longest = opened.page.evaluate(
        """() => {
            let wrong = [], longest = 0;
            for (let i = 0; i <= 100; i++) for (let j = 1; j <= 99; j++) {
                const p = [i / 100, 1 - i / 100], q = [j / 100, 1 - j / 100];
                const shown = adding(entropyOf(p), i === j ? 0 : relativeOf(p, q), crossOf(p, q));
                const whole = shown.map((text) => BigInt(text.replace('.', '')));
                if (whole[0] + whole[1] !== whole[2]) wrong.push([i, j, shown]);
                longest = Math.max(longest, ...shown.map((text) => text.split('.')[1].length));
            }
            return [wrong, longest];
        }"""
    )
    assert wrong == []
    assert longest <= 12  # 13 and 14 decimals would come near a double's own rounding


def test_where_q_is_p_the_relative_entropy_is_zero(visit: Any) -> None:
    opened = visit()
    for place in (0, 1, 33, 50, 100):
        opened.set("p", place)
        opened.set("q", place)
        entropy, relative, cross = opened.identity("coins")
        assert relative == 0
        assert entropy == cross
        assert not str(relative).startswith("-")


def test_where_q_rules_out_what_p_allows_it_is_infinite(visit: Any) -> None:
    opened = visit()
    opened.set("p", 30)
    for place in (0, 100):
        opened.set("q", place)
        assert opened.number("relative", '[data-identity="coins"]') == "∞"
        assert opened.number("cross", '[data-identity="coins"]') == "∞"
        assert near(opened.identity("coins")[0], scipy.stats.entropy([0.3, 0.7]))


def test_theta_changes_the_likelihood_and_the_loss_at_the_estimate_is_that_of_the_fit(
    visit: Any,
) -> None:
    opened = visit()
    y = kl.NegativeBinomial(mean=3.0, size=4.0).sample(1_000, seed=4)
    counts = np.unique_counts(y).counts
    for place in (80, 30, 150):
        theta = place * 0.05
        opened.set("theta", place)
        entropy, _, cross = opened.identity("fitted")
        assert near(entropy, scipy.stats.entropy(counts))
        assert near(cross, -scipy.stats.poisson.logpmf(y, theta).mean())
        products = np.cumprod(scipy.stats.poisson.pmf(y, theta))
        lost = int(np.flatnonzero(products == 0.0)[0]) + 1
        opened.set("m", lost - 2)
        assert opened.number("product") != "0, exactly"
        opened.set("m", lost - 1)
        assert opened.number("product") == "0, exactly"
        assert f"exactly 0 from row {lost} on" in opened.number("vanishes")
        assert near(opened.number("sum"), scipy.stats.poisson.logpmf(y[:lost], theta).sum())
        few = scipy.stats.poisson.logpmf(y[::20], theta)
        assert near(opened.number("top-log"), few.sum())
        assert near(opened.number("top-mean"), few.mean())
    opened.page.get_by_role("button", name="estimate").click()
    _, relative, cross = opened.identity("fitted")
    fit = kl.fit(kl.Poisson(), y)
    assert near(cross, fit.cross_entropy)
    assert near(relative, fit.cross_entropy - scipy.stats.entropy(counts))


def test_a_model_that_rules_out_a_row_costs_infinitely_much(visit: Any) -> None:
    opened = visit("labels")
    opened.set("theta", 0)
    assert opened.number("cross", '[data-identity="fitted"]') == "∞"
    assert opened.number("relative", '[data-identity="fitted"]') == "∞"
    assert opened.number("product") == "0, exactly"
    opened.page.get_by_role("button", name="estimate").click()
    assert opened.identity("fitted")[1] == 0


def test_a_hostile_name_is_text_and_runs_nothing(visit: Any, folder: Path) -> None:
    opened = visit("density")
    page = opened.page
    label = page.locator("bdi.label").text_content()
    assert label.strip("“”") == HOSTILE[:59] + "…"
    assert HOSTILE[:59] in page.locator("#step-5").text_content()
    assert HOSTILE[:59] in page.title()
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2
    html = (folder / "density.html").read_text(encoding="utf-8")
    data = re.search(r'<script type="application/json"[^>]*>(.*?)</script>', html, re.DOTALL)
    assert data is not None
    assert "<" not in data[1]
    # of 2,500 rows the page holds the first 1,000, and says so
    assert len(json.loads(data[1])["question"]["rows"]) == 1_000
    assert "holds the first 1,000" in page.locator("header").text_content()
    for place in (10, 60, 120):
        opened.set("theta", place)
        opened.identity("fitted")


def test_a_script_that_is_not_the_pages_own_is_refused(browser: Any, folder: Path) -> None:
    """The content security policy holds by itself, should an escape be forgotten."""
    html = (folder / "own.html").read_text(encoding="utf-8")
    broken = folder.parent / "broken.html"
    broken.write_text(
        html.replace("<main>", "<main><script>window.owned = 1</script><img src='x.png'>"),
        encoding="utf-8",
    )
    opened = Visit(browser, broken)
    assert opened.page.evaluate("window.owned") is None
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)
    opened.page.close()


@pytest.mark.parametrize("name", ["own", "density", "labels", "words"])
def test_on_a_phone_nothing_sticks_out(visit: Any, name: str) -> None:
    opened = visit(name, viewport={"width": 360, "height": 740})
    across = "document.documentElement.scrollWidth"
    assert opened.page.evaluate(across) <= 360
    opened.set("q", 1)
    for code in opened.page.locator("summary").all():
        code.click()
    assert opened.page.evaluate(across) <= 360
    # formulas are as wide as the text, or narrower
    wide = "[...document.querySelectorAll('.formula')].filter((f) => f.scrollWidth > f.clientWidth)"
    assert opened.page.evaluate(f"{wide}.length") == 0
    opened.page.set_viewport_size({"width": 900, "height": 700})  # turned
    widths = opened.page.evaluate("[...document.querySelectorAll('svg')].map((s) => s.clientWidth)")
    assert min(widths) > 600


def test_it_is_light_or_dark_as_the_browser_prefers(visit: Any) -> None:
    def brightness(scheme: str) -> tuple[float, float]:
        page = visit(color_scheme=scheme).page
        colours = page.evaluate(
            "(({color, backgroundColor}) => [color, backgroundColor])"
            "(getComputedStyle(document.body))"
        )
        ink, paper = (sum(map(int, re.findall(r"\d+", colour)[:3])) / 765 for colour in colours)
        return ink, paper

    ink, paper = brightness("light")
    assert paper > 0.9
    assert ink < 0.2
    ink, paper = brightness("dark")
    assert paper < 0.15
    assert ink > 0.8


def test_text_has_contrast_and_the_focus_is_visible(visit: Any) -> None:
    for scheme in ("light", "dark"):
        opened = visit(color_scheme=scheme)
        ratios = opened.page.evaluate(
            """() => {
                const style = getComputedStyle(document.documentElement);
                const light = (name) => {
                    const hex = style.getPropertyValue(name).trim().slice(1);
                    return [0, 2, 4].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
                        .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
                        .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
                };
                const paper = light('--paper');
                return ['--ink', '--faint', '--entropy', '--relative', '--cross'].map((name) => {
                    const [a, b] = [light(name), paper].sort((x, y) => y - x);
                    return (a + 0.05) / (b + 0.05);
                });
            }"""
        )
        assert min(ratios) >= 4.5  # WCAG 2.2, 1.4.3, level AA
        opened.page.keyboard.press("Tab")
        outline = opened.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def test_every_slider_has_a_name_and_says_its_value(visit: Any) -> None:
    opened = visit()
    sliders = opened.page.get_by_role("slider").all()
    # x, p twice, q, draws, four shares, m, θ three times, step
    assert len(sliders) == 14
    for slider in sliders:
        assert slider.get_attribute("aria-valuetext")
        assert slider.evaluate("(input) => input.labels[0].textContent.trim().length") > 3
    theta = opened.page.locator('input[data-variable="theta"]').all()
    opened.set("theta", 33)
    assert {slider.input_value() for slider in theta} == {"33"}


# ---- dragging ------------------------------------------------------------------------------------


def test_each_picture_that_has_a_slider_can_be_dragged(visit: Any) -> None:
    opened = visit()
    for figure, variable in (
        ("limit", "x"),
        ("coin", "p"),
        ("simulated", "draws"),
        ("product", "m"),
        ("tops", "theta"),
        ("fitted", "theta"),
        ("valley", "theta"),
        ("descent", "step"),
    ):
        opened.drag(figure, (0.5, 0.5), (0.4, 0.5), (0.3, 0.5))
        left = opened.place(variable)
        opened.drag(figure, (0.3, 0.5), (0.6, 0.5), (0.8, 0.5))
        assert opened.place(variable) > left, figure
        last = int(opened.slider(variable).get_attribute("max"))
        opened.drag(figure, (0.8, 0.5), (1.5, 0.5))  # beyond the end, and out of the picture
        assert opened.place(variable) == last or figure == "fitted", figure


def test_in_the_valley_the_dot_is_where_the_pointer_is(visit: Any) -> None:
    opened = visit()
    opened.drag("valley", (0.9, 0.4), (0.35, 0.4))
    dot = opened.page.locator('[data-figure="valley"] circle').bounding_box()
    picture = opened.page.locator('[data-figure="valley"] svg').bounding_box()
    at = (dot["x"] + dot["width"] / 2 - picture["x"]) / picture["width"]
    assert at == pytest.approx(0.35, abs=0.005)  # θ has steps of 1/200 of the range
    theta = opened.place("theta") * 0.05
    y = kl.NegativeBinomial(mean=3.0, size=4.0).sample(1_000, seed=4)
    _, _, cross = opened.identity("fitted")
    assert near(cross, -scipy.stats.poisson.logpmf(y, theta).mean())


def test_a_rectangle_is_dragged_and_the_areas_are_the_cross_entropy(visit: Any) -> None:
    opened = visit()
    p = np.array([0.5, 0.25, 0.125, 0.125])
    # with q = 1/4 each, H = 7/4 log 2, D = 1/4 log 2, H(p, q) = 2 log 2
    assert [float(part) for part in opened.identity("areas")] == pytest.approx(
        [1.75 * np.log(2), 0.25 * np.log(2), 2 * np.log(2)], abs=5e-5
    )
    opened.drag("areas", (0.3, 0.6), (0.3, 0.7), (0.35, 0.75))  # a's, and b's stays as it is
    q = np.array(opened.page.evaluate("state.four"))
    assert q[0] > 0.4
    assert q.sum() == pytest.approx(1.0, abs=1e-15)
    assert q[1:] == pytest.approx([q[1]] * 3, rel=1e-14)  # their proportions are kept
    entropy, relative, cross = opened.identity("areas")
    assert near(relative, scipy.stats.entropy(p, q))
    assert near(cross, scipy.stats.entropy(p) + scipy.stats.entropy(p, q))
    areas = opened.page.evaluate(
        "[...document.querySelectorAll('[data-figure=areas] rect')]"
        ".map((r) => (r.width.baseVal.value + 2) * r.height.baseVal.value)"
    )
    whole = opened.page.evaluate(
        "(([s]) => [s.clientWidth - 54, s.clientHeight - 48])"
        "([document.querySelector('[data-figure=areas] svg')])"
    )
    # the picture is 5.2 bits high; coordinates are rounded nowhere
    assert sum(areas) / (whole[0] * whole[1]) * 5.2 * np.log(2) == pytest.approx(
        float(cross), rel=1e-3
    )
    third = opened.page.locator("input[data-share]").nth(2)
    third.focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.identity("areas")[1] != relative
    opened.page.get_by_role("button", name="the best code").click()
    assert opened.identity("areas")[1] == 0
    assert opened.page.locator("input[data-share]").first.input_value() == "50"
    assert entropy == opened.identity("areas")[0]


def test_x_log_x_tends_to_zero_with_x(visit: Any) -> None:
    opened = visit()
    for place in (37, 10, 1):
        opened.set("x", place)
        x = place / 100
        assert near(opened.number("limit").removeprefix("x log x = "), x * np.log(x))
    opened.set("x", 0)
    assert opened.number("limit") == "0 log 0 = 0, the limit"


# ---- playing -------------------------------------------------------------------------------------


def until(opened: Visit, condition: str) -> None:
    """Wait, as the page's policy forbids Playwright's own way, which evaluates text."""
    for _ in range(1200):
        if opened.page.evaluate(condition):
            return
        opened.page.wait_for_timeout(100)
    raise AssertionError(f"after two minutes not yet: {condition}")


def test_draw_plays_the_sample_and_ends_at_the_mean_of_the_library(visit: Any) -> None:
    opened = visit()
    draws = kl.Bernoulli(probability=0.3).sample(100_000, seed=1)
    button = opened.page.locator('[data-play="draws"]')
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    before = opened.place("draws")
    until(opened, f"Number(document.querySelector('[data-variable=draws]').value) > {before} + 5")
    button.click()  # pause
    stopped = opened.place("draws")
    opened.page.wait_for_timeout(200)
    assert opened.place("draws") == stopped
    button.click()
    until(opened, "document.querySelector('[data-play=draws]').ariaPressed === 'false'")
    # −log p(x) is −log 0.3 for heads and −log 0.7 for tails
    expected = -np.log(0.7) + np.mean(draws) * np.log(0.7 / 0.3)
    assert near(opened.number("mean"), float(expected))
    opened.page.get_by_role("button", name="new sample").click()
    assert opened.place("draws") == 0
    opened.set("draws", int(opened.slider("draws").get_attribute("max")))
    mean, error = float(opened.number("mean")), float(opened.number("stderr"))
    assert abs(mean - scipy.stats.entropy([0.3, 0.7])) < 6 * error


def test_the_descent_of_theta_ends_at_the_fit(visit: Any) -> None:
    opened = visit()
    opened.set("theta", 150)
    start = opened.identity("fitted")[2]
    opened.page.locator('[data-play="theta"]').click()
    until(opened, "state.theta < 7")
    assert opened.identity("fitted")[2] < start
    until(opened, "document.querySelector('[data-play=theta]').ariaPressed === 'false'")
    y = kl.NegativeBinomial(mean=3.0, size=4.0).sample(1_000, seed=4)
    assert near(opened.identity("fitted")[2], kl.fit(kl.Poisson(), y).cross_entropy)
    # a slider that is moved stops what plays
    opened.set("theta", 150)
    opened.page.locator('[data-play="theta"]').click()
    opened.set("theta", 20)
    assert opened.page.locator('[data-play="theta"]').get_attribute("aria-pressed") == "false"


def test_multiply_plays_to_the_last_row(visit: Any) -> None:
    opened = visit()
    button = opened.page.locator('[data-play="m"]')
    button.focus()
    opened.page.keyboard.press("Enter")
    until(opened, "document.querySelector('[data-play=m]').ariaPressed === 'false'")
    assert opened.place("m") == 999
    assert opened.number("product") == "0, exactly"


@pytest.mark.parametrize(
    ("depth", "activation", "rate"),
    [(1, "tanh", 1.0), (0, "tanh", 1.0), (2, "relu", 0.3), (3, "logistic", 0.1), (1, "tanh", 0.1)],
)
def test_the_network_that_is_chosen_has_the_losses_of_the_library(
    visit: Any, depth: int, activation: str, rate: float
) -> None:
    opened = visit()
    for choice, value in (("depth", depth), ("activation", activation), ("rate", f"{rate:g}")):
        opened.page.locator(f'[data-choice="{choice}"]').select_option(str(value))
    picture = classifier(begin(network=NetworkChoice(depth, activation, rate))).picture
    # the same steps, with sums in another order: rounding grows a little in 1,000 steps
    np.testing.assert_allclose(opened.page.evaluate("trained.losses"), picture["losses"], rtol=1e-9)
    # a dot is a few pixels wide; with a rate near the largest stable one rounding grows to 2e-5 in
    # the steepest direction, in which the loss is flat
    np.testing.assert_allclose(
        opened.page.evaluate("trained.survival.at(-1)"), picture["q"][:, 1], atol=1e-3
    )
    opened.set("step", 0)
    button = opened.page.locator('[data-play="step"]')
    button.click()
    until(opened, "document.querySelector('[data-play=step]').ariaPressed === 'false'")
    entropy, relative, cross = opened.identity("trained")
    assert near(entropy, picture["entropy"])
    assert near(relative, picture["losses"][-1] - picture["entropy"])
    assert near(cross, picture["losses"][-1])
    assert opened.page.locator('[data-value="step"]').text_content() == "1,000"


def test_a_learning_rate_that_is_too_large_shows_no_nan(visit: Any) -> None:
    opened = visit()
    opened.page.locator('[data-choice="rate"]').select_option("3")
    opened.page.locator('[data-choice="depth"]').select_option("3")
    for place in (0, 20, 79):
        opened.set("step", min(place, int(opened.slider("step").get_attribute("max"))))
        assert opened.identity("trained")[1] >= 0
    assert "NaN" not in opened.page.locator("main").inner_html()


# ---- units, formulas, code -----------------------------------------------------------------------


def test_bits_are_nats_divided_by_log_two_everywhere(visit: Any) -> None:
    opened = visit()
    opened.page.get_by_text("bits", exact=True).first.click()
    entropy, relative, _ = opened.identity("coins")
    p, q = [0.3, 0.7], [0.6, 0.4]
    assert near(entropy, scipy.stats.entropy(p, base=2))
    assert near(relative, scipy.stats.entropy(p, q, base=2))
    assert [str(part) for part in opened.identity("areas")] == ["1.7500", "0.2500", "2.0000"]
    assert near(opened.number("coin"), scipy.stats.entropy(p, base=2))
    assert near(opened.number("expected"), scipy.stats.entropy(p, base=2))
    assert near(opened.identity("trained")[0], scipy.stats.entropy(ROWS.T, base=2) @ SHARES)
    y = kl.NegativeBinomial(mean=3.0, size=4.0).sample(1_000, seed=4)
    opened.page.get_by_role("button", name="estimate").click()
    assert near(opened.identity("fitted")[2], kl.fit(kl.Poisson(), y).cross_entropy / np.log(2))
    text = opened.page.locator("main").inner_text()
    assert "cost 1.7500 bits" in text
    assert "nats" not in text
    assert opened.page.locator("[data-unit-name]").first.text_content() == "bits"
    opened.page.get_by_role("radio", name="bits").focus()
    opened.page.keyboard.press("ArrowLeft")
    assert opened.page.get_by_role("radio", name="nats").is_checked()
    assert near(opened.number("coin"), scipy.stats.entropy(p))
    assert "bits on average" not in opened.page.locator("main").inner_text()


ROWS = np.array(
    [(118, 57), (4, 140), (0, 5), (0, 1), (154, 14), (13, 80), (0, 11), (0, 13), (387, 75),
     (89, 76), (35, 13), (17, 14), (670, 192), (3, 20)]
)  # fmt: skip
SHARES = ROWS.sum(axis=1) / ROWS.sum()


def test_displayed_formulas_are_mathml_that_the_browser_draws(visit: Any) -> None:
    opened = visit()
    formulas = opened.page.locator(".formula math").all()
    assert len(formulas) == 14
    for formula in formulas:
        assert formula.get_attribute("alttext")
        assert formula.bounding_box()["height"] > 15
    assert opened.page.locator(".formula mfrac").count() >= 5
    # the lines of the expansion are aligned at their first sign
    places = opened.page.locator("#step-4 mtr mtd:nth-child(2)").all()
    assert len({round(place.bounding_box()["x"]) for place in places[:4]}) == 1


def test_the_code_is_closed_at_first_and_is_that_of_the_unit(visit: Any) -> None:
    opened = visit()
    for details in opened.page.locator("details").all():
        assert details.get_attribute("open") is None
    assert not opened.page.get_by_text("kl.kl_divergence(p, q)").first.is_visible()
    opened.page.locator("#step-3 summary").click()
    assert opened.page.locator("#step-3 pre:visible").count() == 1
    assert 'unit="bits"' not in opened.page.locator("#step-3 pre:visible").text_content()
    opened.page.get_by_text("bits", exact=True).first.click()
    assert 'unit="bits"' in opened.page.locator("#step-3 pre:visible").text_content()


def test_labels_of_a_reader_are_taken_and_in_the_unit_that_was_asked_for(visit: Any) -> None:
    opened = visit("words")
    assert opened.page.get_by_role("radio", name="bits").is_checked()
    opened.page.get_by_role("button", name="estimate").click()
    entropy, relative, cross = opened.identity("fitted")
    # of ½, ⅓ and ⅙, and the model ½, ¼, ¼, which costs 1.5 bits
    exact = 1 / 2 + np.log2(3) / 3 + np.log2(6) / 6
    assert near(entropy, exact)
    assert near(relative, 1.5 - exact)
    assert near(cross, 1.5)
    assert "oak" in opened.page.locator('[data-figure="fitted"]').text_content()
    assert opened.page.locator("img").count() == 0
    opened.drag("valley", (0.5, 0.5), (0.2, 0.5))
    assert opened.identity("fitted")[2] > cross


def test_an_unknown_entropy_is_called_unknown(browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "tied.html"
    y = np.append(np.full(200, 3.25), np.random.default_rng(7).normal(0.0, 1.0, 20))
    path.write_text(render(data=y, name="tied"), encoding="utf-8")
    if (
        json.loads(re.search(r'id="numbers">(.*?)</script>', path.read_text())[1])["question"][
            "entropy"
        ]
        is None
    ):
        opened = Visit(browser, path)
        assert opened.number("entropy", '[data-identity="fitted"]') == "unknown"
        assert opened.number("relative", '[data-identity="fitted"]') == "unknown"
        assert float(opened.number("cross", '[data-identity="fitted"]')) > 0
        assert "unknown" in opened.page.locator("#step-7 figcaption").text_content()
        opened.page.close()
    step = path.read_text().partition('id="step-7"')[2].partition('id="step-8"')[0]
    assert "nan" not in re.sub("<[^>]*>", " ", step).split()


def test_a_page_in_another_unit_is_refused() -> None:
    with pytest.raises(kl.KullbackError, match="the page is in nats or in bits, got unit='nit'"):
        render(unit="nit")
