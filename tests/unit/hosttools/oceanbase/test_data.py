"""The data folder belongs to the database's user: root follows no link in it, and deletes nothing else."""

import os
import pwd
import stat
from pathlib import Path

import msgspec
import pytest

from hosttools import files
from hosttools.errors import ToolError
from hosttools.oceanbase import data
from tests.unit.hosttools.oceanbase.host import LOCAL, PEER, Host

_TABLE = (
    "36 35 98:0 / / rw,noatime shared:1 - ext4 /dev/root rw\n"
    "37 36 98:1 / {point} rw,noatime shared:2 - tmpfs disk rw\n"
)


@pytest.fixture
def beyond(tmp_path: Path) -> Path:
    """A folder that is none of the database's."""
    folder = tmp_path / "beyond"
    folder.mkdir()
    (folder / "shadow").write_text("root's\n")
    return folder


def test_the_folder_is_emptied_and_links_are_not_followed(host: Host, beyond: Path) -> None:
    (host.base_dir / "store" / "deep").mkdir(parents=True)
    (host.base_dir / "store" / "deep" / "file").write_text("x")
    (host.base_dir / "store" / "link").symlink_to(beyond)
    (host.base_dir / "folder").symlink_to(beyond)
    (host.base_dir / "file").symlink_to(beyond / "shadow")
    (host.base_dir / ".hidden").write_text("x")
    (host.base_dir / "-rf").write_text("x")
    os.mkfifo(host.base_dir / "pipe")
    data.empty(host.settings)
    assert list(host.base_dir.iterdir()) == []
    assert (beyond / "shadow").read_text() == "root's\n"
    assert stat.S_IMODE(host.base_dir.stat().st_mode) == 0o750


def test_a_missing_folder_is_made(host: Host) -> None:
    host.base_dir.rmdir()
    host.base_dir.parent.rmdir()
    data.empty(host.settings)
    assert host.base_dir.stat().st_uid == pwd.getpwnam(host.settings.service_user).pw_uid


def test_without_the_databases_user_nothing_is_emptied(host: Host) -> None:
    (host.base_dir / "kept").touch()
    without = msgspec.structs.replace(host.settings, service_user="no-such-user")
    with pytest.raises(ToolError, match="its user is 'no-such-user'; allowed: a user of this host"):
        data.empty(without)
    assert (host.base_dir / "kept").exists()


def test_a_folder_that_is_a_link_is_not_emptied(host: Host, beyond: Path) -> None:
    host.base_dir.rmdir()
    host.base_dir.symlink_to(beyond)
    with pytest.raises(ToolError, match="allowed: a folder"):
        data.empty(host.settings)
    assert (beyond / "shadow").exists()


@pytest.mark.parametrize(("below", "is_emptied"), [("", True), ("/store", False), ("-other", True)])
def test_another_file_system_in_the_folder_is_not_emptied_and_the_folder_may_be_one(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, below: str, is_emptied: bool
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(_TABLE.format(point=f"{host.base_dir}{below}"))
    monkeypatch.setattr(files, "_MOUNTS", table)
    (host.base_dir / "file").write_text("x")
    if is_emptied:
        data.empty(host.settings)
    else:
        with pytest.raises(ToolError, match=r"has file systems mounted in it: .*/store; unmount them first"):
            data.empty(host.settings)
    assert (host.base_dir / "file").exists() is not is_emptied


def test_mount_points_are_read_with_their_spaces() -> None:
    table = _TABLE.format(point="/data/a\\040b\\134c")
    assert files.mount_points(table) == (Path("/"), Path("/data/a b\\c"))


def test_this_kernel_s_table_is_read() -> None:
    assert Path("/proc") in files.mount_points(Path("/proc/self/mountinfo").read_text())


def test_what_cannot_be_deleted_is_said_and_not_tried_for_minutes(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(_TABLE.format(point=f"{host.base_dir}/store"))
    monkeypatch.setattr(files, "_MOUNTS", table)
    host.configure(bootstrap_deadline_s=180)
    host.says(PEER, "PRIMARY")
    refused = host.run("bootstrap", "standby", PEER)
    assert "unmount them first" in refused.stderr
    assert host.clock.now_s == 0


@pytest.mark.parametrize("place", ["loanstack-role", ".loanstack-role.loanstack-{pid}"])
def test_a_role_is_recorded_over_a_link_and_not_through_it(host: Host, beyond: Path, place: str) -> None:
    (host.base_dir / place.format(pid=os.getpid())).symlink_to(beyond / "shadow")
    data.record_role(host.settings, data.Role.PRIMARY)
    assert host.role_file == "PRIMARY\n"
    assert not (host.base_dir / "loanstack-role").is_symlink()
    assert (beyond / "shadow").read_text() == "root's\n"


def test_a_role_is_read_through_no_link(host: Host, beyond: Path) -> None:
    (beyond / "role").write_text("STANDBY\n")
    (host.base_dir / "loanstack-role").symlink_to(beyond / "role")
    refused = host.run("guard")
    assert (refused.returncode, "allowed: a regular file" in refused.stderr) == (1, True)


def test_the_services_user_owns_the_role_and_may_read_it(host: Host) -> None:
    host.recorded("STANDBY")
    host.says(LOCAL, "PRIMARY")
    host.run("promote", "--fenced")
    found = (host.base_dir / "loanstack-role").stat()
    assert found.st_uid == pwd.getpwnam(host.settings.service_user).pw_uid
    assert stat.S_IMODE(found.st_mode) == 0o644
