"""The prose is plain: comments, docstrings, messages and documents avoid a list of phrases.

Each phrase has a sentence that it must find, and what to write instead. Code is not read: of Python
only comments and strings, of templates only their text, and of any text nothing in backticks.
"""

from __future__ import annotations

import io
import re
import tokenize
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "kullback"


class Phrase(NamedTuple):
    """A phrase, a sentence that has it, and what to write instead."""

    pattern: str
    example: str
    instead: str

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Find it, also where a line ends between two of its words."""
        return re.finditer(self.pattern.replace(" ", r"\s+"), text, re.IGNORECASE)


_MORE = "longer|more|less|fewer|better|worse|larger|greater|smaller|higher|lower|faster|slower"

PHRASES = (
    Phrase(
        rf"(?<!there\s)\b(is|are|was|were) no\b(?! ({_MORE}|other)\b)",
        "threads=0 is no number of threads.",
        "'is not a ...', or what is right: 'threads must be at least 1, got 0.'",
    ),
    Phrase(
        r"\b(tells?|told|telling)\b",
        "Messages tell the row, and the user is told why.",
        "report, name, describe, say why; distinguish for 'tell apart'",
    ),
    Phrase(
        # a law of nature, or a theorem, keeps its name
        r"(?<!power\s)(?<!power-)(?<!['’]s\s)\blaws?\b(?! of (large|total|the)\b)",
        "The entropy of the law that a sample was drawn from.",
        "distribution",
    ),
    Phrase(r"\bcertificates?\b", "The certificate says why.", "convergence"),
    Phrase(r"\bledgers?\b", "The ledger has two lines.", "decomposition"),
    Phrase(
        r"\b(an|the|this|each|every|its) account\b|\baccounts of (a|an|the|each|every)\b",
        "The account of a classifier.",
        "loss report",
    ),
    Phrase(
        r"\bpin(ned|ning)?\b(?! versions?\b)", "Pin the shape, or leave it pinned.", "fix, fixed"
    ),
    Phrase(r"\bheld at\b(?! once\b)", "Its scale is held at 2.", "fixed at"),
    Phrase(
        r"\bcanonical\b(?! links?\b)",
        "The canonical parameters of Gamma.",
        "default (parametrisation), or constrained (scale)",
    ),
    Phrase(r"\bverdicts?\b", "The verdict is 'flat'.", "status, reason or convergence"),
    Phrase(
        r"\bwast(e|es|ed|ing)\b",
        "What the model wastes on this sample.",
        "relative entropy or excess loss",
    ),
    Phrase(
        r"\bguessing\b|\bguess(es|ed)? (with|by) the\b",
        "A model that explains less than guessing with the shares.",
        "the baseline (class shares)",
    ),
    Phrase(
        r"\b(a|an|the|no|its|this|that|such|whose|own) floor\b(?!\()",
        "No model goes below the floor.",
        "entropy of the data, irreducible loss, or lower bound",
    ),
    Phrase(
        r"\bwhat (is|was|are|were) (seen|given|known|asked|left|wanted)\b",
        "What is left is sent to who wants it.",
        "the noun: the rows, the arguments, the remainder, ...",
    ),
    Phrase(
        r"\bwho (wants?|asks?|needs?)\b", "For those who want it.", "the noun, or 'if you need'"
    ),
    Phrase(r"\b(worked|works|work) out\b", "The errors are worked out later.", "compute"),
    Phrase(r"\bgone through\b", "The rows are gone through once.", "read, or a pass over the rows"),
    Phrase(
        r"\b(may|can|could|to) be had\b|\bcomes? by\b",
        "The sum can be had for less.",
        "obtain, compute",
    ),
    Phrase(r"\basks for\b", "A slope that asks for less.", "require, request"),
    Phrase(
        r"\bin words\b|\ba word (of|about|on|beside|for)\b|\b(worth|needs?) a word\b",
        "A word of advice, in words.",
        "as a text; a note; a message",
    ),
    Phrase(
        r"\bknows? (no|nothing|of no)\b", "An engine knows no weights.", "'does not use weights'"
    ),
    Phrase(
        r"\b(kernels?|engines?|solvers?|samplers?|estimators?|functions?|librar(y|ies)|messages?) "
        r"(knows?|wants?|thinks?|believes?|likes?)\b",
        "The engine knows how many rows a kernel wants.",
        "store, compute, require, take: code is not a person",
    ),
    Phrase(r"\bthere is nothing to\b", "Then there is nothing to add.", "say what happens"),
    Phrase(
        r"\b(thereof|whereof|wherein|therein|whence|thence|hitherto|herein|lest)\b",
        "The rows and the weights thereof.",
        "modern English",
    ),
    Phrase(
        r"\b(rungs?|ladders?|slabs?|strangers?)\b",
        "It climbs the ladder of methods.",
        "the field's term: order of methods, marginal counts, unrelated rows",
    ),
)

LEGITIMATE = (
    "By the law of large numbers the mean settles; Zipf's law and a power law do not.",
    "There is no closed form. It is no longer needed, and no more than one pass is made.",
    "Take np.floor(x) or floor(x); math.floor is exact.",
    "The initial guess may be anywhere in the domain.",
    "The pinned versions are in constraints.txt, and `pinned` is not read.",
    "The rows were held out, and the others hold loc fixed.",
    "Gamma has no parameter of that name. It takes the weights into account.",
    "A method of 12 words that works outside the support.",
    "Intelligence is untold; the teller is not.",
)


class Text(NamedTuple):
    """Prose of a file: one text, and the lines on which its parts begin."""

    text: str
    starts: list[int]  # offsets in the text
    lines: list[int]  # the line of the file at each offset

    def line(self, offset: int) -> int:
        part = bisect_right(self.starts, offset) - 1
        return self.lines[part] + self.text.count("\n", self.starts[part], offset)

    def sentence(self, match: re.Match[str]) -> str:
        """Return the sentence around a match, on one line; of a table the row."""
        ends = (". ", ".\n", "\n\n", "\n|")
        begin = max(self.text.rfind(end, 0, match.start()) for end in ends) + 1
        rest = [self.text.find(end, match.end()) for end in ends]
        end = min([i for i in rest if i >= 0], default=len(self.text))
        return " ".join(self.text[max(begin, 0) : end].split())[:160]


def joined(parts: list[tuple[int, str]], between: str = "") -> Text:
    starts, text = [], ""
    for _, part in parts:
        starts.append(len(text))
        text += re.sub(r"\n[ \t]+", "\n", part) + between
    return Text(text, starts, [line for line, _ in parts])


def without_code(text: str) -> str:
    """Blank what stands in backticks, with as many characters."""
    return re.sub(r"`[^`\n]+`", lambda found: "`" * len(found[0]), text)


def of_string(source: str) -> str:
    """Give a string literal's text; of an f-string without what is in braces."""
    prefix, quote = re.match(r"""(\w*)('''|\"\"\"|'|\")""", source).groups()  # type: ignore[union-attr]
    text = source[len(prefix) + len(quote) : -len(quote)]
    return re.sub(r"\{[^{}]*\}", "{}", text) if "f" in prefix.lower() else text


