"""Clustered errors of fits by group: those of each group's own fit, from every source of rows."""

import numpy as np
import pandas as pd
import pytest

import kullback as kl
from kullback.groups import open as groups_open

RNG = np.random.default_rng(4)
N = 240
FRAME = pd.DataFrame(
    {
        "line": RNG.choice(["a", "b", "c"], N),
        "shift": RNG.integers(0, 25, N),
        "x": RNG.normal(size=N),
        "w": RNG.integers(1, 4, N).astype(float),
    }
)
FRAME["y"] = RNG.gamma(2.0, np.exp(0.3 * FRAME["x"] + 0.3 * RNG.normal(size=25)[FRAME["shift"]]))
MODELS = {"numbers": kl.Gamma(), "formula": kl.Gamma(mean="~ x")}


@pytest.mark.parametrize("source", ["frame", "array", "file", "stream"])
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("weights", [None, "w"])
def test_each_group_has_the_errors_of_its_own_fit(source, name, weights, tmp_path, monkeypatch):
    data, clusters = FRAME, "shift"
    if source == "array":
        clusters = FRAME["shift"].to_numpy()
    if source in ("file", "stream"):
        data = tmp_path / "rows.csv"
        FRAME.to_csv(data, index=False)
    if source == "stream":
        monkeypatch.setattr(groups_open, "IN_MEMORY_BYTES", 0)
    table = kl.fit(MODELS[name], data, "y", by="line", weights=weights)
    found = table.with_covariance("clustered", clusters=clusters)
    assert found.params is table.params
    for i, line in enumerate("abc"):
        own = kl.fit(MODELS[name], FRAME[FRAME["line"] == line], "y", weights=weights)
        alone = own.with_covariance("clustered", clusters="shift").stderr
        for parameter, error in alone.items():
            errors = error if isinstance(error, dict) else {None: error}
            for label, value in errors.items():
                own = found.stderr[parameter]
                column = own if label is None else own[label]
                # the two estimates agree to 1e-9, and so do the sums of scores
                assert column[i] == pytest.approx(value, rel=1e-7)
        flat = found[line].stderr
        assert flat["shape"] == pytest.approx(alone["shape"], rel=1e-7)


def test_other_covariances_of_a_table():
    table = kl.fit(kl.Gamma(), FRAME, "y", by="line").with_covariance("sandwich")
    own = kl.fit(kl.Gamma(), FRAME[FRAME["line"] == "b"], "y").with_covariance("sandwich")
    assert table.stderr["rate"][1] == pytest.approx(own.stderr["rate"], rel=1e-8)


def test_clusters_of_another_length_are_refused():
    table = kl.fit(kl.Gamma(mean="~ x"), FRAME, "y", by="line")
    with pytest.raises(kl.DataError, match="has 10 values and"):
        table.with_covariance("clustered", clusters=np.arange(10))
