from pathlib import Path

import pytest

from lab import state
from lab.errors import LabError, RefusedError
from lab.residue import mounts_below
from lab.state import Course, LabState, Owner, Phase, course


def lab_state(phase: Phase = Phase.UP, boot_id: str = "boot-1") -> LabState:
    return LabState(
        phase=phase,
        image_key="abc",
        boot_id=boot_id,
        since_s=1.5,
        settings_before={"vm.max_map_count": 65530},
    )


@pytest.mark.parametrize(
    ("found", "boot_id", "anything_left", "expected"),
    [
        (None, "boot-1", False, Course.FRESH),
        (None, "boot-1", True, Course.CLEAN_FIRST),
        (lab_state(Phase.UP), "boot-1", True, Course.CONTINUE),
        # All hosts may be off: the lab is up all the same, and `up` boots them.
        (lab_state(Phase.UP), "boot-1", False, Course.CONTINUE),
        (lab_state(Phase.RISING), "boot-1", True, Course.CLEAN_FIRST),
        (lab_state(Phase.RISING), "boot-1", False, Course.CLEAN_FIRST),
        (lab_state(Phase.FALLING), "boot-1", True, Course.CLEAN_FIRST),
        (lab_state(Phase.UP), "boot-2", False, Course.CLEAN_FIRST),
    ],
)
def test_what_up_does_follows_from_what_it_finds(
    found: LabState | None, boot_id: str, anything_left: bool, expected: Course
) -> None:
    assert course(found, boot_id=boot_id, anything_left=anything_left) is expected


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    assert state.load(tmp_path) is None
    state.save(tmp_path, lab_state(Phase.RISING))
    assert state.load(tmp_path) == lab_state(Phase.RISING)
    state.save(tmp_path, lab_state(Phase.RISING).moved_to(Phase.FALLING))
    assert state.load(tmp_path) == lab_state(Phase.FALLING)
    assert [p.name for p in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"phase": "sideways"}', '{"phase": "up"}'])
def test_a_broken_record_is_named_with_the_remedy(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    with pytest.raises(LabError, match=r"state\.json is not a lab's record .*run: loanstack lab down"):
        state.load(tmp_path)


MINE = Owner(checkout="/home/me/loanstack", lab_dir="/var/lib/loanstack/lab")


@pytest.mark.parametrize(
    ("found", "is_alive"),
    [(None, True), (MINE, True), (Owner(checkout="/elsewhere", lab_dir="/x/lab"), False)],
)
def test_ones_own_lab_and_a_dead_one_are_no_hindrance(found: Owner | None, is_alive: bool) -> None:
    before = found
    state.refuse_another(MINE, found, is_alive=is_alive)
    assert found == before


def test_another_checkouts_living_lab_is_refused_with_who_where_and_remedy(tmp_path: Path) -> None:
    other = Owner(checkout=str(tmp_path), lab_dir="/srv/state/lab")
    with pytest.raises(RefusedError) as refused:
        state.refuse_another(MINE, other, is_alive=True)
    assert str(tmp_path) in str(refused.value)
    assert "/srv/state/lab" in str(refused.value)
    assert f"`.venv/bin/loanstack lab down` in {tmp_path}" in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_checkout_that_is_gone_is_not_sent_to() -> None:
    other = Owner(checkout="/no/such/checkout", lab_dir="/srv/state/lab")
    with pytest.raises(RefusedError, match=r"that checkout is gone: run .* lab down --any` here"):
        state.refuse_another(MINE, other, is_alive=True)


def test_the_same_checkout_with_another_state_folder_is_told_to_use_that() -> None:
    other = Owner(checkout=MINE.checkout, lab_dir="/srv/state/lab")
    with pytest.raises(RefusedError, match=r"LOANSTACK_STATE=/srv/state .venv/bin/loanstack lab down"):
        state.refuse_another(MINE, other, is_alive=True)


def test_the_machines_lock_is_held_against_a_second_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MACHINE_LOCK", tmp_path / "lock")
    with (
        state.machine_lock(),
        pytest.raises(RefusedError, match=r"another command .*: process \d+ of "),
        state.machine_lock(),
    ):
        pytest.fail("two commands held the lock")
    with state.machine_lock():
        assert "process" in (tmp_path / "lock").read_text()


def test_the_machines_record_is_claimed_and_released(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "MACHINE_RECORD", tmp_path / "record.json")
    assert state.owner() is None
    state.claim(MINE)
    assert state.owner() == MINE
    state.release()
    state.release()
    assert state.owner() is None


def test_mounts_below_a_folder_are_listed_innermost_first() -> None:
    mounts = "\n".join(
        [
            "/dev/vda / ext4 rw 0 0",
            "overlay /lab/hosts/a/root overlay rw 0 0",
            "tmpfs /lab/hosts/a/root/run tmpfs rw 0 0",
            "overlay /lab2/hosts/a/root overlay rw 0 0",
        ]
    )
    assert mounts_below(Path("/lab"), mounts) == ["/lab/hosts/a/root/run", "/lab/hosts/a/root"]
