"""The tour's page in a browser: the sliders move, the numbers add up, nothing is loaded."""

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
from kullback.tour.page import render

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

    def identity(self, name: str) -> tuple[Decimal, Decimal, Decimal]:
        """Read the three numbers, and check their sum."""
        block = f'[data-identity="{name}"]'
        entropy, relative, cross = (
            self.number(part, block).replace("∞", "Infinity")
            for part in ("entropy", "relative", "cross")
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
        assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest|innerHTML|style=", html)


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
    for variable in ("draws", "m", "newton"):
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
    assert HOSTILE[:59] in page.locator("#step-4").text_content()
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


@pytest.mark.parametrize("name", ["own", "density", "labels"])
def test_on_a_phone_nothing_sticks_out(visit: Any, name: str) -> None:
    opened = visit(name, viewport={"width": 360, "height": 740})
    across = "document.documentElement.scrollWidth"
    assert opened.page.evaluate(across) <= 360
    opened.set("q", 1)
    assert opened.page.evaluate(across) <= 360
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
    assert len(sliders) == 9
    for slider in sliders:
        assert slider.get_attribute("aria-valuetext")
        assert slider.evaluate("(input) => input.labels[0].textContent.trim().length") > 3
    theta = opened.page.locator('input[data-variable="theta"]').all()
    opened.set("theta", 33)
    assert {slider.input_value() for slider in theta} == {"33"}