def of_python(source: str) -> Iterator[Text]:
    """Give each run of comment lines and each string, those side by side as one."""
    comments: list[tuple[int, str]] = []
    strings: list[tuple[int, str]] = []
    layout = (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    middle = getattr(tokenize, "FSTRING_MIDDLE", None)  # Python 3.12 splits f-strings
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            if re.match(r"# (noqa|type):", token.string):
                continue
            if comments and line > comments[-1][0] + 1:
                yield joined(comments, "\n")
                comments = []
            comments.append((line, token.string.lstrip("# ")))
        elif token.type in (tokenize.STRING, middle):
            text = of_string(token.string) if token.type == tokenize.STRING else token.string
            strings.append((line, text))
        elif token.type not in layout and strings:
            yield joined(strings)
            strings = []
    for parts, between in ((comments, "\n"), (strings, "")):
        if parts:
            yield joined(parts, between)


def of_template(source: str) -> Iterator[Text]:
    """Give a page's text: what is not a tag, and not Jinja."""
    blank = re.compile(r"\{[{%#].*?[}%#]\}|</?[a-z][^<>]*>", re.DOTALL)
    text = blank.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), source)
    yield joined([(1, text)])


def of_script(source: str) -> Iterator[Text]:
    """Give the comments and strings of JavaScript."""
    for found in re.finditer(r'//[^\n]*|/\*.*?\*/|"[^"\n]*"|`[^`]*`', source, re.DOTALL):
        text = re.sub(r"\$\{[^{}]*\}", "", found[0]).replace("`", '"')
        yield joined([(source.count("\n", 0, found.start()) + 1, text)])


READERS = {".py": of_python, ".j2": of_template, ".js": of_script}


def texts_of(path: Path) -> Iterator[Text]:
    source = path.read_text(encoding="utf-8")
    if path.suffix in READERS:
        yield from READERS[path.suffix](source)
    else:
        yield joined([(1, source)])


def findings(path: Path) -> list[str]:
    found = []
    for text in texts_of(path):
        for phrase in PHRASES:
            for match in phrase.finditer(without_code(text.text)):
                place = f"{path.relative_to(ROOT)}:{text.line(match.start())}"
                found.append(
                    f"{place}: '{' '.join(match[0].split())}' in: {text.sentence(match)}\n"
                    f"    write instead: {phrase.instead}"
                )
    return found


def rooms() -> dict[str, list[Path]]:
    """Give the files by folder of the package, and the documents."""
    out: dict[str, list[Path]] = {
        "documents": [
            ROOT / "README.md",
            ROOT / "CONTRIBUTING.md",
            *sorted((ROOT / "docs").glob("*.md")),
        ],
        "kullback": sorted(PACKAGE.glob("*.py")),
    }
    for path in sorted(PACKAGE.rglob("*")):
        if path.suffix in READERS and path.parent != PACKAGE:
            out.setdefault(path.relative_to(PACKAGE).parts[0], []).append(path)
    return out


@pytest.mark.parametrize("room", rooms())
def test_the_prose_is_plain(room: str) -> None:
    found = [line for path in rooms()[room] for line in findings(path)]
    assert not found, f"{len(found)} phrases in {room}:\n" + "\n".join(found)


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.example[:30])
def test_each_phrase_finds_its_example_and_nothing_legitimate(phrase: Phrase) -> None:
    assert list(phrase.finditer(phrase.example))
    for sentence in LEGITIMATE:
        assert not [match[0] for match in phrase.finditer(without_code(sentence))]


def test_comments_docstrings_and_messages_are_read_and_code_is_not() -> None:
    source = (
        '"""A docstring, in which\nis\n    no word is missed."""\n'
        "told = 1  # the first\n"
        "# of two lines that\n"
        "# were no good\n"
        'message = f"the ledger of {told}" \'is\' " no good"\n'
    )
    read = [
        (text.line(match.start()), " ".join(match[0].split()))
        for text in of_python(source)
        for phrase in PHRASES
        for match in phrase.finditer(text.text)
    ]
    assert sorted(read) == [(2, "is no"), (6, "were no"), (7, "is no"), (7, "ledger")]
