"""The public estimators: every kind of data, every option, every refusal.

Expected values: SciPy's entropies, closed forms, and the functions on plain arrays that the façade
calls (which have tests of their own).
"""

import math

import numpy as np
import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from scipy import stats

import kullback as kl
from kullback._core.errors import DataError, KullbackError
from kullback.information.discrete.estimators import entropy_of_counts
from kullback.information.discrete.mutual_information import mutual_information_of_counts
from kullback.information.neighbours.divergence import nearest_neighbour_kl
from kullback.information.neighbours.entropy import nearest_neighbour_entropy
from kullback.information.neighbours.mutual_information import (
    mutual_information_continuous,
    mutual_information_mixed,
    mutual_information_with_label,
)

RANDOM = np.random.default_rng(60)
ROWS = 240
Z = RANDOM.normal(size=ROWS)
X = 0.6 * Z + 0.8 * RANDOM.normal(size=ROWS)
K = RANDOM.poisson(2.0, ROWS)
LABEL = np.array(["low", "mid", "high"])[np.clip((Z > -0.5) * 1 + (Z > 0.7), 0, 2)].tolist()
TABLE = {"z": Z, "x": X, "k": K, "label": LABEL}
COUNTED = np.bincount(K)
OF_LABELS = np.unique(LABEL, return_counts=True)[1]
BY_LABEL = np.array(
    [
        [np.sum((np.array(LABEL) == name) & (k == K)) for k in range(K.max() + 1)]
        for name in np.unique(LABEL)
    ]
)

CONTAINERS = [
    "dict",
    "lists",
    "pandas",
    "polars",
    "arrow",
    "csv",
    "parquet",
    "streamed csv",
    "streamed parquet",
]


@pytest.fixture
def table(request, tmp_path, monkeypatch):
    """The same four columns in one kind of container."""
    kind = request.param
    if kind == "dict":
        return TABLE
    if kind == "lists":
        return {name: np.asarray(values).tolist() for name, values in TABLE.items()}
    if kind == "pandas":
        return pandas.DataFrame(TABLE)
    if kind == "polars":
        return polars.DataFrame(TABLE)
    if kind == "arrow":
        return pyarrow.table(TABLE)
    if kind.startswith("streamed"):
        monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    if kind.endswith("csv"):
        path = tmp_path / "t.csv"
        polars.DataFrame(TABLE).write_csv(path)
    else:
        path = tmp_path / "t.parquet"
        # small row groups: several pieces to a stream
        pyarrow.parquet.write_table(pyarrow.table(TABLE), path, row_group_size=64)
    return str(path)


def same(found, expected):
    assert (found.value, found.stderr) == (expected.value, expected.stderr)
    assert found.method == expected.method


def words(*arguments, of=kl.estimate_entropy, kind=DataError, **options):
    with pytest.raises(kind) as refused:
        of(*arguments, **options)
    return str(refused.value)


# ---- containers --------------------------------------------------------------------------


@pytest.mark.parametrize("table", CONTAINERS, indirect=True)
def test_every_container_gives_the_same_numbers(table):
    same(kl.estimate_entropy(table, "z"), nearest_neighbour_entropy(Z))
    same(kl.estimate_entropy(table, "k"), entropy_of_counts(COUNTED))
    same(kl.estimate_entropy(table, "label"), entropy_of_counts(OF_LABELS))
    same(kl.estimate_entropy(table, ["z", "x"]), nearest_neighbour_entropy(np.c_[Z, X]))
    same(kl.estimate_entropy(table, ["label", "k"]), entropy_of_counts(BY_LABEL.ravel()))
    same(kl.estimate_mutual_information("x", "z", table), mutual_information_continuous(X, Z))
    same(
        kl.estimate_mutual_information("label", "k", table), mutual_information_of_counts(BY_LABEL)
    )
    expected = mutual_information_with_label(X, np.array(LABEL))
    same(kl.estimate_mutual_information("x", "label", table), expected)
    same(kl.estimate_mutual_information("label", "x", table), expected)
    shifted = kl.estimate_kl(table, {"z": Z + 0.5}, y="z")
    same(shifted, nearest_neighbour_kl(Z, Z + 0.5))


