"""Reading JSON files from untrusted sources: every entry's type is checked, errors give its place.

Floats are written in Python's shortest form, which reads back to the same bits; infinities and NaN,
which JSON lacks, as the texts "inf", "-inf" and "nan".
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar, final

import numpy as np

from kullback._core.arrays import Vector
from kullback._core.errors import FileFormatError, MissingFileError, ModelError
from kullback._core.files import read_file

Kind = TypeVar("Kind")

# Room for three matrices of 1,300 coefficients at 25 bytes a number. A larger file is not
# read: it could fill the memory.
LARGEST = 128 * 2**20

# Characters of a file's text that a message quotes.
_SHOWN = 40


class WrongError(Exception):
    """A file is wrong; the message says how.

    Attributes:
        public: the error that users get.
    """

    public: ClassVar[type[FileFormatError]] = FileFormatError


class MissingError(WrongError):
    """A file does not exist."""

    public = MissingFileError


def plain(value: Any) -> Any:
    """Turn arrays into lists, and numbers that JSON lacks into texts."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else "inf" if value > 0.0 else "-inf"
    return value


def plain_label(label: Any) -> Any:
    """Turn a class label into what JSON has: a text or a number.

    Raises:
        ModelError: for a label of another kind.
    """
    if isinstance(label, np.generic):
        label = label.item()
    if isinstance(label, float) and not math.isfinite(label):
        return {"float": plain(label)}  # the text "inf" is a label, too
    if type(label) in (str, bool, int, float):
        return label
    raise ModelError(
        f"the class label {label!r} of type {type(label).__name__} cannot be saved: a saved fit "
        f"holds texts and numbers. Turn the labels into text before fitting."
    )


def shortened(text: str) -> str:
    """Shorten a file's text for a message."""
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def read_content(path: str, most: int, what: str) -> bytes:
    """Read a file of at most ``most`` bytes.

    Raises:
        WrongError: for a file that cannot be read, or is larger than any ``what``.
    """
    try:
        return read_file(path, most, what)
    except FileNotFoundError:
        raise MissingError("there is no such file.") from None
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the path
        raise WrongError(f"{getattr(error, 'strerror', None) or error}.") from None


def read_document(path: str) -> Node:
    """Read a JSON file.

    Raises:
        WrongError: for a file that cannot be read, or is not JSON.
    """
    return parse_document(read_content(path, LARGEST, "saved fit"))


def parse_document(content: bytes) -> Node:
    """Parse the content of a JSON file.

    Raises:
        WrongError: for another content.
    """
    if not content.strip():
        raise WrongError("it is empty.")
    try:
        document = json.loads(
            content.decode("utf-8"),
            parse_constant=_no_constant,
            parse_float=_finite,
            object_pairs_hook=_no_twin,
        )
    except UnicodeDecodeError:
        raise WrongError("it is not text.") from None
    except json.JSONDecodeError as error:
        raise WrongError(
            f"it is damaged, cut off, or not JSON (line {error.lineno}: {error.msg})."
        ) from None
    except RecursionError:
        raise WrongError("its lists are nested too deeply.") from None
    except ValueError:  # int() refuses thousands of digits
        raise WrongError("it holds a number with too many digits.") from None
    return Node(document, "")


def check_version(document: Node, newest: int, renew: str, writer: str = "") -> None:
    """Refuse a document of another version of its format.

    Args:
        document: the document.
        newest: the version that is read.
        renew: what replaces an older file, for the message.
        writer: what wrote the document, as in ``, from Kullback 0.1``.

    Raises:
        WrongError: it has another version; the message says what to do.
    """
    version = document["version"].whole()
    if version != newest:
        upgrade = "Read it with a newer Kullback: git pull in the folder of its clone."
        raise WrongError(
            f"it has version {version} of the format{writer}; this Kullback reads version "
            f"{newest}. {upgrade if version > newest else renew}"
        )


