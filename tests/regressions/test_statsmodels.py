"""Regressions of counts and shares against Stata and R, as held in statsmodels' tests."""

from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "reference"
PATTERNS = ("sm/*.json",)
NAMES = sorted(
    f"{path.parent.name}/{path.stem}" for pattern in PATTERNS for path in CASES.glob(pattern)
)


def test_no_case_is_missing():
    assert len(NAMES) == 16


@pytest.mark.parametrize("name", NAMES)
def test_case(name, check_answers):
    check_answers(name)
