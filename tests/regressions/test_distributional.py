"""Formulas on several parameters against R 4.2.2's gamlss, betareg, flexsurv, sn and evd."""

from pathlib import Path

import pytest

CASES = Path(__file__).parents[1] / "reference"
PATTERNS = (
    "reg2/[!z]*.json",
    "newfam/*.json",
    "profile/abdom*.json",
    "profile/fremantle*.json",
)
NAMES = sorted(
    f"{path.parent.name}/{path.stem}" for pattern in PATTERNS for path in CASES.glob(pattern)
)


def test_no_case_is_missing():
    assert len(NAMES) == 17


@pytest.mark.parametrize("name", NAMES)
def test_case(name, check_answers):
    check_answers(name)
