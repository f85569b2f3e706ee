"""Pages of HTML that need nothing else, in one look: templates, style, and formats of numbers."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from kullback._core.display import MEANINGS, value_text
from kullback._core.errors import KullbackError
from kullback._core.files import replaced
from kullback._core.printable import printable
from kullback.information.estimate import Estimate

if TYPE_CHECKING:  # takes 0.1 s to import
    from jinja2 import Environment

# In the head of every page, by which an old one is recognised before a new one replaces it.
_MARK = b'<meta name="generator" content="Kullback">'
_HEAD = 2_000


def environment(package: str) -> Environment:
    """Return the templates of a package, in which every text is escaped.

    Args:
        package: the one with the folder "templates".
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )


def page(template: str, **values: Any) -> str:
    """Fill a template of this folder, which extends base.html.j2; every text is escaped.

    Args:
        template: name of the file.
        values: by name in the template.
    """
    templates = environment("kullback.pages")
    filters = {"number": _number, "range": _range, "share": _share, "value": value_text}
    templates.filters.update(filters)
    return templates.get_template(template).render(meanings=MEANINGS, **values)


def check_page(path: str | os.PathLike[str]) -> None:
    """Refuse to replace a file that is not a page of this library.

    Raises:
        KullbackError: such a file exists.
    """
    start = b""
    with suppress(OSError, ValueError):  # no file; or writing it fails with the reason
        if stat.S_ISREG(os.stat(path).st_mode):  # a pipe would wait for its writer
            with open(path, "rb") as file:
                start = file.read(_HEAD)
    if start and _MARK not in start:
        raise KullbackError(
            f"{os.fspath(path)} exists and is not a page that Kullback wrote: it is kept. Give "
            "another name."
        )


def write_page(text: str, path: str | os.PathLike[str]) -> None:
    """Write a page; an older page is replaced once the new one is complete.

    Args:
        text: the page.
        path: the file.

    Raises:
        KullbackError: the file cannot be written, or is not a page of this library.
    """
    check_page(path)
    with replaced(path, os.fspath(path)) as file:
        file.write(text.encode())


def _printable(value: Any) -> Any:
    return printable(value, lines=True) if type(value) is str else value


def _number(value: Any) -> str:
    number = float(value)
    if np.isnan(number):
        return "–"
    return (
        ("+∞" if number > 0.0 else "−∞") if np.isinf(number) else f"{number:.4f}".replace("-", "−")
    )


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{100.0 * value:.1f} %"


def _range(estimate: Estimate) -> str:
    low, high = estimate.interval
    return f"{_number(low)} to {_number(high)}"