@pytest.mark.parametrize("make", [np.asarray, list, pandas.Series, polars.Series, pyarrow.array])
def test_a_column_alone(make):
    same(kl.estimate_entropy(make(Z)), nearest_neighbour_entropy(Z))
    same(kl.estimate_entropy(make(K)), entropy_of_counts(COUNTED))
    same(kl.estimate_entropy(make(LABEL)), entropy_of_counts(OF_LABELS))
    same(kl.estimate_kl(make(Z), make(X)), nearest_neighbour_kl(Z, X))
    same(
        kl.estimate_mutual_information(make(X), make(LABEL)),
        mutual_information_with_label(X, np.array(LABEL)),
    )


def test_a_long_stream_is_thinned_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"z": Z, "x": X}), path, row_group_size=50)
    monkeypatch.setattr("kullback.data.open.IN_MEMORY_BYTES", 0)
    monkeypatch.setattr("kullback.information.inputs.MOST_ROWS", 100)
    found = kl.estimate_entropy(str(path), "z")
    same(found, nearest_neighbour_entropy(Z[::4]))  # 240 rows, then 120, then 60
    assert found.assumptions[-1] == "of 240 rows every 4th was used"
    pair = kl.estimate_mutual_information("z", "x", str(path))
    same(pair, mutual_information_continuous(Z[::4], X[::4]))


# ---- entropy -----------------------------------------------------------------------------


def test_the_plug_in_is_scipys():
    found = kl.estimate_entropy(K, method="plug-in")
    assert found.value == pytest.approx(stats.entropy(COUNTED), rel=1e-13)
    bits = kl.estimate_entropy(LABEL, method="plug-in", unit="bits")
    assert bits.value == pytest.approx(stats.entropy(OF_LABELS, base=2), rel=1e-13)
    assert bits.unit == "bits"


def test_the_entropy_of_numbers_is_near_the_closed_form():
    rows = np.random.default_rng(61).normal(size=(3000, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])
    one, two = kl.estimate_entropy(rows[:, 0]), kl.estimate_entropy(rows)
    # H = log(2πe σ²)/2, and in two dimensions log(2πe) + log|det|; three standard errors
    assert abs(one.value - 0.5 * math.log(2 * math.pi * math.e)) < 3.0 * one.stderr
    assert abs(two.value - math.log(2 * math.pi * math.e) - math.log(2.0)) < 3.0 * two.stderr
    same(two, nearest_neighbour_entropy(rows))


@pytest.mark.parametrize(
    "values",
    [
        [True, False, True] * 9,
        np.array([True, False, True] * 9),
        [1, 0, 1] * 9,
        np.array([1, 0, 1] * 9, dtype=np.uint8),
        np.array([1.0, 0.0, 1.0] * 9),
        ["b", "a", "b"] * 9,
    ],
    ids=["bools", "bool array", "ints", "uint8", "whole floats", "text"],
)
def test_two_symbols_of_any_type(values):
    same(kl.estimate_entropy(values), entropy_of_counts([9, 18]))


def test_what_was_chosen_and_why_is_told():
    assert (
        'column "k" holds whole numbers only, which are counted'
        in kl.estimate_entropy({"k": K.tolist()}, "k").assumptions
    )
    assert "y holds whole numbers only, which are counted" in kl.estimate_entropy(K).assumptions
    assert kl.estimate_entropy(LABEL).assumptions[0].startswith("chosen by method=auto: 240 rows")


@pytest.mark.parametrize(
    "method", ["plug-in", "miller-madow", "grassberger", "chao-shen", "shrinkage", "nsb"]
)
def test_every_method_and_support(method):
    same(kl.estimate_entropy(K, method=method), entropy_of_counts(COUNTED, method=method))
    if method in ("shrinkage", "nsb"):
        same(
            kl.estimate_entropy(K, method=method, support=30),
            entropy_of_counts(COUNTED, method=method, support=30),
        )


def test_a_known_number_of_symbols():
    # 200 draws from the uniform over 1,000: its entropy is log 1000 = 6.908
    draws = np.random.default_rng(62).integers(0, 1000, 200)
    found = kl.estimate_entropy(draws, method="nsb", support=1000)
    assert abs(found.value - math.log(1000.0)) < 3.0 * found.stderr


