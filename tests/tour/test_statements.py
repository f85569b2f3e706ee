"""Each statement of the argument is in the terminal and on the page, with hand-derived numbers.

The texts are compared without line breaks, spaces and indices, as a terminal wraps lines and a page
marks quantities. The numbers in a statement are derived by hand in the comment next to it.
"""

import html
import io
import re

import pytest
from rich.console import Console

from kullback.tour.page import render
from kullback.tour.terminal import show

# number, keyword, what has to be there: in sentences, in formulas or in the code
STATEMENTS = {
    "1 setting": [
        "a first neural network for a classification",
        "its depth, its activation function and its hyper-parameters",
        "Why cross-entropy?",
    ],
    "2 random variable": [
        "random variable X",
        "probability p(x) = Pr[X = x]",
        "probability mass function",
    ],
    "3 entropy": ["H(X) = −Σ p(x) log p(x) = Σ p(x) log (1/p(x))"],
    # 1 · log 1 + 0 · log 0 + 0 · log 0 = 0 + 0 + 0
    "4 certain outcome": [
        "its own term is 1 · log 1",
        "each other term is 0 · log 0",
        "H(X) = −(1 · log 1 + 0 · log 0 + 0 · log 0) = 0",
        "H([1.0, 0.0, 0.0]) # one outcome is certain 0.0",
    ],
    # x log x of x = 10^−3 is −3 ln 10 / 1000 = −0.00690776
    "5 convention": [
        "convention 0 log 0 = 0",
        "x log x → 0 as x → 0",
        "[0, -0.00690776, -1.38155e-05,",
        "0.0 * np.log(0.0) # a computer does not take the limit nan",
    ],
    # log 2 at one half
    "6 Bernoulli": [
        "A Bernoulli variable",
        "H(p) = −p log p − (1 − p) log (1 − p)",
        "(0.5, 0.693147180559945)",
    ],
    # −0.3 ln 0.3 − 0.7 ln 0.7 = 0.3612 + 0.2497 = 0.6109
    "7 expectation": [
        "H(p) = E[log (1/p(X))], X ∼ p",
        "H(X) is also written H(p)",
        "0.610864302054894",
    ],
    "8 approximation": [
        "true but unknown",
        "q is our approximation",
        "Assuming q instead of p is inefficient",
    ],
    "9 name": ["relative entropy or Kullback–Leibler distance"],
    # 0.3 ln(0.3/0.6) + 0.7 ln(0.7/0.4) = −0.2079 + 0.3917 = 0.1838
    "10 apart": [
        "how far the two distributions are apart",
        "it is not a distance",
        "D(p‖q) and D(q‖p) differ",
        "0.183786897386812",
    ],
    "11 definition": ["D(p‖q) = Σ p(x) log (p(x)/q(x))"],
    "12 expansion": [
        "logarithm of a quotient is a difference of two logarithms",
        "= Σ p(x) (log p(x) − log q(x))",
        "= Σ p(x) log p(x) − Σ p(x) log q(x)",
    ],
    # of (1/2, 1/4, 1/8, 1/8) the entropy is 7/4 log 2; with q = 1/4 each, H(p, q) = 2 log 2
    "13 two sums": [
        "= −H(p) + H(p, q)",
        "H(p, q) = −Σ p(x) log q(x) = H(p) + D(p‖q)",
        "(-1.2130075659799, -1.38629436111989, 0.173286795139986)",
        "cost 1.2130 nats on average",
    ],
    "14 independence": [
        "drawn independently",
        "unknown",
        "Independence, and nothing else, makes it a product",
    ],
    "15 family": ["pmodel(x; θ)", "parametric family that is to be close to pdata"],
    "16 likelihood": ["θML = arg max pmodel(x1, …, xm; θ)", "This function of θ is the likelihood"],
    "17 product": ["θML = arg max Π q(xi; θ)"],
    "18 underflow": [
        "between 0 and 1, 0 ≤ q(x; θ) ≤ 1",
        "for large m it tends to 0",
        "the product underflows",
    ],
    "19 sum": ["A sum of logarithms does not underflow", "a sum is easier than a product"],
    "20 same maximum": ["The logarithm increases", "= arg max Σ log q(xi; θ)"],
    "21 empirical distribution": [
        "Dividing by the number of rows m does not move the maximum",
        "= arg max (1/m) Σ log q(xi; θ)",
        "This p̂ is the empirical distribution",
        "an expectation under it",
        "(1/m) Σ log q(xi; θ) = Σ p̂(x) log q(x; θ)",
    ],
    "22 minimum": ["θML = arg min −Σ p̂(x) log q(x; θ)", "= arg min H(p̂, qθ)"],
    "23 conclusion": [
        "maximum likelihood is the minimisation of the cross-entropy between the empirical "
        "distribution and the model",
    ],
    # e^2/(e^2 + e^0.5 + e^−1) = 7.3891/9.4057, and −ln of it is 0.2413
    "24 loss": [
        "one-hot",
        "= −log q(label)",
        "q(k) = e^zk / Σ e^zj",
        "what frameworks call cross-entropy loss",
        "cross-entropy is a sensible loss for training",
        "0.241311296657157",
    ],
    "25 books": [
        "Cover and J. A. Thomas, Elements of Information Theory, 2nd edition, Wiley, 2006",
        "Goodfellow, Y. Bengio and A. Courville, Deep Learning, MIT Press, 2016",
        "Shalev-Shwartz and S. Ben-David, Understanding Machine Learning, Cambridge University "
        "Press, 2014",
    ],
}


def bare(text: str) -> str:
    """Leave out spaces, prompts, and the marks of indices."""
    lowered = str.maketrans({"ᵢ": "i", "₁": "1", "ₘ": "m", "_": None, "›": None, "·": "·"})
    return re.sub(r"\s", "", re.sub(r"^· ", "", text, flags=re.MULTILINE).translate(lowered))


@pytest.fixture(scope="module")
def terminal() -> str:
    written = io.StringIO()
    show(Console(file=written, width=80))
    return bare(written.getvalue())


@pytest.fixture(scope="module")
def page() -> str:
    """The page's text in nats, with the spoken text of each formula."""
    source = re.sub(r"(?s)<(style|script)\b.*?</\1>|<title>.*?</title>", "", render())
    source = re.sub(r'(?s)<math[^>]* alttext="([^"]*)">.*?</math>', r"\1", source)
    return bare(html.unescape(re.sub(r"<[^>]*>", "", source)))


def test_there_are_twenty_five() -> None:
    assert [int(name.split()[0]) for name in STATEMENTS] == list(range(1, 26))


@pytest.mark.parametrize("statement", STATEMENTS)
def test_a_statement_is_in_the_terminal_and_on_the_page(
    statement: str, terminal: str, page: str
) -> None:
    for sentence in STATEMENTS[statement]:
        assert bare(sentence) in terminal, (sentence, "terminal")
        assert bare(sentence) in page, (sentence, "page")


def test_they_come_in_this_order(terminal: str, page: str) -> None:
    for text in (terminal, page):
        places = [text.index(bare(parts[0])) for parts in STATEMENTS.values()]
        assert places == sorted(places)