def _no_constant(name: str) -> float:
    raise WrongError(
        f'it holds {name}, which JSON lacks; the texts "inf" and "nan" stand for them.'
    )


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise WrongError(f"the number {shortened(text)} is too large.")
    return number


def _no_twin(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) < len(pairs):
        raise WrongError("it holds an entry twice.")
    return out


@final
@dataclass(frozen=True)
class Node:
    """An entry of the file: its value, and its place for messages."""

    value: Any
    place: str

    def _expect(self, kind: type[Kind], name: str) -> Kind:
        if type(self.value) is not kind:  # not isinstance: a bool is not a number here
            raise self.wrong(f"needs {name}")
        return self.value

    def wrong(self, what: str) -> WrongError:
        """Return the error, with the entry's place and value."""
        scalar = isinstance(self.value, str | float) or type(self.value) in (bool, int)
        shown = f", not {shortened(json.dumps(self.value))}" if scalar else ""
        return WrongError(f'"{self.place}" {what}{shown}.' if self.place else f"it {what}.")

    def entries(self) -> dict[str, Node]:
        """Return the entries of an object."""
        value = self._expect(dict, "entries by name")
        return {name: Node(item, _joined(self.place, name)) for name, item in value.items()}

    def items(self) -> list[Node]:
        """Return the items of a list."""
        value = self._expect(list, "a list")
        return [Node(item, f"{self.place}[{i}]") for i, item in enumerate(value)]

    def __getitem__(self, name: str) -> Node:
        """Return the entry with that name."""
        value = self._expect(dict, "entries by name")
        if name not in value:
            raise WrongError(f'"{_joined(self.place, name)}" is missing.')
        return Node(value[name], _joined(self.place, name))

    def text(self) -> str:
        """Read a text."""
        return self._expect(str, "a text")

    def flag(self) -> bool:
        """Read true or false."""
        return self._expect(bool, "true or false")

    def whole(self) -> int:
        """Read a whole number ≥ 0 of at most 63 bits."""
        value = self._expect(int, "a whole number")
        if not 0 <= value < 2**63:
            raise self.wrong("needs a whole number of at least 0")
        return value

    def number(self) -> float:
        """Read a float."""
        texts = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
        if isinstance(self.value, str) and self.value in texts:
            return texts[self.value]
        if type(self.value) not in (int, float):
            raise self.wrong("needs a number")
        try:
            return float(self.value)
        except OverflowError:
            raise WrongError(f'the number at "{self.place}" is too large.') from None

    def positive(self) -> float:
        """Read a positive, finite number."""
        value = self.number()
        if not 0.0 < value < math.inf:
            raise self.wrong("needs a positive number")
        return value

    def label(self) -> Any:
        """Read a class label as ``plain_label`` writes it."""
        if isinstance(self.value, dict):
            return self["float"].number()
        if type(self.value) not in (str, bool, int, float):
            raise self.wrong("needs a text or a number")
        return self.value

    def optional(self, read: Callable[[Node], Kind]) -> Kind | None:
        """Read with ``read``; None for null."""
        return None if self.value is None else read(self)

    def texts(self) -> tuple[str, ...]:
        """Read a list of texts."""
        return tuple(item.text() for item in self.items())

    def vector(self, size: int) -> Vector:
        """Read a list of ``size`` numbers."""
        items = self.items()
        if len(items) != size:
            raise self.wrong(f"needs {size} numbers and has {len(items)}")
        return np.array([item.number() for item in items], dtype=np.float64)

    def matrix(self, size: int) -> Vector:
        """Read a square matrix."""
        rows = self.items()
        if len(rows) != size:
            raise self.wrong(f"needs {size} rows and has {len(rows)}")
        return np.array([row.vector(size) for row in rows], dtype=np.float64).reshape(size, size)

    def array(self) -> Any:
        """Read a number, or a list of arrays of any depth."""
        if isinstance(self.value, list):
            return [item.array() for item in self.items()]
        return self.number()


def _joined(place: str, name: str) -> str:
    return f"{place}.{shortened(name)}" if place else shortened(name)
