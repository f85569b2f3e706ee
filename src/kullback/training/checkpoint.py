"""Checkpoints: where a training stands after an epoch, in one file that is data and no code.

A safetensors file holds the arrays, and in its header, as JSON, everything else. It is written
beside the old one and then put in its place, so that a break leaves the one or the other. What is
random in an epoch depends on the seed and the epoch's number alone, so that a training which goes
on from here has the bits of one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.errors import FileFormatError, KullbackError, ModelError
from kullback.calibration.scaling import Scaling
from kullback.results.trained import Epoch
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import Memory, Streamed
from kullback.training.problem import TrainingProblem
from kullback.training.state import Run

FORMAT, VERSION = "kullback checkpoint", 2
_HEADER = "kullback"


@final
class Checkpoint:
    """The file of one training.

    Args:
        path: its name.
        problem: what is trained on what.
        how: the options.
    """

    def __init__(
        self, path: str | os.PathLike[str], problem: TrainingProblem, how: Minibatch
    ) -> None:
        """Take the fingerprint of the training; nothing is read or written yet."""
        self._path = Path(os.path.realpath(path))
        self._name = os.fspath(path)
        if not self._path.parent.is_dir():
            raise KullbackError(f"checkpoint={self._name}: there is no folder {self._path.parent}.")
        self._prints = _fingerprints(problem, how)

    def resume(self, run: Run) -> None:
        """Put a training where the file says it stands; leave it at its start if there is none.

        Raises:
            FileFormatError: the file is no checkpoint.
            ModelError: it is another training's.
        """
        if not self._path.exists():
            return
        told, tensors = self._read()
        others = [name for name, value in self._prints.items() if told["training"][name] != value]
        if others:
            raise ModelError(
                f"checkpoint={self._name} is of another training: its {' and its '.join(others)} "
                "differ. Give another file, or remove this one to begin anew."
            )
        try:
            run.states = self._tree(run.states, tensors, "state")
            run.weights = self._tree(run.weights, tensors, "best")
            run.history = [Epoch(int(e[0]), *map(float, e[1:])) for e in told["history"]]
            run.best = int(told["best"])
            run.scaling = None
            if told["scaled"]:
                run.scaling = Scaling(tensors["scale"], tensors["shift"], tensors.get("background"))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise FileFormatError(f"{self._name} was altered: {error}") from None

    def write(self, run: Run) -> None:
        """Write where a training stands.

        Raises:
            KullbackError: it cannot be written.
        """
        from safetensors.numpy import save

        tensors = {
            f"{what}.{k}": np.asarray(leaf)
            for what, tree in (("state", run.states), ("best", run.weights))
            for k, leaf in enumerate(jax.tree.leaves(tree))
        }
        if run.scaling is not None:
            tensors |= {"scale": run.scaling.scale, "shift": run.scaling.shift}
            if run.scaling.background is not None:
                tensors["background"] = run.scaling.background
        told = {
            "format": FORMAT,
            "version": VERSION,
            "training": self._prints,
            "history": [[repr(value) for value in vars(e).values()] for e in run.epochs],
            "best": run.best,
            "scaled": run.scaling is not None,
        }
        content = save(tensors, {_HEADER: json.dumps(told)})
        part = self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        try:
            part.write_bytes(content)
            part.replace(self._path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise KullbackError(
                f"checkpoint={self._name} cannot be written: {error.strerror or error}."
            ) from None

    def _read(self) -> tuple[dict[str, Any], dict[str, Any]]:
        from safetensors import safe_open

        try:
            with safe_open(os.fspath(self._path), "np") as file:
                told = json.loads((file.metadata() or {})[_HEADER])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if told["format"] != FORMAT or not isinstance(told["training"], dict):
                raise ValueError("its header is another one's")
        except Exception as error:
            raise FileFormatError(
                f"{self._name} is no checkpoint of a training that can be read: {str(error)[:100]}"
            ) from None
        if told.get("version") != VERSION:
            raise FileFormatError(
                f"{self._name} has version {told.get('version')!r}; {VERSION} can be read"
            )
        return told, tensors

    def _tree(self, like: Any, tensors: dict[str, Any], what: str) -> Any:
        """The arrays in the place of those of a tree of the same structure."""
        leaves, structure = jax.tree.flatten(like)
        found = []
        for k, leaf in enumerate(leaves):
            array = tensors[f"{what}.{k}"]
            if array.shape != leaf.shape or array.dtype != leaf.dtype:
                raise ValueError(f"{what}.{k} has the shape {array.shape}, and {leaf.shape} fits")
            found.append(jnp.asarray(array))
        return jax.tree.unflatten(structure, found)


def _fingerprints(problem: TrainingProblem, how: Minibatch) -> dict[str, str]:
    """What tells this training from another, by the words of a message."""
    options = {
        name: value
        for name, value in vars(how).items()
        if name not in ("checkpoint", "held_out", "optimizer", "patience")
    }
    return {
        "model": _digest(repr(problem.model), repr(dict(problem.sources))),
        # an optimiser is functions, which cannot be compared: it is known by its name
        "options": _digest(repr(options), repr(how.optimizer).split(" at ")[0]),
        "rows": _rows_digest(problem),
    }


def _rows_digest(problem: TrainingProblem) -> str:
    arrays: list[Any] = []
    batches = problem.batches
    if isinstance(batches, Memory):
        arrays = [value for _, value in sorted(batches.columns.items())] + list(batches.members)
    elif isinstance(batches, Streamed):
        arrays = [np.array([batches.rows])]
    for held in problem.held:
        arrays += [value for _, value in sorted(held.columns.items())] + [held.weight]
    found = hashlib.blake2b(digest_size=16)
    for array in arrays:
        found.update(np.ascontiguousarray(np.asarray(array)).view(np.uint8).data)
    return found.hexdigest()


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]