def test_counts_along_the_last_axis():
    counts = RANDOM.poisson(5.0, (2, 3, 8))
    found = kl.estimate_entropy(counts, counts=True, method="plug-in", unit="bits")
    assert np.shape(found.value) == np.shape(found.stderr) == (2, 3)
    assert np.shape(found.interval[0]) == (2, 3)
    np.testing.assert_allclose(found.value, stats.entropy(counts, axis=-1, base=2), rtol=1e-13)
    same(kl.estimate_entropy(COUNTED, counts=True), entropy_of_counts(COUNTED))
    same(
        kl.estimate_entropy([3, 2, 1], counts=True, method="nsb", support=9),
        entropy_of_counts([3, 2, 1], method="nsb", support=9),
    )


def test_neighbours_are_the_users():
    same(kl.estimate_entropy(Z, neighbours=5), nearest_neighbour_entropy(Z, k=5))
    same(kl.estimate_kl(Z, X, neighbours=5), nearest_neighbour_kl(Z, X, k=5))
    same(
        kl.estimate_mutual_information(X, Z, neighbours=5), mutual_information_continuous(X, Z, k=5)
    )


def test_nearest_neighbours_for_whole_numbers_on_request():
    large = np.random.default_rng(63).permutation(10_000)[:300]
    found = kl.estimate_entropy(large, method="nearest neighbours")
    same(found, nearest_neighbour_entropy(large.astype(float)))


def test_weights_are_rows():
    seen = {"k": ["a", "b", "c"], "n": [3, 1, 6]}
    repeated = ["a"] * 3 + ["b"] + ["c"] * 6
    for method in ("plug-in", "auto", "nsb"):
        expected = kl.estimate_entropy(repeated, method=method)
        same(kl.estimate_entropy(seen, "k", weights="n", method=method), expected)
        same(kl.estimate_entropy(["a", "b", "c"], weights=[3, 1, 6], method=method), expected)
    joint = {"a": ["u", "v", "u"], "b": [1, 1, 2], "n": [3, 1, 6]}
    same(kl.estimate_entropy(joint, ["a", "b"], weights="n"), entropy_of_counts([3, 1, 6]))


def test_rows_with_missing_values_are_left_out():
    gaps = [*LABEL[:5], None, *LABEL[5:], None]
    same(kl.estimate_entropy(gaps, missing="drop"), entropy_of_counts(OF_LABELS))
    numbers = [*Z[:5], None, *Z[5:], None]
    found = kl.estimate_entropy(numbers, missing="drop")
    same(found, nearest_neighbour_entropy(Z))
    assert found.assumptions[-1] == "2 rows with missing values were left out"
    same(kl.estimate_kl(numbers, X, missing="drop"), nearest_neighbour_kl(Z, X))


@pytest.mark.parametrize(
    "of",
    [
        lambda gaps: kl.estimate_entropy(gaps, missing="drop"),
        lambda gaps: kl.estimate_entropy({"a": gaps, "b": gaps}, ["a", "b"], missing="drop"),
        lambda gaps: kl.estimate_kl(gaps, gaps, missing="drop"),
    ],
    ids=["entropy", "joint", "kl"],
)
def test_left_out_rows_of_labels_are_told(of):
    found = of([*LABEL, None])
    assert any("1 row" in note and "left out" in note for note in found.assumptions)


# ---- units and levels --------------------------------------------------------------------

ESTIMATES = {
    "labels": lambda **options: kl.estimate_entropy(LABEL, **options),
    "numbers": lambda **options: kl.estimate_entropy(Z, **options),
    "counts": lambda **options: kl.estimate_entropy(COUNTED, counts=True, **options),
    "kl": lambda **options: kl.estimate_kl(Z, X, **options),
    "kl of labels": lambda **options: kl.estimate_kl(LABEL, LABEL[:200], **options),
    "information": lambda **options: kl.estimate_mutual_information(X, Z, **options),
    "information of labels": lambda **options: kl.estimate_mutual_information(X, LABEL, **options),
}


@pytest.mark.parametrize("case", ESTIMATES)
def test_units_and_levels(case):
    nats = ESTIMATES[case]()
    assert (nats.unit, nats.level) == ("nats", 0.95)
    for unit, size in (("bits", math.log(2.0)), ("hartleys", math.log(10.0))):
        found = ESTIMATES[case](unit=unit)
        assert found.unit == unit
        assert found.value == pytest.approx(nats.value / size, rel=1e-14)
        assert found.stderr == pytest.approx(nats.stderr / size, rel=1e-14)
        assert found.interval == pytest.approx([end / size for end in nats.interval], rel=1e-12)
    for level in (0.5, 0.95, 0.99):
        found = ESTIMATES[case](level=level)
        half = stats.norm.ppf(0.5 + level / 2) * nats.stderr
        assert found.level == level
        assert found.value == nats.value
        assert found.interval == pytest.approx((nats.value - half, nats.value + half), rel=1e-12)


