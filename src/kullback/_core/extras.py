"""Libraries that not everybody has installed: a missing one is told with the command for it."""

from __future__ import annotations

from importlib.util import find_spec

from kullback._core.errors import KullbackError

_MODULES = {
    "network": ("equinox", "optax", "safetensors"),
    "plot": ("matplotlib",),
}


def need(extra: str, what: str) -> None:
    """Refuse to go on without the libraries of an extra.

    Args:
        extra: its name, as in ``pip install "kullback[network]"``.
        what: what needs them, the beginning of a sentence in the plural.

    Raises:
        KullbackError: where one is not installed.
    """
    for name in _MODULES[extra]:
        if find_spec(name) is None:  # which does not import it: that takes a tenth of a second each
            raise KullbackError(
                f'{what} need {name}, which is not installed: pip install "kullback[{extra}]"'
            )
