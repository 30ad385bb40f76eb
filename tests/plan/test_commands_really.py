"""The commands of our own operations, run for real in a temporary folder: also when they are cut off."""

import getpass
import grp
import os
import shlex
import subprocess
import tarfile
from contextlib import nullcontext
from hashlib import sha256
from pathlib import Path
from shutil import copyfile

import pytest
from pyinfra.api.command import StringCommand

from deploys.content import ConfigFile, Folder
from deploys.facts.artifacts import HASH_FILE, InstalledArtifact
from deploys.facts.files import PathStates
from deploys.failover.spec import DATABASE_TOOL
from deploys.oceanbase import operations as database
from deploys.oceanbase.facts import Answer, LocalAnswer
from deploys.operations import artifacts, files, versions
from lab.tongweb import distribution
from lab.tongweb.javac import JAVA_HOME
from tests.plan.kit import Facts
from tests.plan.really import commands, look, run, shell

pytestmark = pytest.mark.usefixtures("notes")

_USER = getpass.getuser()
_GROUP = grp.getgrgid(os.getgid()).gr_name


def _file(path: Path, content: str, mode: int = 0o600) -> ConfigFile:
    return ConfigFile(path=str(path), content=content, mode=mode, user=_USER, group=_GROUP)


def test_a_file_is_written_and_then_left_alone(tmp_path: Path) -> None:
    file = _file(tmp_path / "new folder" / "it's.conf", "a = 1\n# 中文\n")
    facts: Facts = {PathStates: look}
    (command,) = commands(files.converge, facts, files=(file,))
    assert run(command).returncode == 0
    assert Path(file.path).read_text() == file.content
    assert Path(file.path).stat().st_mode & 0o777 == 0o600
    assert commands(files.converge, facts, files=(file,)) == []


def test_text_that_breaks_off_never_replaces_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("old\n")
    (command,) = commands(files.converge, {PathStates: look}, files=(_file(path, "first\nsecond\n"),))
    assert run(command, stdin="first\n").returncode != 0
    assert path.read_text() == "old\n"


def test_mode_and_folders_are_put_right(tmp_path: Path) -> None:
    path = tmp_path / "x.conf"
    path.write_text("same\n")
    path.chmod(0o644)
    folder = Folder(path=str(tmp_path / "data"), mode=0o750, user=_USER, group=_GROUP)
    arguments: dict[str, object] = {"files": (_file(path, "same\n"),), "folders": (folder,)}
    planned = commands(files.converge, {PathStates: look}, **arguments)
    assert [run(c).returncode for c in planned] == [0, 0]
    assert commands(files.converge, {PathStates: look}, **arguments) == []


def test_a_file_that_must_not_be_there_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "vendor.repo"
    path.write_text("x\n")
    (command,) = commands(files.converge, {PathStates: look}, absent=(str(path),))
    assert run(command).returncode == 0
    assert not path.exists()
    assert commands(files.converge, {PathStates: look}, absent=(str(path),)) == []


