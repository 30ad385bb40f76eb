"""Root reads and writes beside what services own, and follows none of their links."""

import os
import stat
from pathlib import Path

import pytest

from hosttools import files
from hosttools.errors import ToolError


@pytest.fixture
def shadow(tmp_path: Path) -> Path:
    """A file of root's that a service wants overwritten or handed over."""
    path = tmp_path / "shadow"
    path.write_text("root's\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def owned(tmp_path: Path) -> Path:
    """A folder that a service owns."""
    folder = tmp_path / "owned"
    folder.mkdir()
    return folder


def test_a_link_is_replaced_and_what_it_points_at_stays(owned: Path, shadow: Path) -> None:
    (owned / "role").symlink_to(shadow)
    files.write(owned / "role", "PRIMARY\n", mode=0o640, owner="root")
    assert not (owned / "role").is_symlink()
    assert (owned / "role").read_text() == "PRIMARY\n"
    assert stat.S_IMODE((owned / "role").stat().st_mode) == 0o640
    assert (shadow.read_text(), stat.S_IMODE(shadow.stat().st_mode)) == ("root's\n", 0o600)


def test_a_link_where_the_unfinished_file_goes_is_not_followed(owned: Path, shadow: Path) -> None:
    (owned / f".role.loanstack-{os.getpid()}").symlink_to(shadow)
    files.write(owned / "role", "PRIMARY\n")
    assert (owned / "role").read_text() == "PRIMARY\n"
    assert shadow.read_text() == "root's\n"
    assert [path.name for path in owned.iterdir()] == ["role"]


def test_a_folder_that_is_a_link_is_refused(tmp_path: Path, owned: Path) -> None:
    (tmp_path / "link").symlink_to(owned)
    with pytest.raises(ToolError, match="allowed: a folder"):
        files.write(tmp_path / "link" / "role", "PRIMARY\n")
    assert not list(owned.iterdir())


def test_a_write_that_fails_leaves_nothing(owned: Path) -> None:
    (owned / "role").mkdir()
    with pytest.raises(ToolError, match="role: "):
        files.write(owned / "role", "PRIMARY\n")
    assert [path.name for path in owned.iterdir()] == ["role"]


def test_an_owner_that_the_host_does_not_have_is_named_and_nothing_is_written(owned: Path) -> None:
    with pytest.raises(ToolError, match=r"role: its user is 'no-such-user'; allowed: a user of this host"):
        files.write(owned / "role", "PRIMARY\n", owner="no-such-user")
    assert not list(owned.iterdir())


def test_a_write_that_a_signal_ends_leaves_nothing(owned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ended(_descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", ended)
    with pytest.raises(KeyboardInterrupt):
        files.write(owned / "password", "secret")
    assert not list(owned.iterdir())


def test_what_is_read_is_a_regular_file_of_bounded_length(owned: Path, shadow: Path) -> None:
    assert files.read(owned / "nothing") is None
    (owned / "role").write_bytes(b"PRIMARY\n\xff")
    assert files.read(owned / "role") == "PRIMARY\n�"
    with pytest.raises(ToolError, match="at most 4 bytes"):
        files.read(owned / "role", at_most_bytes=4)
    (owned / "link").symlink_to(shadow)
    os.mkfifo(owned / "pipe")
    for name in ("link", "pipe", "."):
        with pytest.raises(ToolError, match="allowed: a regular file"):
            files.read(owned / name)
