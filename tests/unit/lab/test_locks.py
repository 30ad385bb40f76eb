"""Lock files of the lab."""

from pathlib import Path

import pytest

from lab import locks
from lab.errors import LabError


def test_one_holds_it_at_a_time_and_the_next_gets_it_afterwards(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    first = locks.held(lock, within_s=0, refusal="unused")
    second = locks.held(lock, within_s=0, refusal="another one builds")
    with first, pytest.raises(LabError, match="another one builds"), second:
        pytest.fail("it is held twice")
    with locks.held(lock, within_s=0, refusal="it was not given back"):
        pass


def test_it_is_given_back_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(KeyError), locks.held(tmp_path / "lock", within_s=0, refusal="unused"):
        raise KeyError
    with locks.held(tmp_path / "lock", within_s=0, refusal="it was not given back"):
        pass
