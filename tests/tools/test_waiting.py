"""A wait that times out names what it waited for."""

import pytest
from tests.backup.testing.serving import wait_until


def test_a_timeout_names_the_condition_and_the_last_answer():
    packs: list[str] = []
    with pytest.raises(AssertionError, match=r"Waited 0 seconds for `.*len\(packs\) and 7.*`; seen last: 0"):
        wait_until(lambda: len(packs) and 7, seconds=0)
