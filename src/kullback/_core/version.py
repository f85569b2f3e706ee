"""The installed version."""

from __future__ import annotations

import importlib.metadata


def installed_version() -> str | None:
    """Return Kullback's version; None where it runs from a folder and is not installed."""
    try:
        return importlib.metadata.version("kullback")
    except importlib.metadata.PackageNotFoundError:
        return None
