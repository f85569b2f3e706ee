"""Annotations are checked at run time: conftest.py puts a check around every function."""

from types import SimpleNamespace

import pytest

from kullback._core.arrays import namespace
from kullback.objective.kernels import weighted_sums
from kullback.refitting import Clock


def test_arguments_results_and_fields_of_data_classes_are_checked() -> None:
    with pytest.raises(TypeError, match=r"weighted_sums\(\) parameter functions"):
        weighted_sums("a statistic", "a block", "arguments")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"namespace\(\) return 3"):
        namespace(SimpleNamespace(__array_namespace__=lambda: 3))
    with pytest.raises(TypeError, match=r"Clock.__init__\(\) parameter begin"):
        Clock(begin="now")  # type: ignore[arg-type]
