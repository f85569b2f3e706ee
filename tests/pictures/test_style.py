"""The look of pictures: colours told apart without colour vision, contrast, ticks and names."""

import io
from itertools import combinations

import matplotlib
import matplotlib.style
import numpy as np
import pytest

import kullback as kl
from kullback.pictures.figure import new_figure
from kullback.pictures.style import CURVES, FAINT, INK, MUTED, log_axis, look, plain

# G. M. Machado, M. M. Oliveira & L. A. F. Fernandes (2009), "A physiologically-based model for
# simulation of color vision deficiency": severity 1.0, on linear RGB.
PROTANOPIA = np.array(
    [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ]
)
DEUTERANOPIA = np.array(
    [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ]
)


def linear(colour: str) -> np.ndarray:
    """Linear RGB (IEC 61966-2-1)."""
    c = np.array([int(colour[k : k + 2], 16) / 255.0 for k in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIELAB (1976) under D65."""
    to_xyz = np.array(
        [
            [0.4124564, 0.3575761, 0.1804375],
            [0.2126729, 0.7151522, 0.0721750],
            [0.0193339, 0.1191920, 0.9503041],
        ]
    )
    t = to_xyz @ np.clip(rgb, 0.0, 1.0) / np.array([0.95047, 1.0, 1.08883])
    f = np.where(t > (6 / 29) ** 3, np.cbrt(t), t / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast_on_white(colour: str) -> float:
    """WCAG 2.2."""
    return 1.05 / (float(linear(colour) @ [0.2126, 0.7152, 0.0722]) + 0.05)


@pytest.mark.parametrize("seen", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["all", "p", "d"])
def test_colours_are_told_apart_without_red_or_green_cones(seen: np.ndarray) -> None:
    # 2.3 is a just noticeable difference of adjacent patches; thin lines apart need ten times that
    for one, other in combinations((*CURVES, INK), 2):
        difference = np.linalg.norm(lab(seen @ linear(one)) - lab(seen @ linear(other)))
        assert difference > 30.0, (one, other)
    for curve in CURVES:  # runners-up differ from every curve in lightness
        difference = lab(seen @ linear(MUTED)) - lab(seen @ linear(curve))
        assert difference[0] > 20.0, curve


def test_text_and_lines_have_contrast() -> None:
    for colour in (INK, FAINT, *CURVES):
        assert contrast_on_white(colour) >= 4.5, colour  # level AA for text, 3 for lines
    assert contrast_on_white(MUTED) >= 2.0  # what is not the matter is meant to be faint


@pytest.mark.parametrize("style", ["dark_background", "ggplot"])
def test_the_paper_is_white_whatever_style_the_user_chose(style: str) -> None:
    with matplotlib.style.context(style):
        figure = kl.fit(kl.Normal(), [1.0, 2.0, 4.0]).plot("density")
        image = io.BytesIO()
        figure.savefig(image, format="rgba")
    assert image.getvalue()[:4] == b"\xff\xff\xff\xff"
    (axes,) = figure.axes
    assert axes.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert axes.title.get_color() == INK
    assert axes.xaxis.label.get_color() == FAINT
    assert axes.get_xticklabels()[0].get_color() == INK
    assert not axes.xaxis.get_gridlines()[0].get_visible()


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.3, 60.0, ["0.5", "1", "2", "5", "10", "20", "50"]),
        (0.02, 3e4, ["0.1", "1", "10", "100", "1000", "10000"]),
        (2.2, 4.9, ["2.5", "3", "3.5", "4", "4.5"]),
        (3e-7, 4e-5, [r"$5\cdot10^{-7}$", "$10^{-6}$", r"$2\cdot10^{-6}$"]),
    ],
)
def test_ticks_of_logarithmic_axes(low: float, high: float, ticks: list[str]) -> None:
    with look():
        figure = new_figure(6.4, 4.0)
        axes = figure.subplots()
        axes.set_xlim(low, high)
        log_axis(axes.xaxis)
        figure.draw_without_rendering()
    shown = [
        label.get_text()
        for label in axes.get_xticklabels()
        if low <= label.get_position()[0] <= high
    ]
    assert shown[: len(ticks)] == ticks
    assert len(shown) <= 8
    assert all(label.get_text() == "" for label in axes.get_xticklabels(minor=True))


def test_names_are_text_of_some_length() -> None:
    assert plain("<b>$x_1$") == r"<b>\$x_1\$"
    assert plain("a\x1b[31m\n") == r"a\x1b[31m\n"
    assert plain("x" * 100) == "x" * 39 + "…"
    assert plain("x" * 40) == "x" * 40
