"""Blocks: the same ones however the rows arrive, padded with rows that weigh nothing."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kullback._core.memory import ALIGNMENT, aligned
from kullback.data import ROWS, TILE, ArraySample, Block, Chunk, Exact, RowKind, blocks


class Other(RowKind):
    """Another kind of row, equal to every instance of itself as a kind must be."""

    fields = ("y",)

    def ends(self, fields):
        return fields["y"], fields["y"]

    def __eq__(self, other: object) -> bool:
        return type(other) is Other

    def __hash__(self) -> int:
        return hash(Other)


def cut(
    values: np.ndarray,
    weight: np.ndarray | None,
    numbers: np.ndarray | None,
    ends: list[int],
    kind: RowKind,
) -> list[Chunk]:
    """Cut rows into chunks that end at `ends`."""
    edges = sorted({0, len(values), *(end for end in ends if end < len(values))})
    return [
        Chunk(
            kind,
            {"y": values[start:stop], "x": -values[start:stop]},
            None if weight is None else weight[start:stop],
            start if numbers is None else int(numbers[start]),
            None if numbers is None else numbers[start:stop],
        )
        for start, stop in itertools.pairwise(edges)
    ]


def contents(block: Block) -> tuple[object, ...]:
    """Everything a block holds, as bytes where order and bits matter."""
    return (
        type(block.kind),
        block.index,
        {name: values.tobytes() for name, values in block.fields.items()},
        block.weight.tobytes(),
        block.count,
        block.tiles,
        [block.row_number(position) for position in range(block.capacity)],
    )


@given(
    rows=st.integers(1, 90),
    size=st.integers(1, 40),
    ends=st.lists(st.integers(1, 89), max_size=12),
    weighted=st.booleans(),
    dropped=st.booleans(),
)
def test_any_chunks_give_the_same_blocks(
    rows: int, size: int, ends: list[int], weighted: bool, dropped: bool
) -> None:
    generator = np.random.default_rng(rows)
    values = generator.normal(size=rows)
    weight = generator.uniform(size=rows) if weighted else None
    numbers = np.sort(generator.permutation(2 * rows)[:rows]) if dropped else None

    whole = list(blocks(cut(values, weight, numbers, [], Exact()), size))
    parts = list(blocks(cut(values, weight, numbers, ends, Exact()), size))

    assert [contents(block) for block in parts] == [contents(block) for block in whole]
    # and they hold rows i * size to (i + 1) * size
    for block in whole:
        start = block.index * size
        assert block.capacity == min(size, TILE)
        assert block.count == min(size, rows - start)
        np.testing.assert_array_equal(block.fields["y"][: block.count], values[start:][:size])
        np.testing.assert_array_equal(block.fields["x"], -block.fields["y"])
        np.testing.assert_array_equal(block.fields["y"][block.count :], values[start])
        expected = np.ones(rows) if weight is None else weight
        np.testing.assert_array_equal(block.weight[: block.count], expected[start:][:size])
        np.testing.assert_array_equal(block.weight[block.count :], 0.0)
        original = np.arange(rows) if numbers is None else numbers
        assert [block.row_number(at) for at in range(block.count)] == original[start:][
            :size
        ].tolist()
        assert block.row_number(block.capacity) == original[start]
    assert sum(block.count for block in whole) == rows


@given(ends=st.lists(st.integers(1, 29), max_size=6), order=st.randoms(use_true_random=False))
def test_kinds_do_not_disturb_each_other(ends: list[int], order) -> None:
    exact = cut(np.arange(30.0), None, None, ends, Exact())
    other = cut(np.arange(100.0, 130.0), None, None, ends[:3], Other())
    alone = [contents(block) for chunks in (exact, other) for block in blocks(chunks, 8)]

    # Interleave the chunks of the two kinds, each kind in its order.
    mixed = []
    waiting = [list(exact), list(other)]
    while any(waiting):
        mixed.append(order.choice([chunks for chunks in waiting if chunks]).pop(0))
    together = [contents(block) for block in blocks(mixed, 8)]

    assert sorted(together, key=lambda held: (held[0].__name__, held[1])) == alone


def test_a_mix_of_chunks_with_and_without_weights() -> None:
    chunks = [
        Chunk(Exact(), {"y": np.array([1.0, 2.0])}),
        Chunk(Exact(), {"y": np.array([3.0])}, np.array([0.5]), 2),
    ]
    (block,) = blocks(chunks, 4)
    np.testing.assert_array_equal(block.weight, [1.0, 1.0, 0.5, 0.0])


@pytest.mark.parametrize(
    ("rows", "capacities", "tiles"),
    [
        (1, [TILE], [1]),
        (TILE, [TILE], [1]),
        (TILE + 1, [ROWS], [2]),
        (ROWS, [ROWS], [32]),
        (ROWS + 1, [ROWS, ROWS], [32, 1]),
    ],
)
def test_capacities_and_tiles(rows: int, capacities: list[int], tiles: list[int]) -> None:
    found = list(blocks(ArraySample({"y": np.arange(float(rows))}).chunks()))
    assert [block.capacity for block in found] == capacities
    assert [block.tiles for block in found] == tiles


def test_no_rows_give_no_blocks() -> None:
    assert list(blocks([])) == []
    assert list(blocks([Chunk(Exact(), {"y": np.empty(0)})])) == []


def test_full_blocks_are_views_and_share_their_weights() -> None:
    values = np.arange(3.5 * ROWS)
    found = list(blocks(ArraySample({"y": values}).chunks()))
    assert [np.shares_memory(block.fields["y"], values) for block in found] == [True] * 3 + [False]
    assert found[0].weight is found[1].weight
    with pytest.raises(ValueError, match="read-only"):
        found[0].weight[0] = 2.0

    weight = np.ones(len(values))
    weighted = next(blocks(ArraySample({"y": values}, weight).chunks()))
    assert np.shares_memory(weighted.weight, weight)


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_aligned_arrays(count: int) -> None:
    array = aligned(count)
    assert array.shape == (count,)
    assert array.ctypes.data % ALIGNMENT == 0


def test_rows_of_weight_zero_go_into_no_block() -> None:
    chunk = Chunk(Exact(), {"y": np.arange(5.0)}, np.array([0.0, 1.0, 0.0, 2.0, 0.0]), first_row=10)
    empty = Chunk(Exact(), {"y": np.arange(2.0)}, np.zeros(2), first_row=15)
    (block,) = blocks([chunk, empty], size=4)
    assert block.count == 2
    np.testing.assert_array_equal(block.fields["y"][:2], [1.0, 3.0])
    np.testing.assert_array_equal(block.weight, [1.0, 2.0, 0.0, 0.0])
    assert [block.row_number(k) for k in range(2)] == [11, 13]


@pytest.mark.parametrize("before", [0, 1, 7, 8, 9, 16, 23])
def test_a_part_of_a_sample_leaves_out_the_rows_of_a_block_that_begins_before_it(before):
    rows = np.arange(40.0)
    whole = {b.index: b for b in blocks([Chunk(Exact(), {"y": rows})], size=8)}
    part = Chunk(Exact(), {"y": rows[before:]}, first_row=before)
    found = list(blocks([part], size=8, before={Exact(): before}))
    assert [b.index for b in found] == list(range(-(-before // 8), 5))
    for block in found:
        np.testing.assert_array_equal(block.fields["y"], whole[block.index].fields["y"])
        np.testing.assert_array_equal(block.row_numbers, whole[block.index].row_numbers)


def test_the_last_block_of_a_part_has_the_capacity_that_it_has_in_the_whole():
    rows = np.arange(TILE + ROWS + 0.0)
    *_, whole = blocks([Chunk(Exact(), {"y": rows})])
    (part,) = blocks([Chunk(Exact(), {"y": rows[ROWS:]})], before={Exact(): ROWS})
    assert part.capacity == whole.capacity == ROWS
