"""Checkpoints: the state of a training after an epoch, in one file that holds data, not code.

A safetensors file holds the arrays, and its header, as JSON, everything else. The new file is
written under a temporary name and then replaces the old one, so that an interrupt leaves a complete
file. The random numbers of an epoch depend on the seed and the epoch's number only, so a resumed
training has the same bits as one that was never interrupted.
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
from kullback.training.batches import InMemoryBatches, StreamedBatches
from kullback.training.problem import TrainingProblem
from kullback.training.state import TrainingState

FORMAT, VERSION = "kullback checkpoint", 2
_HEADER = "kullback"


@final
class Checkpoint:
    """The checkpoint file of one training.

    Args:
        path: of the file.
        problem: the training problem.
        solver: the options.
    """

    def __init__(
        self, path: str | os.PathLike[str], problem: TrainingProblem, solver: Minibatch
    ) -> None:
        """Compute the fingerprints of the training; nothing is read or written yet."""
        self._path = Path(os.path.realpath(path))
        self._name = os.fspath(path)
        if not self._path.parent.is_dir():
            raise KullbackError(
                f"checkpoint={self._name}: the folder {self._path.parent} does not exist."
            )
        self._fingerprints = _fingerprints(problem, solver)

    def resume(self, state: TrainingState) -> None:
        """Restore the state of a training from the file; leave it unchanged without a file.

        Raises:
            FileFormatError: the file is not a checkpoint.
            ModelError: the file belongs to another training.
        """
        if not self._path.exists():
            return
        header, tensors = self._read()
        saved = header["training"]
        differing = [name for name, value in self._fingerprints.items() if saved[name] != value]
        if differing:
            raise ModelError(
                f"checkpoint={self._name} is of another training: its {' and its '.join(differing)}"
                " differ. Give another file, or remove this one to start from scratch."
            )
        try:
            state.members = self._restored(state.members, tensors, "state")
            state.best_weights = self._restored(state.best_weights, tensors, "best")
            state.history = [Epoch(int(e[0]), *map(float, e[1:])) for e in header["history"]]
            state.best_epoch = int(header["best"])
            state.scaling = None
            if header["scaled"]:
                background = tensors.get("background")
                state.scaling = Scaling(tensors["scale"], tensors["shift"], background)
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise FileFormatError(f"{self._name} was altered: {error}") from None

    def write(self, state: TrainingState) -> None:
        """Write the state of a training.

        Raises:
            KullbackError: the file cannot be written.
        """
        from safetensors.numpy import save

        tensors = {
            f"{what}.{k}": np.asarray(leaf)
            for what, tree in (("state", state.members), ("best", state.best_weights))
            for k, leaf in enumerate(jax.tree.leaves(tree))
        }
        if state.scaling is not None:
            tensors |= {"scale": state.scaling.scale, "shift": state.scaling.shift}
            if state.scaling.background is not None:
                tensors["background"] = state.scaling.background
        header = {
            "format": FORMAT,
            "version": VERSION,
            "training": self._fingerprints,
            "history": [[repr(value) for value in vars(e).values()] for e in state.history],
            "best": state.best_epoch,
            "scaled": state.scaling is not None,
        }
        content = save(tensors, {_HEADER: json.dumps(header)})
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
                header = json.loads((file.metadata() or {})[_HEADER])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if header["format"] != FORMAT or not isinstance(header["training"], dict):
                raise ValueError("its header has another format")
        except Exception as error:
            raise FileFormatError(
                f"{self._name} is not a readable checkpoint of a training: {str(error)[:100]}"
            ) from None
        if header.get("version") != VERSION:
            raise FileFormatError(
                f"{self._name} has version {header.get('version')!r}; {VERSION} can be read"
            )
        return header, tensors

    def _restored(self, like: Any, tensors: dict[str, Any], what: str) -> Any:
        """A tree with the structure of ``like`` and the file's arrays."""
        leaves, structure = jax.tree.flatten(like)
        arrays = []
        for k, leaf in enumerate(leaves):
            array = tensors[f"{what}.{k}"]
            if array.shape != leaf.shape or array.dtype != leaf.dtype:
                raise ValueError(f"{what}.{k} must have the shape {leaf.shape}, got {array.shape}")
            arrays.append(jnp.asarray(array))
        return jax.tree.unflatten(structure, arrays)


def _fingerprints(problem: TrainingProblem, solver: Minibatch) -> dict[str, str]:
    """Digests that identify a training, by the name that a message uses for each."""
    options = {
        name: value
        for name, value in vars(solver).items()
        if name not in ("checkpoint", "held_out", "optimizer", "patience")
    }
    return {
        "model": _digest(repr(problem.model), repr(dict(problem.sources))),
        # an optimiser consists of functions, which cannot be compared: its name identifies it
        "options": _digest(repr(options), repr(solver.optimizer).split(" at ")[0]),
        "rows": _rows_digest(problem),
    }


def _rows_digest(problem: TrainingProblem) -> str:
    arrays: list[Any] = []
    batches = problem.batches
    if isinstance(batches, InMemoryBatches):
        arrays = [value for _, value in sorted(batches.columns.items())] + list(batches.members)
    elif isinstance(batches, StreamedBatches):
        arrays = [np.array([batches.rows])]
    for held in problem.held_out:
        arrays += [value for _, value in sorted(held.columns.items())] + [held.weight]
    digest = hashlib.blake2b(digest_size=16)
    for array in arrays:
        digest.update(np.ascontiguousarray(np.asarray(array)).view(np.uint8).data)
    return digest.hexdigest()


def _digest(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]
