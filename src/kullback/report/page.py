"""Pages of HTML that need nothing else, in one look: templates, style, and formats of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from kullback._core.display import value_text
from kullback._core.printable import printable
from kullback.information.estimate import Estimate


def page(template: str, **values: Any) -> str:
    """Fill a template of this folder, which extends base.html.j2; every text is escaped.

    Args:
        template: name of the file.
        values: by name in the template.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined  # takes 0.1 s to import

    environment = Environment(
        loader=PackageLoader("kullback.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    filters = {"number": _number, "range": _range, "share": _share, "value": value_text}
    environment.filters.update(filters)
    return environment.get_template(template).render(**values)


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
