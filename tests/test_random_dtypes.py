"""Random programs on arrays of several dtypes; ZYG_SEEDS=5000 for a long run."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from dtype_trial import case, verdict

SEEDS = int(os.environ.get("ZYG_SEEDS", "30"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_agrees_with_differences(seed: int) -> None:
    """Each seed wide and narrow in reverse mode, some in dynamic or forward mode, few to second order."""
    other = ("second",) if seed % 10 == 0 else ("forward",) if seed % 3 == 0 else ("dynamic",)
    subject = replace(case(seed), aspects=("reverse", "narrow", *other))
    failure = verdict(subject)
    assert failure is None, f"seed {seed}: {failure.kind}\n{failure.text}\n\n{subject.source}"