@pytest.fixture
def depot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A depot with one archive; downloads go to the temporary folder."""
    monkeypatch.setattr(artifacts, "_DOWNLOADS", str(tmp_path / "downloads"))
    top = tmp_path / "thing-1.0"
    (top / "bin").mkdir(parents=True)
    (top / "bin" / "thing").write_text("#!/bin/sh\n")
    archive = tmp_path / "thing-1.0-x86_64.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        tar.add(top, arcname="thing-1.0")
    return archive


def test_the_vendors_installer_is_given_its_answers_and_begun_again_when_cut_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(artifacts, "_DOWNLOADS", str(tmp_path / "downloads"))
    installer = tmp_path / "tongweb-7.0-x86_64.bin"
    distribution.write_installer(installer, distribution.build(tmp_path))
    digest = sha256(installer.read_bytes()).hexdigest()
    home = tmp_path / "tongweb/7.0"
    properties = (
        f"INSTALL_UI=silent\nUSER_INSTALL_DIR={home}/\nSILENT_JDK_HOME={JAVA_HOME}\n"
        'USER_INPUT_PORTS_RESULTS="18088","19060","5100","7200","17090"\n'
    )
    facts: Facts = {InstalledArtifact: lambda folder, version: _hash_in(Path(folder) / version)}

    def installing() -> list[StringCommand]:
        return commands(
            artifacts.installer_run,
            facts,
            url=installer.as_uri(),
            sha256=digest,
            folder=str(tmp_path / "tongweb"),
            version="7.0",
            owner=_USER,
            properties=properties,
        )

    home.mkdir(parents=True)
    (home / "half-made").touch()
    for command in installing():
        done = run(command)
        assert done.returncode == 0, done.stderr
    assert not (home / "half-made").exists()
    assert (home / "bin/startserver.sh").stat().st_mode & 0o100
    xml = (home / "conf/tongweb.xml").read_text()
    assert all(f'port="{port}"' in xml for port in (18088, 19060, 17090))
    assert installing() == []
    said = subprocess.run(["sh", str(installer)], capture_output=True, text=True, check=False, timeout=240)
    assert said.returncode != 0
    assert "only the silent installation is there" in said.stderr


def _hash_in(folder: Path) -> str | None:
    file = folder / HASH_FILE
    return file.read_text().strip() if file.exists() else None


def _installed(folder: Path) -> str | None:
    file = folder / "current" / HASH_FILE
    return file.read_text().strip() if file.exists() else None


def _install(
    depot: Path, folder: Path, digest: str, version: str = "1.0", smoke_command: str | None = None
) -> list[StringCommand]:
    facts: Facts = {InstalledArtifact: lambda folder, version="current": _installed(Path(folder))}
    return commands(
        artifacts.archive_installed,
        facts,
        url=depot.as_uri(),
        sha256=digest,
        folder=str(folder),
        version=version,
        arch="x86_64",
        smoke_command=smoke_command,
    )


def test_an_archive_is_verified_unpacked_and_linked(depot: Path, tmp_path: Path) -> None:
    folder, digest = tmp_path / "opt", sha256(depot.read_bytes()).hexdigest()
    assert [run(c).returncode for c in _install(depot, folder, digest)] == [0] * 5
    assert (folder / "current" / "bin" / "thing").exists()
    assert (folder / "current").readlink() == Path("1.0")
    assert list((tmp_path / "downloads").iterdir()) == []
    assert _install(depot, folder, digest) == []


def test_a_wrong_hash_is_refused_and_nothing_is_unpacked(depot: Path, tmp_path: Path) -> None:
    folder = tmp_path / "opt"
    planned = _install(depot, folder, "0" * 64)
    results = [run(c) for c in planned[:3]]
    assert [r.returncode for r in results] == [0, 0, 1]
    assert f"sha256 is not {'0' * 64}; deleted" in results[2].stderr
    assert list((tmp_path / "downloads").iterdir()) == []
    assert not (folder / "1.0").exists()


@pytest.mark.parametrize(("page_bytes", "fits"), [(4096, True), (65536, False)])
def test_an_allocator_for_small_pages_is_refused_where_they_are_large(
    depot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page_bytes: int, fits: bool
) -> None:
    """As jemalloc does when it was built for pages of 4 KiB; its own words."""
    getconf = tmp_path / "path/getconf"
    getconf.parent.mkdir()
    getconf.write_text(f"#!/bin/sh\necho {page_bytes}\n")
    getconf.chmod(0o755)
    monkeypatch.setenv("PATH", f"{getconf.parent}:{os.environ['PATH']}")
    starts = (
        "test -e bin/thing && { [ $(getconf PAGESIZE) -le 4096 ] || "
        "{ echo '<jemalloc>: Unsupported system page size' >&2; false; }; }"
    )
    folder, digest = tmp_path / "opt", sha256(depot.read_bytes()).hexdigest()
    results = [run(c) for c in _install(depot, folder, digest, smoke_command=f"sh -c {shlex.quote(starts)}")]
    assert (results[3].returncode == 0) is fits
    assert (folder / "1.0").exists() is fits
    if not fits:
        assert results[3].stderr.splitlines()[0] == "<jemalloc>: Unsupported system page size"
        assert "does not run on this host" in results[3].stderr
        assert not (folder / ".unpacking").exists()


@pytest.mark.parametrize("done", [1, 2, 3, 4])
def test_an_installation_cut_off_anywhere_is_completed(depot: Path, tmp_path: Path, done: int) -> None:
    folder, digest = tmp_path / "opt", sha256(depot.read_bytes()).hexdigest()
    for command in _install(depot, folder, digest)[:done]:
        assert run(command).returncode == 0
    (folder / ".unpacking" / "half").mkdir(parents=True, exist_ok=True)
    assert _installed(folder) is None, "what is not whole must not be taken as installed"
    again = _install(depot, folder, digest)
    assert [run(c).returncode for c in again] == [0] * len(again)
    assert _installed(folder) == digest
    assert not (folder / "current" / "half").exists()


def _versions(folder: Path, *, current: str, previous: str, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        (folder / name / HASH_FILE).write_text("0\n")
    (folder / "current").symlink_to(current)
    (folder / "previous").symlink_to(previous)


def _left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if not path.is_symlink()}


def test_old_versions_go_and_those_that_may_be_needed_stay(tmp_path: Path) -> None:
    folder = tmp_path / "it's opt"
    _versions(folder, current="4", previous="3", names=("1", "2", "3", "4", "5"))
    (folder / "not ours").mkdir()
    assert shell(versions.old_ones_removed(str(folder), "5")).returncode == 0
    assert _left(folder) == {"3", "4", "5", "not ours"}


@pytest.mark.parametrize("uses", ["stands in it", "has a file open", "runs a program of it"])
def test_a_version_that_a_process_uses_stays_until_the_process_has_ended(tmp_path: Path, uses: str) -> None:
    folder = tmp_path / "opt"
    _versions(folder, current="2", previous="2", names=("1", "2"))
    used = folder / "1"
    copyfile("/bin/cat", used / "program")
    (used / "program").chmod(0o755)
    program = str(used / "program") if uses == "runs a program of it" else "cat"
    with (
        (used / HASH_FILE).open() if uses == "has a file open" else nullcontext() as opened,
        subprocess.Popen(
            [program],
            cwd=used if uses == "stands in it" else "/",
            pass_fds=() if opened is None else (opened.fileno(),),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
        assert process.stdout.read(1) == b"\n", "it runs"
        assert shell(versions.old_ones_removed(str(folder), "2")).returncode == 0
        assert _left(folder) == {"1", "2"}
        process.stdin.close()
    assert shell(versions.old_ones_removed(str(folder), "2")).returncode == 0
    assert _left(folder) == {"2"}


def test_an_upgrade_keeps_the_version_before_and_removes_older_ones(depot: Path, tmp_path: Path) -> None:
    folder = tmp_path / "opt"
    for version in ("1", "2", "3"):
        (tmp_path / "thing-1.0" / "bin" / version).touch()
        with tarfile.open(depot, "w:gz") as tar:
            tar.add(tmp_path / "thing-1.0", arcname="thing")
        digest = sha256(depot.read_bytes()).hexdigest()
        assert all(run(c).returncode == 0 for c in _install(depot, folder, digest, version))
    assert _left(folder) == {"2", "3"}
    assert (folder / "previous").readlink() == Path("2")


def test_a_version_that_is_installed_once_more_is_not_its_own_version_of_before(
    depot: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "opt"
    for version, build in (("1", "a"), ("2", "b"), ("2", "c")):
        (tmp_path / "thing-1.0" / "bin" / build).touch()
        with tarfile.open(depot, "w:gz") as tar:
            tar.add(tmp_path / "thing-1.0", arcname="thing")
        digest = sha256(depot.read_bytes()).hexdigest()
        assert all(run(c).returncode == 0 for c in _install(depot, folder, digest, version))
    assert (folder / "current" / "bin" / "c").exists()
    assert ((folder / "current").readlink(), (folder / "previous").readlink()) == (Path("2"), Path("1"))
    assert _left(folder) == {"1", "2"}


def test_half_a_download_is_resumed(depot: Path, tmp_path: Path) -> None:
    digest = sha256(depot.read_bytes()).hexdigest()
    planned = _install(depot, tmp_path / "opt", digest)
    assert run(planned[0]).returncode == 0
    part = tmp_path / "downloads" / f"{digest[:16]}-{depot.name}"
    part.write_bytes(depot.read_bytes()[:40])
    assert [run(c).returncode for c in planned[1:]] == [0] * 4


def test_the_same_version_with_another_content_replaces_it(depot: Path, tmp_path: Path) -> None:
    folder, first = tmp_path / "opt", sha256(depot.read_bytes()).hexdigest()
    assert all(run(c).returncode == 0 for c in _install(depot, folder, first))
    with tarfile.open(depot, "w:gz") as tar:
        tar.add(tmp_path / "thing-1.0" / "bin", arcname="thing-1.0/other")
    second = sha256(depot.read_bytes()).hexdigest()
    assert all(run(c).returncode == 0 for c in _install(depot, folder, second))
    assert (folder / "current" / "other").exists()
    assert not (folder / "current" / "bin").exists()


def _with_tool(
    tmp_path: Path, sql: str, command: str, *, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run `command` on a primary whose administrator's tool answers `sql` by these lines of shell."""
    tool = tmp_path / "loanstack-db"
    tool.write_text(f'#!/bin/sh\n[ "$1" = role ] && {{ echo PRIMARY; exit; }}\ncd {tmp_path}\n{sql}\n')
    tool.chmod(0o755)
    command = command.replace(DATABASE_TOOL, str(tool)).replace("sleep 1", "sleep 0")
    return run(StringCommand(command), stdin=stdin)