@pytest.mark.parametrize("case", ESTIMATES)
def test_unknown_options(case):
    assert words(of=ESTIMATES[case], kind=KullbackError, unit="bit") == (
        "unit='bit' is not a unit of information; did you mean \"bits\"? "
        "Use one of 'nats', 'bits', 'hartleys'."
    )
    for level in (0.0, 1.0, 95.0, math.nan):
        assert words(of=ESTIMATES[case], kind=KullbackError, level=level) == (
            f"level must lie in (0, 1), got {level}."
        )
    said = words(of=ESTIMATES[case], kind=KullbackError, method="aut")
    assert said.startswith(
        'method="aut" is not an estimator here; did you mean "auto"? Use one of "'
    )


def test_a_method_near_a_known_one_is_suggested():
    assert 'did you mean "miller-madow"?' in words(LABEL, kind=KullbackError, method="millermadow")
    assert 'did you mean "ksg"?' in words(
        X, Z, of=kl.estimate_mutual_information, kind=KullbackError, method="kgs"
    )
    assert 'did you mean "nearest neighbours"?' in words(
        X, Z, of=kl.estimate_kl, kind=KullbackError, method="nearest neighbors"
    )


# ---- refusals ----------------------------------------------------------------------------


def test_weights_with_nearest_neighbours():
    table = {"z": Z, "n": np.ones(ROWS)}
    assert words(table, "z", weights="n") == (
        'column "z" holds numbers that are not whole, and entropy from nearest neighbours takes '
        "rows of equal weight: leave the weights out, or repeat the rows"
    )
    assert words(table, "z", weights="n", method="nearest neighbours") == (
        "nearest neighbours take rows of equal weight: leave the weights out"
    )


def test_unknown_columns():
    for said in (
        words(TABLE, "labels"),
        words(TABLE, ["z", "labels"]),
        words(TABLE, TABLE, of=kl.estimate_kl, y="labels"),
        words("z", "labels", TABLE, of=kl.estimate_mutual_information),
    ):
        assert said.startswith('there is no column "labels" in a dict of arrays')
        assert '"label"' in said
    assert 'say which one to fit, for example y="z"' in words(TABLE)


def test_no_rows_and_missing_values():
    for said in (words([]), words([], X, of=kl.estimate_kl), words(X, [], of=kl.estimate_kl)):
        assert said.startswith("y is empty")
    assert "is empty" in words([], [], of=kl.estimate_mutual_information)
    for said in (
        words([1.5, math.nan, 2.5]),
        words(X, [1.5, math.nan, 2.5], of=kl.estimate_kl),
    ):
        assert said.startswith("1 missing value in y: row 1.")
        assert 'missing="drop"' in said
    holes = [math.nan, *Z[1:].tolist()]
    assert words(X, holes, of=kl.estimate_mutual_information).startswith(
        '1 missing value in column "y": row 0.'
    )
    assert "missing must be" in words(Z, missing="skip")


@pytest.mark.parametrize(
    "of",
    [
        lambda gaps: kl.estimate_entropy(gaps),
        lambda gaps: kl.estimate_kl(gaps, LABEL),
        lambda gaps: kl.estimate_mutual_information(gaps, [*LABEL, "low"]),
    ],
    ids=["entropy", "kl", "information"],
)
def test_missing_labels_are_named(of):
    assert "missing value" in words([*LABEL, None], of=of)


@pytest.mark.parametrize("option", [{"weights": [1, 2, 3]}, {"y": "k"}], ids=["weights", "y"])
def test_options_that_counts_do_not_take_are_refused(option):
    words([3, 2, 1], kind=KullbackError, counts=True, **option)


def test_support_too_small():
    assert words(K, method="nsb", support=2).startswith("support=2 symbols, and ")


def test_arrays_of_text_in_two_dimensions():
    assert "holds text" in words(np.array([["a", "b"]] * 9))


def test_a_joint_entropy_needs_two_names():
    assert "two columns or more" in words(TABLE, ["k"])


