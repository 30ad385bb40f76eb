"""Root does nothing through a link that a service's user has put into a folder of its own."""

import os
import pwd
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

import pytest

from deploys import write_times
from deploys.content import ConfigFile, Folder
from deploys.facts.artifacts import HASH_FILE, InstalledArtifact
from deploys.facts.files import PathStates, TextFile
from deploys.operations import artifacts, files
from tests.plan.kit import Site
from tests.plan.really import commands, look, run, shell

_SERVICE = "daemon"
"""A user with a group of its own name, as services have."""
_UID = pwd.getpwnam(_SERVICE).pw_uid
_NOBODY_S_GID = 54_321
"""Of a group that no user is in."""

pytestmark = [
    pytest.mark.usefixtures("notes"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders to another user, and act as it"),
]


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder of root that everybody may enter; those of pytest are shut to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    rmtree(folder)


@pytest.fixture
def home(ground: Path) -> Path:
    """The service's own folder, with one below it."""
    for folder in (ground / "home", ground / "home" / "bin"):
        folder.mkdir()
        os.chown(folder, _UID, -1)
    return ground / "home"


@pytest.fixture
def victim(ground: Path) -> Iterator[Path]:
    """A folder of root with a file of root; both are as they were at the end, whatever happened."""
    folder = ground / "etc"
    folder.mkdir()
    (folder / "shadow").write_text("secret\n")
    (folder / "shadow").chmod(0o600)
    yield folder
    assert [path.name for path in folder.iterdir()] == ["shadow"]
    assert (folder / "shadow").read_text() == "secret\n"
    for path in (folder, folder / "shadow"):
        assert path.stat().st_uid == 0
    assert (folder / "shadow").stat().st_mode & 0o777 == 0o600


def _link(at: Path, to: Path) -> None:
    at.symlink_to(to)
    os.lchown(at, _UID, -1)


def _turned(home: Path, to: Path) -> None:
    """Have the folder bin/ be a link."""
    (home / "bin").rmdir()
    _link(home / "bin", to)


def _converged(file: ConfigFile) -> list[int]:
    planned = commands(files.converge, {PathStates: look}, files=(file,))
    return [run(command).returncode for command in planned]


def _file(path: Path, *, by: str = _SERVICE) -> ConfigFile:
    return ConfigFile(path=str(path), content="new\n", mode=0o640, user=_SERVICE, group=_SERVICE, by=by)


def test_a_service_s_file_is_written_by_its_user(home: Path) -> None:
    assert _converged(_file(home / "bin/options")) == [0]
    state = (home / "bin/options").stat()
    assert (state.st_uid, state.st_mode & 0o777) == (_UID, 0o640)
    assert _converged(_file(home / "bin/options")) == []
    assert [path.name for path in (home / "bin").iterdir()] == ["options"]


@pytest.mark.usefixtures("victim")
def test_a_link_in_the_place_of_a_file_is_replaced(home: Path, ground: Path) -> None:
    _link(home / "bin/options", ground / "etc/shadow")
    assert _converged(_file(home / "bin/options")) == [0]
    assert not (home / "bin/options").is_symlink()
    assert (home / "bin/options").read_text() == "new\n"


@pytest.mark.usefixtures("victim")
def test_a_link_in_the_place_of_a_folder_leads_nowhere(home: Path, ground: Path) -> None:
    _turned(home, ground / "etc")
    assert all(_converged(_file(home / "bin/options")))


def test_root_refuses_to_write_where_another_user_could_put_a_link(home: Path) -> None:
    (command,) = commands(files.converge, {PathStates: look}, files=(_file(home / "bin/options", by="root"),))
    done = run(command)
    assert done.returncode == 1
    assert "root writes nothing below a folder of another user" in done.stderr
    assert str(home) in done.stderr
    assert list((home / "bin").iterdir()) == []


@pytest.mark.parametrize(
    ("gid", "mode", "is_refused"),
    [
        (pwd.getpwnam(_SERVICE).pw_gid, 0o775, True),
        (pwd.getpwnam(_SERVICE).pw_gid, 0o755, False),
        (0, 0o775, False),
        (_NOBODY_S_GID, 0o775, False),
        (0, 0o757, True),
        (0, 0o1757, False),
    ],
    ids=["service's group", "not writable", "root's group", "group of nobody", "everybody's", "like /tmp"],
)
@pytest.mark.parametrize("depth", [1, 2])
def test_root_refuses_where_a_group_with_others_may_write(
    ground: Path, gid: int, mode: int, is_refused: bool, depth: int
) -> None:
    folder = ground / "it's shared"
    (folder / "below").mkdir(parents=True)
    os.chown(folder, 0, gid)
    folder.chmod(mode)
    file = (folder if depth == 1 else folder / "below") / "options"
    (command,) = commands(files.converge, {PathStates: look}, files=(_file(file, by="root"),))
    done = run(command)
    assert (done.returncode, file.exists()) == (int(is_refused), not is_refused), done.stderr
    assert (str(folder) in done.stderr) is is_refused


def test_a_member_by_name_counts_like_one_by_its_primary_group(
    ground: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    getent = tmp_path / "getent"
    getent.write_text('#!/bin/sh\n[ "$1" = passwd ] || echo "shared:x:$2:root,portal"\n')
    getent.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    os.chown(ground, 0, _NOBODY_S_GID)
    ground.chmod(0o775)
    (command,) = commands(files.converge, {PathStates: look}, files=(_file(ground / "options", by="root"),))
    assert run(command).returncode == 1


@pytest.mark.usefixtures("victim")
def test_root_refuses_as_well_where_the_folder_itself_looks_like_root_s(home: Path, ground: Path) -> None:
    _turned(home, ground / "etc")
    assert _converged(_file(home / "bin/options", by="root")) == [1]


def test_root_refuses_as_well_behind_a_link_of_its_own(home: Path, ground: Path) -> None:
    (ground / "current").symlink_to(home)
    assert _converged(_file(ground / "current/options", by="root")) == [1]


@pytest.mark.usefixtures("victim")
@pytest.mark.parametrize("by", ["root", _SERVICE])
def test_a_folder_is_not_given_away_through_a_link(home: Path, ground: Path, by: str) -> None:
    _turned(home, ground / "etc")
    folder = Folder(path=str(home / "bin"), mode=0o700, user=_SERVICE, group=_SERVICE, by=by)
    (command,) = commands(files.converge, {PathStates: look}, folders=(folder,))
    assert run(command).returncode != 0


def test_a_service_s_folder_is_made_by_its_user(home: Path) -> None:
    folder = Folder(path=str(home / "autodeploy"), user=_SERVICE, group=_SERVICE, by=_SERVICE)
    (command,) = commands(files.converge, {PathStates: look}, folders=(folder,))
    assert run(command).returncode == 0
    assert commands(files.converge, {PathStates: look}, folders=(folder,)) == []


def _placed(path: Path, content: bytes, ground: Path) -> list[int]:
    (ground / "depot.jar").write_bytes(content)
    arguments = {"sha256": sha256(content).hexdigest(), "path": str(path), "owner": _SERVICE}
    planned = commands(
        artifacts.file_installed, {PathStates: look}, url=(ground / "depot.jar").as_uri(), **arguments
    )
    return [run(command).returncode for command in planned]


@pytest.mark.usefixtures("victim")
def test_an_artifact_is_placed_by_the_user_of_its_folder(
    home: Path, ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_DOWNLOADS", str(ground / "downloads"))
    _link(home / "bin/driver.jar", ground / "etc/shadow")
    assert _placed(home / "bin/driver.jar", b"jar", ground) == [0, 0, 0, 0]
    placed = home / "bin/driver.jar"
    assert (placed.read_bytes(), placed.lstat().st_uid) == (b"jar", _UID)
    assert list((ground / "downloads").iterdir()) == []
    placed.unlink()
    _turned(home, ground / "etc")
    assert any(_placed(home / "bin/driver.jar", b"another", ground))


@pytest.mark.usefixtures("victim")
def test_the_hash_of_an_installation_is_not_written_through_a_link(
    ground: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The product's folder is its user's by then, who may put a link there before the hash comes."""
    monkeypatch.setattr(artifacts, "_DOWNLOADS", str(ground / "downloads"))
    installer = ground / "product.bin"
    home = ground / "product/7"
    installer.write_text(f"mkdir {home}; ln -s {ground}/etc/shadow {home}/{HASH_FILE}\n")
    digest = sha256(installer.read_bytes()).hexdigest()
    planned = commands(
        artifacts.installer_run,
        {InstalledArtifact: lambda folder, version: None},
        url=installer.as_uri(),
        sha256=digest,
        folder=str(ground / "product"),
        version="7",
        owner=_SERVICE,
        properties="a=b\n",
    )
    assert [run(command).returncode for command in planned] == [0] * len(planned)
    assert not (home / HASH_FILE).is_symlink()
    assert (home / HASH_FILE).read_text().strip() == digest


def test_facts_read_through_no_link(home: Path, victim: Path) -> None:
    _link(home / "bin" / HASH_FILE, victim / "shadow")
    for command in (
        TextFile().command(path=str(home / "bin" / HASH_FILE)),
        InstalledArtifact().command(folder=str(home), version="bin"),
    ):
        done = shell(command)
        assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
def test_what_lies_in_a_service_s_folder_is_written_by_its_user(
    request: pytest.FixtureRequest, site_name: str
) -> None:
    site: Site = request.getfixturevalue(site_name)
    products = [artifact for artifact in site.env.artifacts if artifact.name == "tongweb"]
    for host in site.env.hosts:
        written, folders = site.written(host.name)
        owned = {folder.path: folder.user for folder in folders if folder.user != "root"}
        owned |= {f"/opt/loanstack/tongweb/{product.version}": "tongweb" for product in products}
        for each in (*written, *folders):
            owners = {user for path, user in owned.items() if each.path.startswith(f"{path}/")}
            assert {each.by} == (owners or {"root"}), each.path


def test_notes_of_write_times_are_root_s(home: Path) -> None:
    assert _converged(_file(home / "bin/options")) == [0]
    note = Path(f"{write_times.FOLDER}{home}/bin/options")
    assert float(note.read_text()) > 0
    assert note.stat().st_uid == 0