def _user_made(tmp_path: Path, sql: str) -> subprocess.CompletedProcess[str]:
    facts: Facts = {LocalAnswer: lambda query, of_primary=True: Answer(role="PRIMARY", rows=())}
    (command,) = commands(database.users_kept, facts, users=(("probe", "open sesame"),))
    text = str(command.connector_arguments["_stdin"])
    return _with_tool(tmp_path, sql, command.get_raw_value(), stdin=text)


def test_a_query_reaches_the_tool_as_it_is(tmp_path: Path) -> None:
    query = "SELECT 'it''s', `a` FROM t WHERE b = \"$(id)\"; --"
    tool = tmp_path / "loanstack-db"
    tool.write_text('#!/bin/sh\nfor each; do printf "%s\\n" "$each"; done\n')
    tool.chmod(0o755)
    for of_primary, options in ((True, ["--of-primary"]), (False, [])):
        command = LocalAnswer().command(query, of_primary=of_primary).replace(DATABASE_TOOL, str(tool))
        done = run(StringCommand(command))
        assert done.stdout.splitlines() == ["query", *options, "--", query]
        assert done.returncode == 0


_REFUSED = (
    "cat >>said; { echo --; cat said; echo; echo --; echo 'ERROR 4012 (HY000) at line 1: no'; } >&2; exit 1"
)


def test_a_young_database_that_refuses_a_user_is_told_again(tmp_path: Path) -> None:
    done = _user_made(tmp_path, f"[ -e asked ] || {{ touch asked; {_REFUSED}; }}; cat >told")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "told").read_text() == (tmp_path / "said").read_text()
    assert (tmp_path / "told").read_text().startswith("CREATE USER IF NOT EXISTS 'probe' IDENTIFIED BY")


def test_a_user_that_is_refused_for_good_shows_the_errors_number_and_no_secret(tmp_path: Path) -> None:
    done = _user_made(tmp_path, _REFUSED)
    assert done.returncode == 1
    assert done.stderr == "ERROR 4012 (HY000): a statement with a password was refused\n"
    assert (tmp_path / "said").read_text().count("CREATE USER") == 4
