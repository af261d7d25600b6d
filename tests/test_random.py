"""Random programs against forward arithmetic; ZYG_SEEDS=5000 for a long run."""

from __future__ import annotations

import os

import pytest
from trial import case, size_of, verdict

SEEDS = int(os.environ.get("ZYG_SEEDS", "200"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_agrees_with_forward_arithmetic(seed: int) -> None:
    subject = case(seed, size_of(seed))
    failure = verdict(subject)
    assert failure is None, f"seed {seed}: {failure.kind}\n{failure.text}\n\n{subject.source}"
