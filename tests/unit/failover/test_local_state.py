"""The note beside the data, and the role file of loanstack-db: together the careful side of the truth."""

import os
from pathlib import Path

import pytest

from failover.core.observed import Role
from failover.host.local_state import LocalState, LocalStateFile


class Folder:
    def __init__(self, path: Path) -> None:
        self.path, self.local_state_file = path, LocalStateFile(path)
        self._ns = 1_700_000_000_000_000_000

    def role_file(self, text: str) -> None:
        """Write it as loanstack-db does: a new file, later than the last."""
        unfinished = self.path / "loanstack-role.new"
        unfinished.write_text(text)
        self._ns += 1_000_000
        os.utime(unfinished, ns=(self._ns, self._ns))
        unfinished.rename(self.path / "loanstack-role")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_without_a_role_file_there_are_no_complete_data_whatever_the_note_says(folder: Folder) -> None:
    assert folder.local_state_file.read() == LocalState()
    folder.role_file("STANDBY\n")
    folder.local_state_file.write(LocalState(role=Role.STANDBY, epoch=3, timeline=2))
    (folder.path / "loanstack-role").unlink()
    assert folder.local_state_file.read() == LocalState()


@pytest.mark.parametrize("text", ["", "NONE\n", "STANDBY PRIMARY\n"])
def test_a_role_file_with_another_word_is_none(folder: Folder, text: str) -> None:
    folder.role_file(text)
    assert folder.local_state_file.read() == LocalState()


@pytest.mark.parametrize("role", list(Role))
def test_the_first_note_comes_from_whoever_made_the_data(folder: Folder, role: Role) -> None:
    folder.role_file(f"{role}\n")
    assert folder.local_state_file.read() == LocalState(role=role)


def test_what_was_noted_is_read_again_also_by_another_agent(folder: Folder) -> None:
    folder.role_file("STANDBY\n")
    noted = LocalState(role=Role.PRIMARY, epoch=7, timeline=6)
    folder.local_state_file.write(noted)
    assert folder.local_state_file.read() == noted
    assert LocalStateFile(folder.path).read() == noted


def test_a_drained_primary_is_a_standby_as_soon_as_that_is_noted(folder: Folder) -> None:
    folder.role_file("PRIMARY\n")
    folder.local_state_file.write(LocalState(role=Role.PRIMARY, epoch=7, timeline=6))
    folder.role_file("STANDBY\n")
    # The tool has just drained it, and the agent may have ended before it could note that.
    assert folder.local_state_file.read().role is Role.PRIMARY
    folder.local_state_file.write(LocalState(role=Role.STANDBY, epoch=7, timeline=6))
    assert folder.local_state_file.read().role is Role.STANDBY


def test_a_promotion_by_hand_counts_over_an_older_note(folder: Folder) -> None:
    folder.role_file("STANDBY\n")
    folder.local_state_file.write(LocalState(role=Role.STANDBY, epoch=7, timeline=6))
    folder.role_file("PRIMARY\n")
    assert folder.local_state_file.read() == LocalState(role=Role.PRIMARY, epoch=7, timeline=6)


def test_a_copy_that_was_made_anew_has_no_history_yet(folder: Folder) -> None:
    folder.role_file("PRIMARY\n")
    folder.local_state_file.write(LocalState(role=Role.PRIMARY, epoch=7, timeline=6))
    for path in folder.path.iterdir():
        path.unlink()
    assert folder.local_state_file.read() == LocalState()
    folder.role_file("STANDBY\n")
    assert folder.local_state_file.read() == LocalState(role=Role.STANDBY)


def test_a_note_that_somebody_else_wrote_is_no_note(folder: Folder) -> None:
    folder.role_file("STANDBY\n")
    (folder.path / "loanstack-failover").write_text("{")
    assert folder.local_state_file.read() == LocalState(role=Role.STANDBY)


def test_there_is_nothing_to_note_without_data(folder: Folder) -> None:
    with pytest.raises(FileNotFoundError):
        folder.local_state_file.write(LocalState(role=Role.STANDBY))


@pytest.fixture
def victim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of root's outside of the folder."""
    path = tmp_path_factory.mktemp("root") / "shadow"
    path.write_text("STANDBY\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("name", ["loanstack-failover", "loanstack-failover.new"])
@pytest.mark.parametrize("is_hard", [False, True])
def test_a_link_that_the_database_s_user_left_leads_the_note_nowhere(
    folder: Folder, victim: Path, name: str, is_hard: bool
) -> None:
    """The agent is root, and the folder belongs to the user of the database."""
    folder.role_file("STANDBY\n")
    link = folder.path / name
    if is_hard:
        link.hardlink_to(victim)
    else:
        link.symlink_to(victim)
    noted = LocalState(role=Role.STANDBY, epoch=3, timeline=2)
    folder.local_state_file.write(noted)
    assert folder.local_state_file.read() == noted
    assert (victim.read_text(), victim.stat().st_mode & 0o777) == ("STANDBY\n", 0o600)
    assert {path.name for path in folder.path.iterdir()} == {"loanstack-failover", "loanstack-role"}
    assert not (folder.path / "loanstack-failover").is_symlink()


@pytest.mark.parametrize("name", ["loanstack-role", "loanstack-failover"])
def test_what_a_link_or_a_pipe_leads_to_is_not_read(folder: Folder, victim: Path, name: str) -> None:
    folder.role_file("STANDBY\n")
    folder.local_state_file.write(LocalState(role=Role.STANDBY, epoch=3, timeline=2))
    known = LocalState() if name == "loanstack-role" else LocalState(role=Role.STANDBY)
    path = folder.path / name
    victim.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(victim)
    assert folder.local_state_file.read() == known
    path.unlink()
    os.mkfifo(path)
    assert folder.local_state_file.read() == known
