"""Random programs of classes, dicts, closures and calls; ZYG_SEEDS=5000 for a long run."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from structure_trial import ASPECTS, case, verdict

SEEDS = int(os.environ.get("ZYG_SEEDS", "12"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_agrees_with_plain_python_and_differences(seed: int) -> None:
    """Each seed in one way: two in three in dynamic mode."""
    aspect = ("dynamic", "callees", ASPECTS[seed // 3 % len(ASPECTS)])[seed % 3]
    subject = replace(case(seed), aspects=(aspect,))
    failure = verdict(subject)
    assert failure is None, f"seed {seed}: {failure.kind}\n{failure.text}\n\n{subject.source}"