# ---- relative entropy --------------------------------------------------------------------


def test_relative_entropy_of_normals():
    random = np.random.default_rng(64)
    p, q = random.normal(0.0, 1.0, (3000, 2)), random.normal(0.5, 1.5, (3000, 2))
    one, two = kl.estimate_kl(p[:, 0], q[:, 0]), kl.estimate_kl(p, q)
    # D of two normals, and twice it in two independent dimensions; three standard errors
    truth = math.log(1.5) + (1.0 + 0.25) / (2 * 2.25) - 0.5
    assert abs(one.value - truth) < 3.0 * one.stderr
    assert abs(two.value - 2.0 * truth) < 3.0 * two.stderr
    table = [{"a": part[:, 0], "b": part[:, 1], "c": part[:, 0]} for part in (p, q)]
    same(kl.estimate_kl(*table, y=["a", "b"]), two)


def test_relative_entropy_needs_samples_of_one_kind():
    assert "different columns" not in words(X, np.c_[X, Z], of=kl.estimate_kl)
    assert words(X, np.c_[X, Z], of=kl.estimate_kl) == (
        "x has 1 columns and y has 2: both need the same columns"
    )
    assert "holds text" in words(LABEL, X, of=kl.estimate_kl)


def test_relative_entropy_of_several_counted_columns():
    rows = {"k": K, "label": LABEL}
    assert math.isfinite(kl.estimate_kl(rows, rows, y=["k", "label"]).value)


def test_a_negative_relative_entropy_says_so():
    random = np.random.default_rng(65)
    found = [kl.estimate_kl(*random.normal(size=(2, 400))) for _ in range(10)]
    negative = [one for one in found if one.value < 0.0]
    assert negative, "about half of them are"
    for one in negative:
        assert any("the value is negative" in note for note in one.assumptions)


# ---- mutual information ------------------------------------------------------------------


def test_information_of_correlated_normals():
    random = np.random.default_rng(66)
    x = random.normal(size=4000)
    y = 0.6 * x + 0.8 * random.normal(size=4000)
    found = kl.estimate_mutual_information(x, y)
    assert abs(found.value + 0.5 * math.log(1.0 - 0.36)) < 3.0 * found.stderr
    # a group of columns: y and noise inform no more
    group = kl.estimate_mutual_information(np.c_[x, random.normal(size=4000)], y)
    assert abs(group.value + 0.5 * math.log(1.0 - 0.36)) < 4.0 * group.stderr + 0.02


def test_information_of_labels_is_scipys():
    found = kl.estimate_mutual_information(LABEL, K, method="plug-in")
    share = BY_LABEL / ROWS
    independent = np.outer(share.sum(1), share.sum(0))
    expected = stats.entropy(share.ravel(), independent.ravel())
    assert found.value == pytest.approx(expected, rel=1e-12)
    both = "both columns hold labels or whole numbers, which are counted"
    assert both in kl.estimate_mutual_information(LABEL, K).assumptions


def test_what_decides_between_the_estimators():
    many = np.random.default_rng(67).integers(0, 100, ROWS)
    few = K > 1
    cases = [
        (X, Z, mutual_information_continuous(X, Z), None),
        (X, LABEL, mutual_information_with_label(X, np.array(LABEL)), 'column "y" holds labels'),
        (LABEL, X, mutual_information_with_label(X, np.array(LABEL)), 'column "x" holds labels'),
        (
            few,
            X,
            mutual_information_with_label(X, few),
            'column "x" holds a few whole numbers, taken as labels',
        ),
        (
            many,
            X,
            kl.estimate_mutual_information(many, X, method="grid"),
            'column "x" is rounded to multiples of 1: its values are spread over their cells',
        ),
    ]
    for x, y, expected, reason in cases:
        found = kl.estimate_mutual_information(x, y)
        same(found, expected)
        assert reason is None or reason in found.assumptions


def test_methods_of_information_on_request():
    few = (K > 1).astype(float)
    same(
        kl.estimate_mutual_information(X, few, method="label"),
        mutual_information_with_label(X, few),
    )
    same(
        kl.estimate_mutual_information(few, X, method="label"),
        mutual_information_with_label(X, few),
    )
    same(kl.estimate_mutual_information(X, few, method="mixed"), mutual_information_mixed(X, few))
    same(kl.estimate_mutual_information(X, Z, method="ksg"), mutual_information_continuous(X, Z))
    same(
        kl.estimate_mutual_information(LABEL, K, method="nsb"),
        mutual_information_of_counts(BY_LABEL, method="nsb"),
    )


