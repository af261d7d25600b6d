"""Random array programs against differences; ZYG_SEEDS=5000 for a long run."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from array_trial import case, verdict

SEEDS = int(os.environ.get("ZYG_SEEDS", "35"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_agrees_with_differences(seed: int) -> None:
    """Each seed in reverse mode, some in forward mode, few to second order, which costs more to compile."""
    other = ("second",) if seed % 10 == 0 else ("forward",) if seed % 3 == 0 else ()
    other += ("columns",) if seed % 7 == 0 else ()
    subject = replace(case(seed), aspects=("reverse", *other))
    failure = verdict(subject)
    assert failure is None, f"seed {seed}: {failure.kind}\n{failure.text}\n\n{subject.source}"
