"""Checkpoints: the state of a training after an epoch, in one file that holds data, not code.

A safetensors file holds the arrays, and its header, as JSON, everything else, with a digest of the
whole file. A new file replaces the old one in one step, so that an interrupt leaves a whole file.
The random numbers of an epoch depend on the seed and the epoch's number only, so a resumed training
has the same bits as one that was never interrupted.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, final

import jax
import jax.numpy as jnp
import numpy as np

from kullback._core.errors import FileFormatError, MissingFileError, ModelError
from kullback._core.files import BLANK, read_file, real_path, replaced, seal_holds, sealed
from kullback.calibration.scaling import Scaling
from kullback.results.json_document import (
    Node,
    WrongError,
    check_version,
    parse_document,
    plain,
)
from kullback.results.trained import Epoch
from kullback.solvers.minibatch import Minibatch
from kullback.training.batches import InMemoryBatches, StreamedBatches
from kullback.training.problem import TrainingProblem
from kullback.training.state import TrainingState

FORMAT, VERSION = "kullback checkpoint", 3
_HEADER = "kullback"

# Room for the header: a million epochs.
_LARGEST_HEADER = 128 * 2**20


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
        self._name = os.fspath(path)
        self._path = real_path(path, self._name)
        if not os.path.isdir(self._path.parent):
            raise MissingFileError(
                f"checkpoint={self._name}: the folder {self._path.parent} does not exist."
            )
        levels: tuple[Any, ...] | None = getattr(problem.model, "levels", None)
        self._classes = None if levels is None else len(levels)
        self._fingerprints = _fingerprints(problem, solver)

    def resume(self, state: TrainingState) -> None:
        """Restore the state of a training from the file; leave it unchanged without a file.

        Raises:
            FileFormatError: the file is not a checkpoint.
            ModelError: the file belongs to another training.
        """
        arrays = jax.tree.leaves((state.members, state.best_weights))
        most = sum(array.nbytes for array in arrays) + _LARGEST_HEADER
        try:
            content = read_file(self._path, most, "checkpoint of this training")
            header, tensors = _parsed(content)
            saved = {name: header["training"][name].text() for name in self._fingerprints}
        except FileNotFoundError:
            return
        except (OSError, WrongError) as error:
            raise self._unreadable(getattr(error, "strerror", None) or error) from None
        differing = [name for name, value in self._fingerprints.items() if saved[name] != value]
        if differing:
            raise ModelError(
                f"checkpoint={self._name} is of another training: its {' and its '.join(differing)}"
                " differ. Give another file, or remove this one to start from scratch."
            )
        try:
            self._restore(state, header, tensors)
        except WrongError as wrong:
            raise self._unreadable(wrong) from None

    def _unreadable(self, why: object) -> FileFormatError:
        reason = str(why).rstrip(".")
        return FileFormatError(
            f"checkpoint={self._name} is not a readable checkpoint of a training: {reason}. Give "
            "another file, or remove this one to start from scratch."
        )

    def _restore(self, state: TrainingState, header: Node, tensors: dict[str, Any]) -> None:
        """Replace the state by the file's, all of it or nothing.

        Raises:
            WrongError: the file does not hold a state of this training.
        """
        members = _restored(state.members, tensors, "state")
        best_weights = _restored(state.best_weights, tensors, "best")
        history = [_epoch(number, node) for number, node in enumerate(header["history"].items(), 1)]
        best_epoch = header["best"].whole()
        if best_epoch > len(history):
            raise header["best"].wrong(f"needs one of {len(history)} epochs")
        scaling = None
        if header["scaled"].flag():
            scaling = _scaling(tensors, self._classes)
        if tensors:
            raise WrongError(f"it holds {min(tensors)!r}, which this training lacks.")
        state.members, state.best_weights, state.history = members, best_weights, history
        state.best_epoch, state.scaling = best_epoch, scaling

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
            "sha256": BLANK,
            "format": FORMAT,
            "version": VERSION,
            "training": self._fingerprints,
            "history": [plain(list(vars(e).values())) for e in state.history],
            "best": state.best_epoch,
            "scaled": state.scaling is not None,
        }
        content = sealed(save(tensors, {_HEADER: json.dumps(header, allow_nan=False)}))
        with replaced(self._path, f"checkpoint={self._name}") as file:
            file.write(content)


def _parsed(content: bytes) -> tuple[Node, dict[str, Any]]:
    """The header of a checkpoint, and its arrays.

    Raises:
        WrongError: the content was altered, or is not a checkpoint of this version.
    """
    from safetensors.numpy import load

    # a safetensors file begins with the size of its JSON, in eight bytes
    start = 8 + int.from_bytes(content[:8], "little")
    text = parse_document(content[8:start])["__metadata__"][_HEADER].text()
    header = parse_document(text.encode(errors="replace"))
    if header["format"].text() != FORMAT:
        raise header["format"].wrong(f"needs {FORMAT!r}")
    check_version(header, VERSION, "Give another file, or remove this one to begin anew.")
    if not seal_holds(content, header["sha256"].text()):
        raise WrongError("it was altered or damaged: its digest differs.")
    try:
        return header, load(content)
    except Exception as error:  # of kinds that safetensors does not document
        raise WrongError(f"its arrays cannot be read ({str(error)[:100]}).") from None


def _restored(like: Any, tensors: dict[str, Any], what: str) -> Any:
    """A tree with the structure of ``like`` and the file's arrays, which are taken out."""
    leaves, structure = jax.tree.flatten(like)
    arrays = [
        jnp.asarray(_taken(tensors, f"{what}.{k}", leaf.shape, leaf.dtype))
        for k, leaf in enumerate(leaves)
    ]
    return jax.tree.unflatten(structure, arrays)


def _taken(tensors: dict[str, Any], name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    array = tensors.pop(name, None)
    if array is None or array.shape != shape or array.dtype != dtype:
        raise WrongError(f"it lacks {name} of shape {shape} and type {dtype}.")
    return array


def _epoch(number: int, node: Node) -> Epoch:
    values = node.items()
    if len(values) != 4 or values[0].value != number:
        raise node.wrong(f"needs the number {number} and three losses")
    return Epoch(values[0].whole(), *(value.number() for value in values[1:]))


def _scaling(tensors: dict[str, Any], classes: int | None) -> Scaling:
    if classes is None:
        raise WrongError("it holds a calibration, which this training lacks.")
    every = (classes,)
    one = "scale" in tensors and tensors["scale"].shape == (1,)
    scale = _taken(tensors, "scale", (1,) if one else every, np.float64)
    shift = _taken(tensors, "shift", every, np.float64)
    background = None
    if "background" in tensors:
        background = _taken(tensors, "background", every, np.float64)
    rest = np.zeros(classes) if background is None else background
    finite = np.all(np.isfinite(scale)) and np.all(np.isfinite(shift)) and np.all(scale >= 0.0)
    if not finite or not (np.all(rest >= 0.0) and rest.sum() < 1.0):
        raise WrongError("its calibration has numbers that a calibration cannot have.")
    return Scaling(scale, shift, background)


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
