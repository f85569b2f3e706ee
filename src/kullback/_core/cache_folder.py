"""The folder in which compiled code is kept from one process to the next."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

VARIABLE = "KULLBACK_CACHE_DIR"
"""The environment variable that names another folder; empty, it turns the cache off."""


def cache_folder(environment: Mapping[str, str], platform: str) -> Path | None:
    """The user's choice, or else the platform's folder for caches; None without one.

    Args:
        environment: the environment variables.
        platform: as ``sys.platform`` names it.
    """
    chosen = environment.get(VARIABLE)
    if chosen is not None:
        return Path(chosen).absolute() if chosen else None
    with contextlib.suppress(RuntimeError):  # no home folder
        if platform == "win32":
            local = environment.get("LOCALAPPDATA")
            return Path(local or Path.home() / "AppData" / "Local") / "kullback" / "cache"
        if platform == "darwin":
            return Path.home() / "Library" / "Caches" / "kullback"
        caches = Path(environment.get("XDG_CACHE_HOME", ""))  # a relative one is ignored
        return (caches if caches.is_absolute() else Path.home() / ".cache") / "kullback"
    return None


def made_private(folder: Path) -> bool:
    """Make a folder that no other user can write to; return whether it is one.

    Its files hold machine code, which runs when it is loaded.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError:
        return False
    if hasattr(os, "geteuid") and (
        found.st_uid != os.geteuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ):
        return False
    return os.access(folder, os.W_OK | os.X_OK)
