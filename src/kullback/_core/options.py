"""Errors for options that a class does not have, with the name of the right one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

from kullback._core.errors import ModelError, did_you_mean

T = TypeVar("T")


def translate_options(**names: str) -> Callable[[type[T]], type[T]]:
    """Make a dataclass's constructor name the right option for one that it does not have.

    Args:
        names: options of other libraries, each with the name of the same option here.

    Returns:
        A class decorator. The constructor keeps its signature and raises ``ModelError`` for an
        unknown option.

    >>> import dataclasses
    >>> @translate_options(lr="rate")
    ... @dataclasses.dataclass
    ... class Descent:
    ...     rate: float = 0.1
    >>> Descent(lr=0.2)
    Traceback (most recent call last):
    kullback._core.errors.ModelError: Descent does not take lr: use rate.
    """

    def decorate(cls: type[T]) -> type[T]:
        init: Callable[..., None] = cls.__init__
        known = [f.name for f in fields(cls) if f.init]  # type: ignore[arg-type]  # a dataclass

        @functools.wraps(init)
        def checked(self: T, *values: Any, **options: Any) -> None:
            for name in options:
                if name in known:
                    continue
                if name in names:
                    raise ModelError(f"{cls.__name__} does not take {name}: use {names[name]}.")
                raise ModelError(
                    f"{cls.__name__} does not take {name}{did_you_mean(name, known) or '.'} "
                    f"Its options are {', '.join(known)}."
                )
            init(self, *values, **options)

        cls.__init__ = checked  # type: ignore[method-assign, assignment]
        return cls

    return decorate
