"""An alternative parametrisation of a family: other names, and the way there and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kullback._core.arrays import Array
from kullback._core.domains import Domain


@dataclass(frozen=True)
class Parametrisation:
    """An alternative parametrisation of a family.

    Attributes:
        parameters: names and domains.
        to_default: from these parameters (by keyword) to the default ones, by name.
        from_default: the inverse.
    """

    parameters: Mapping[str, Domain]
    to_default: Callable[..., Mapping[str, Array]]
    from_default: Callable[..., Mapping[str, Array]]
