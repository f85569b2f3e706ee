"""The machine and the versions that numbers were measured with; no names of hosts or folders."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = ("jax", "jaxlib", "numpy", "scipy", "iminuit", "numba", "numba-stats", "pyarrow")


def describe() -> list[str]:
    """Lines of Markdown."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    import kullback

    versions = [f"kullback {kullback.__version__}", *(_version(name) for name in PACKAGES)]
    return [
        f"- {cores} cores that the process may use, {_processor()}",
        f"- {_memory()} of memory",
        f"- {_system()}, Python {platform.python_version()}",
        f"- {', '.join(versions)}",
    ]


def _processor() -> str:
    model = _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    cache = _first("/proc/cpuinfo", "cache size")
    return f"{model} ({platform.machine()}{f', {cache} of cache' if cache else ''})"


def _memory() -> str:
    total = _first("/proc/meminfo", "MemTotal")
    if total:
        return f"{int(total.split()[0]) / 2**20:.0f} GiB"
    try:
        return f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB"
    except (AttributeError, OSError, ValueError):
        return "an unknown amount"


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (AttributeError, OSError, KeyError):
        name = ""
    return " on ".join(part for part in (name, f"{platform.system()} {_kernel()}") if part)


def _kernel() -> str:
    """The kernel's version without what a distributor or an administrator added to it."""
    return platform.release().split("-")[0]


def _version(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} (not installed)"


def _first(path: str, key: str) -> str | None:
    """The value of a key in a file of lines `key: value`."""
    try:
        with open(path) as lines:
            for line in lines:
                name, _, value = line.partition(":")
                if name.strip() == key:
                    return value.strip()
    except OSError:
        pass
    return None
