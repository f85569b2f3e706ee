"""The metaclass of what users call with arguments by name: its errors say what would be right."""

from __future__ import annotations

import abc
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from kullback._core.errors import ModelError, did_you_mean
from kullback.models.other_names import translated_parameters


class _OwnSignature:
    """The signature of a class's ``__init__``, where the class states no other."""

    def __get__(self, cls: Any, kind: type | None = None) -> inspect.Signature:
        signature = inspect.signature(cls.__init__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])


class CheckedCalls(abc.ABCMeta):
    """The type of classes whose wrong calls are errors that say what would be right."""

    # tools would else show the signature of ``__call__``
    __signature__ = _OwnSignature()

    def __call__(cls, *args: Any, **keywords: Any) -> Any:
        """Make an instance.

        Raises:
            ModelError: for arguments that the class does not take.
        """
        try:
            return super().__call__(*args, **keywords)
        except TypeError:
            problem = _wrong_call(cls, args, keywords)
            if problem is None:
                raise
        raise ModelError(problem)


def _wrong_call(cls: Any, args: Sequence[Any], keywords: Mapping[str, Any]) -> str | None:
    """What is wrong with the arguments, and what would be right; None where they fit."""
    parameters = inspect.signature(cls).parameters.values()
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None  # it reads its keywords itself
    name, known = cls.__name__, [p.name for p in parameters]
    first = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    by_name = [n for n in known if n not in first]
    usage = f"kl.{name}({', '.join([*first, *(f'{n}=...' for n in by_name)])})"
    unknown = [n for n in keywords if n not in known]
    if unknown:
        translated = translated_parameters(name, unknown)
        if translated:
            return f"{translated} The call is {usage}."
        wrong = unknown[0]
        if args and wrong in getattr(args[0], "parameters", ()):
            part = type(args[0]).__name__
            return (
                f"{name} has no argument {wrong!r}, which is a parameter of the model that it is "
                f"made of: write kl.{name}(kl.{part}({wrong}=...))."
            )
        hint = did_you_mean(wrong, known)
        return f"{name} has no argument {wrong!r}{hint or '.'} The call is {usage}."
    if len(args) > len(first):
        if first == ["models"] and all(hasattr(a, "parameters") for a in args):
            listed = ", ".join(map(repr, args))
            return f"{name} takes its models as one list: kl.{name}([{listed}])."
        shown = [*map(repr, args[: len(first)])]
        shown += [f"{n}={v!r}" for n, v in zip(by_name, args[len(first) :], strict=False)]
        return f"{name} takes {' and '.join(by_name)} by name: kl.{name}({', '.join(shown)})."
    lacking = [
        p.name
        for p in parameters
        if p.default is p.empty and p.name not in [*first[: len(args)], *keywords]
    ]
    if lacking:
        return f"{name} needs {' and '.join(lacking)}. The call is {usage}."
    twice = [n for n in first[: len(args)] if n in keywords]
    return f"{name} was given {twice[0]} twice. The call is {usage}." if twice else None
