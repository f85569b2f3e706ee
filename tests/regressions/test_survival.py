"""Accelerated failure times and Tobit models against R 4.2.2's survival."""

from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "reference"
PATTERNS = ("surv/*.json",)
NAMES = sorted(
    f"{path.parent.name}/{path.stem}" for pattern in PATTERNS for path in CASES.glob(pattern)
)


def test_no_case_is_missing():
    assert len(NAMES) == 11


@pytest.mark.parametrize("name", NAMES)
def test_case(name, check_answers):
    check_answers(name)
