"""Random programs made of idioms against differences; ZYG_SEEDS=1000 for a long run."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
from numpy_trial import case, verdict
from random_idioms import random_source

SEEDS = int(os.environ.get("ZYG_SEEDS", "4"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_agrees_with_differences(seed: int) -> None:
    """Each seed in reverse mode, and one other kind of derivative."""
    other = ("jacobian", "forward", "second", "dynamic")[seed % 4]
    subject = replace(case(seed, random_source), aspects=("reverse", other))
    failure = verdict(subject)
    assert failure is None, f"seed {seed}: {failure.kind}\n{failure.text}\n\n{subject.source}"