@pytest.mark.parametrize("method", ["ksg", "mixed"])
def test_distances_between_labels_are_refused(method):
    said = words(LABEL, X, of=kl.estimate_mutual_information, kind=KullbackError, method=method)
    assert "label" in said


def test_a_column_with_itself():
    assert words("z", "z", TABLE, of=kl.estimate_mutual_information) == (
        "x and y are both 'z': the information of a column with itself is its entropy; "
        "use kl.estimate_entropy"
    )


def test_rows_that_do_not_belong_together():
    for x, y in ((X, Z[:9]), (LABEL, K[:9]), (LABEL, Z[:9])):
        assert words(x, y, of=kl.estimate_mutual_information) == (
            'column "x" has 240 rows and column "y" 9: the rows of both have to belong together, '
            "one by one"
        )
    assert words("z", Z, TABLE, of=kl.estimate_mutual_information) == (
        "with data, x and y are the names of two of its columns"
    )


def test_one_row_is_missing_in_either_column():
    x, label = X.tolist(), list(LABEL)
    x[3] = x[7] = None
    label[7] = label[20] = None
    keep = np.setdiff1d(np.arange(ROWS), [3, 7, 20])
    expected = mutual_information_with_label(X[keep], np.array(LABEL)[keep])
    for found in (
        kl.estimate_mutual_information(x, label, missing="drop"),
        kl.estimate_mutual_information(label, x, missing="drop"),
        kl.estimate_mutual_information("x", "y", {"x": x, "y": label}, missing="drop"),
        kl.estimate_mutual_information(
            "x", "y", polars.DataFrame({"x": x, "y": label}), missing="drop"
        ),
    ):
        same(found, expected)
    # and where they are counted
    k = [float(value) for value in K]
    k[50] = None
    gone = np.setdiff1d(np.arange(ROWS), [7, 20, 50])
    cells = [
        [
            np.sum((np.array(LABEL)[gone] == name) & (K[gone] == value))
            for value in range(K.max() + 1)
        ]
        for name in np.unique(LABEL)
    ]
    same(
        kl.estimate_mutual_information(label, k, missing="drop"),
        mutual_information_of_counts(cells),
    )


def test_left_out_rows_of_a_pair_are_told():
    found = kl.estimate_mutual_information([None, *X], [None, *Z], missing="drop")
    assert "1 row" in " ".join(found.assumptions)


def test_rows_that_do_not_belong_together_with_a_gap():
    short = [None, *Z[1:200]]
    assert "have to belong together" in words(
        X, short, of=kl.estimate_mutual_information, missing="drop"
    )


def test_no_row_that_both_columns_have():
    said = words([1.5, None], [None, 1.5], of=kl.estimate_mutual_information, missing="drop")
    assert "0 rows" in said


def test_information_with_a_label_above_its_entropy_says_so():
    rare = np.zeros(ROWS, dtype=bool)
    rare[:2] = True
    far = np.where(rare, Z + 1e6, Z)
    found = kl.estimate_mutual_information(far, rare, method="label")
    entropy = stats.entropy([2, ROWS - 2])
    assert found.value <= entropy or any("cannot exceed" in note for note in found.assumptions)


def test_a_continuous_column_tells_all_of_itself():
    found = kl.estimate_mutual_information(X, X)
    assert float(found) == math.inf
    assert "x and y are equal" in str(found)


def test_estimates_print_their_numbers_one_and_many():
    one = kl.Estimate(np.array([1.5]), np.array([0.1]), (np.array([1.3]), np.array([1.7])), "m", "")
    assert str(one) == "1.5 ± 0.1 (95%: 1.3 to 1.7), m"
    ends = (np.array([1.3, 2.0]), np.array([1.7, 3.0]))
    two = kl.Estimate(np.array([1.5, 2.5]), np.array([0.1, 0.2]), ends, "m", "nats", ("of a",))
    assert str(two).splitlines() == [
        "2 estimates in nats, m",
        "  nats  std. error  95% interval",
        "   1.5         0.1    1.3 to 1.7",
        "   2.5         0.2        2 to 3",
        "  of a",
    ]
