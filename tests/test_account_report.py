"""The page and the pictures of an account: what they say, and that names in the data stay text."""

import matplotlib
import numpy as np
import pytest

import kullback as kl
from kullback.report.account_page import account_html

matplotlib.use("agg")

HOSTILE = '<script>alert("x")</script>'


@pytest.fixture(scope="module")
def account():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(3), size=300)
    labels = np.array([HOSTILE, "$x_", "plain"])[[rng.choice(3, p=row) for row in p]]
    return kl.evaluate(p, None, labels.tolist(), classes=[HOSTILE, "$x_", "plain"])


def test_the_page_says_the_numbers_and_keeps_names_as_text(account, tmp_path):
    account.report(tmp_path / "out.html")
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert page == account_html(account)
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert f"{float(account.to('nats').cross_entropy):.4f}" in page
    assert f"{float(account.to('bits').cross_entropy):.4f}" in page
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert [file.name for file in tmp_path.iterdir()] == ["out.html"]


def test_an_impossible_label_is_told():
    p = np.array([[1.0, 0.0], [0.5, 0.5]] * 20)
    account = kl.evaluate(p, None, [1] + [0] * 39)
    page = account_html(account)
    assert "impossible" in page
    assert "+∞" in page


def test_the_figure_has_four_pictures(account):
    assert len(account.plot().axes) == 4


def test_a_place_that_cannot_be_written_is_told(account, tmp_path):
    with pytest.raises(kl.KullbackError, match="cannot be written"):
        account.report(tmp_path / "no" / "out.html")
