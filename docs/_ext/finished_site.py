"""Outputs that fit the page, and after the build: the tour, llms.txt, and a check of every link.

``llms.txt`` lists the pages, ``llms-full.txt`` is their text. A script, style, font or picture of
another host, a link to a missing page and one to a missing anchor are errors.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

ASSETS = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href"}


def finish(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.name != "html":
        return
    site = Path(app.outdir)
    tour = [sys.executable, "-m", "kullback", "tour", "--html", str(site / "tour.html")]
    subprocess.run(tour, check=True, stdout=subprocess.DEVNULL)
    pages = {file: BeautifulSoup(file.read_bytes(), "html.parser") for file in site.rglob("*.html")}
    write_llms(app, site, pages)
    faults = [
        f"{file.relative_to(site)}: {fault}"
        for file, page in pages.items()
        for fault in faults_of(file, page, pages)
    ]
    faults += [
        f"{file.relative_to(site)} loads {url}"
        for file in site.rglob("*.css")
        for url in re.findall(
            r"(?:url\(|@import )[\"']?(https?://[^\"')]+)", file.read_text("utf-8")
        )
    ]
    if faults:
        raise ExtensionError("the site is not whole:\n" + "\n".join(sorted(faults)))


def faults_of(file: Path, page: Tag, pages: dict[Path, BeautifulSoup]) -> Iterator[str]:
    """What a page loads from elsewhere, and its links that lead nowhere."""
    for name, attribute in ASSETS.items():
        for tag in page.find_all(name):
            url = str(tag.get(attribute) or "")
            if urlsplit(url).scheme in ("http", "https") and tag.get("rel") != ["canonical"]:
                yield f"loads {url}"
    for tag in [*page.find_all("a", href=True), *page.find_all("img", src=True)]:
        target = urlsplit(str(tag.get("href") or tag.get("src")))
        if target.scheme or target.netloc:
            continue
        there = (file.parent / unquote(target.path)).resolve() if target.path else file
        if not there.exists():
            yield f"links to {target.path}, which is not there"
        elif target.fragment and there in pages:
            anchor = unquote(target.fragment)
            if not (pages[there].find(id=anchor) or pages[there].find(attrs={"name": anchor})):
                yield f"links to {target.path}#{anchor}, which is not there"


# ---- llms.txt ------------------------------------------------------------------------------------


def write_llms(app: Sphinx, site: Path, pages: dict[Path, BeautifulSoup]) -> None:
    index = [
        "# Kullback",
        "",
        "> Fits probability models by maximum likelihood, and splits their "
        "loss into entropy and relative entropy.",
        "",
    ]
    full = []
    order = ("index", "start", "questions", "coming_from", "gallery", "concepts", "reference")
    names = sorted(app.env.found_docs)
    names.sort(
        key=lambda name: (
            name.count("/") > 1,
            order.index(name.split("/")[0]) if name.split("/")[0] in order else len(order),
        )
    )
    for name in names:
        file = site / f"{name}.html"
        article = pages[file].find("article")
        if article is None:
            continue
        text = text_of(article)
        title = re.search(r"^# (.*)", text, re.MULTILINE)
        first = re.search(r"^(?![#`|\[])\S.*", text, re.MULTILINE)
        about = f": {first[0][:200]}" if first else ""
        index.append(f"- [{title[1] if title else name}]({name}.html){about}")
        full.append(f"<!-- {name}.html -->\n{text}\n")
    (site / "llms.txt").write_text("\n".join(index) + "\n", encoding="utf-8")
    (site / "llms-full.txt").write_text("\n".join(full), encoding="utf-8")


def text_of(article: Tag) -> str:
    """The text of a page in Markdown: headings, code, tables, formulas and captions of pictures."""
    article = BeautifulSoup(str(article), "html.parser")
    for tag in article.select("a.headerlink, script, style, nav, button"):
        tag.decompose()
    for tag in article.find_all("math"):
        tag.replace_with(str(tag.get("alttext")))
    for tag in article.find_all("pre"):  # \x01 is a line's end that stays as it is
        code = f"```\n{tag.get_text().rstrip()}\n```".replace("\n", "\x01")
        tag.replace_with(f"\x00\x00{code}\x00\x00")
    for tag in article.find_all("code"):
        tag.replace_with(f"`{tag.get_text()}`")
    for tag in article.find_all("img"):
        alt = str(tag.get("alt") or "")
        tag.replace_with("[picture]" if "/" in alt else f"[picture: {alt}]")
    for tag in article.find_all("tr"):
        cells = (" ".join(cell.get_text(" ").split()) for cell in tag.find_all(["th", "td"]))
        tag.replace_with("\x00| " + " | ".join(cells) + " |")
    for tag in article.find_all(re.compile("^h[1-6]$")):
        tag.replace_with(
            f"\x00\x00{'#' * int(tag.name[1])} {' '.join(tag.get_text().split())}\x00\x00"
        )
    for tag in article.find_all(["p", "dt", "dd", "li"]):
        tag.insert_before("\x00\x00- " if tag.name == "li" else "\x00\x00")
    lines = [
        line if "\x00" in line else " ".join(line.split())
        for line in article.get_text().split("\n")
    ]
    text = " ".join(lines).replace("\x00", "\n")
    return re.sub(r" *\n[ \n]*\n *", "\n\n", text).replace("\x01", "\n").strip()


# ---- outputs -------------------------------------------------------------------------------------

OUTPUT = re.compile(r'(<div class="output (?:(?!</pre>).)*?<pre>)(.*?)(</pre>)', re.DOTALL)
PAGE = re.compile(r"docs/([\w/]+)\.md")
# Shorter lines fit, and columns, which two spaces part, would be torn by a break.
LONG = 90


def fit_outputs(app: Sphinx, *arguments: Any) -> None:
    """Let long sentences of outputs wrap, and lead from the names of pages to the pages."""
    context: dict[str, Any] = arguments[2]

    def fitted(match: re.Match[str]) -> str:
        start, text, end = match.groups()
        lines = [
            f'<span class="sentence">{line}</span>' if is_sentence(line) else line
            for line in text.split("\n")
        ]
        text = "\n".join(lines).replace("</span>\n", "</span>")  # a block ends its line itself
        return start + PAGE.sub(partial(linked, context["pathto"]), text) + end

    def linked(pathto: Callable[[str], str], match: re.Match[str]) -> str:
        known = match[1] in app.env.found_docs
        return f'<a href="{pathto(match[1])}">{match[0]}</a>' if known else match[0]

    if "body" in context:
        context["body"] = OUTPUT.sub(fitted, context["body"])


def is_sentence(line: str) -> bool:
    plain = re.sub(r"<[^>]*>", "", line)
    return len(plain) > LONG and "  " not in plain.strip() and not plain.startswith("    ")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", fit_outputs)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
