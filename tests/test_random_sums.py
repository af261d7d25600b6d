"""Some of the random programs of `random_sums`, which see."""

import pytest
from random_sums import check


@pytest.mark.parametrize("seed", range(30))
def test_reverse_agrees_with_forward(seed):
    check(seed, second=seed % 3 == 0)
