"""Samples: the user's rows from arrays, tables or files, cut into blocks of a fixed size."""

from kullback.data.blocks import ROWS, TILE, Block, blocks
from kullback.data.observation import Exact, RowKind
from kullback.data.open import open_sample
from kullback.data.roles import Roles
from kullback.data.sample import ArraySample, Chunk, RowSource

__all__ = [
    "ROWS",
    "TILE",
    "ArraySample",
    "Block",
    "Chunk",
    "Exact",
    "Roles",
    "RowKind",
    "RowSource",
    "blocks",
    "open_sample",
]
