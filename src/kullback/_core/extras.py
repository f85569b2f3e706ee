"""Optional libraries: a missing one raises an error with the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from kullback._core.errors import KullbackError

_MODULES = {
    "dask": ("distributed",),
    "network": ("equinox", "optax", "safetensors"),
    "plot": ("matplotlib",),
}


def how_to_install(extra: str) -> str:
    """The sentence that says how an extra is installed: the package is on no index yet."""
    return f"In the folder of Kullback's clone: pip install -e '.[{extra}]'"


def need(extra: str, what: str) -> None:
    """Raise unless the libraries of an extra are installed.

    Args:
        extra: its name, as in ``pip install -e '.[network]'``.
        what: subject of the error message, in the plural.

    Raises:
        KullbackError: for a library that is not installed.
    """
    for name in _MODULES[extra]:
        if find_spec(name) is None:  # which does not import it: that takes a tenth of a second each
            raise KullbackError(
                f"{what} need {name}, which is not installed. {how_to_install(extra)}"
            )
