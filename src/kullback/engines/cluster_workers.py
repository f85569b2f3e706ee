"""What the workers of a cluster compute with, and what a user must hear where it differs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from kullback.data.checks import and_more

# So many workers of a kind are named; of more, their number.
_NAMED = 4


def _without_imports() -> Callable[..., dict[str, str]]:
    def versions(names: tuple[str, ...]) -> dict[str, str]:
        import importlib
        import platform

        found = {"python": ".".join(platform.python_version_tuple()[:2])}
        for name in names:
            try:
                found[name] = str(importlib.import_module(name).__version__)
            except Exception as error:  # whatever an import raises is the answer
                found[name] = f"cannot be imported ({type(error).__name__}: {error})"
        return found

    return versions


# Returns the versions of packages. Dask sends a function that cannot be imported by name as its
# code: so a worker without Kullback can call it too.
versions_of = _without_imports()


def other_versions(found: Mapping[str, Any], own: Mapping[str, str]) -> str:
    """Say which workers have other versions than the client; empty where none has.

    Args:
        found: by worker, what ``versions_of`` returned, or the error that it raised.
        own: what it returned to the client.

    >>> other_versions({"tcp://a:1": {"jax": "0.9"}, "tcp://b:1": {"jax": "0.10"}}, {"jax": "0.10"})
    'worker tcp://a:1: jax 0.9 (client: 0.10)'
    """
    kinds: dict[str, list[str]] = {}
    for worker, versions in found.items():
        there = versions if isinstance(versions, Mapping) else {"python": f"fails: {versions!r}"}
        what = [f"{n} {there[n]} (client: {own[n]})" for n in own if there.get(n, own[n]) != own[n]]
        if what:
            kinds.setdefault(" and ".join(what), []).append(worker)
    return "; ".join(f"{_named(workers)}: {what}" for what, workers in kinds.items())


def other_instructions(found: Mapping[str, str], own: str) -> str:
    """Say which processors have other sets of instructions, and what follows for the bits.

    Args:
        found: the processor and its sets of instructions, by worker.
        own: the client's.
    """
    kinds: dict[str, list[str]] = {}
    for worker, instructions in found.items():
        kinds.setdefault(instructions, []).append(worker)
    shown = [
        f"{_named(workers)}{' and the client' if instructions == own else ''}: {instructions}"
        for instructions, workers in kinds.items()
    ]
    shown += [] if own in kinds else [f"the client: {own}"]
    sets: list[set[str]] = [set(instructions.split()) for instructions in {*kinds, own}]
    extra = sorted(set().union(*sets) - sets[0].intersection(*sets))
    return (
        f"the processors of this cluster differ in their instructions ({'; '.join(shown)}). NumPy "
        f"and the compiler use them where they are ({', '.join(extra)} here), and round otherwise "
        "without. So the last bits of the sums, and of estimates and errors, depend on which "
        "worker adds up which rows: they may differ from fit to fit, and from those of one "
        "machine. For the same bits let all processors be of one kind; fit.sample_info."
        "instructions says with which a fit was made."
    )


def _named(workers: list[str]) -> str:
    noun = "worker" if len(workers) == 1 else "workers"
    return f"{noun} {and_more(sorted(workers)[:_NAMED], len(workers))}"
