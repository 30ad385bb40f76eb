"""Images, bundles and tarballs: named by their content, the same from the same."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from inventory import environment
from inventory.lab import ENVIRONMENT
from inventory.model import Environment, OsRelease, Role
from lab import architecture, build, bundle, image, keys, kylin_identity, rpm_repo, tarballs
from lab.bundle import Sources
from lab.disks import hosts_file
from lab.errors import RefusedError
from lab.host import nspawn_command
from lab.status import duration

RELEASE = ENVIRONMENT.hosts[0].os


def test_another_release_gives_another_image_and_another_repository() -> None:
    other = replace(RELEASE, codename="Halberd")
    assert image.recipe_key(RELEASE) != image.recipe_key(other)
    cache = Path("/cache")
    here, there = (image.image_at(cache, r) for r in (RELEASE, other))
    assert rpm_repo.recipe_key(here) != rpm_repo.recipe_key(there)


def test_another_architecture_gives_another_image_and_what_is_current_is_kept() -> None:
    cache = Path("/cache")
    images = [image.image_at(cache, RELEASE, each) for each in architecture.ALL]
    assert len({each.key for each in images}) == len(images)
    assert {each.key for each in images} < build.current_keys(cache, RELEASE)
    assert len(build.current_keys(cache, RELEASE)) == 2 * len(images)
    for record in (images[0].key, "+".join(each.key for each in images)):
        assert build.is_current(record, environment("lab"))
        assert not build.is_current(f"{record}+0123456789abcdef", environment("lab"))


def test_each_architecture_gets_what_its_hosts_run_and_no_more() -> None:
    lab = environment("lab")
    mixed = replace(
        lab, hosts=tuple(replace(h, arch="aarch64") if h.name == "app-b" else h for h in lab.hosts)
    )
    assert [each.arch for each in build.architectures(mixed)] == ["x86_64", "aarch64"]
    assert "seekdb" not in build.artifacts_of(mixed, "aarch64")
    assert "loan-services" in build.artifacts_of(mixed, "aarch64")


def test_a_host_says_it_is_kylin_v10_sp3_and_admits_to_be_a_stand_in() -> None:
    files = {f.path: f.text for f in kylin_identity.identity_files(RELEASE)}
    os_release = dict(line.split("=", 1) for line in files["usr/lib/os-release"].splitlines())
    assert os_release["NAME"] == '"Kylin Linux Advanced Server"'
    assert os_release["VERSION"] == '"V10 (Lance)"'
    assert (os_release["ID"], os_release["VERSION_ID"]) == ('"kylin"', '"V10"')
    assert "ID_LIKE" not in os_release
    assert files["etc/kylin-release"] == "Kylin Linux Advanced Server release V10 (Lance)\n"
    assert files["etc/.productinfo"].splitlines()[1].startswith("release V10 (SP3) /(Lance)-x86_64-Build")
    assert files["etc/dnf/vars/releasever"] == "V10\n"
    assert files["etc/loanstack-stand-in"] == "Kylin V10 SP3 stand-in (Debian 12 userland)\n"


def test_identity_hides_apt_and_leaves_the_repository_list_empty(tmp_path: Path) -> None:
    for name in (
        "usr/bin/apt-get",
        "usr/bin/dpkg",
        "etc/apt/sources.list",
        "var/lib/dpkg/status",
        "usr/bin/dnf-3",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    kylin_identity.apply_identity(tmp_path, OsRelease(stand_in="stand-in"))
    gone = ("usr/bin/apt-get", "usr/bin/dpkg", "etc/apt", "var/lib/dpkg")
    assert [name for name in gone if (tmp_path / name).exists()] == []
    assert list((tmp_path / "etc/yum.repos.d").iterdir()) == []
    assert (tmp_path / "usr/bin/yum").readlink() == Path("dnf-3")
    assert (tmp_path / "etc/systemd/system/fstrim.timer").readlink() == Path("/dev/null")


def test_the_release_package_owns_what_it_copies_and_provides_a_shell() -> None:
    text = kylin_identity.release_spec(RELEASE)
    assert "Provides: /bin/sh\n" in text
    assert "\n/etc/kylin-release\n" in text
    assert "{" not in text.replace("%{buildroot}", "")


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    package = tmp_path / "app_stub"
    (package / "__pycache__").mkdir(parents=True)
    (package / "__init__.py").write_text("one")
    (package / "__pycache__" / "x.pyc").write_text("noise")
    (tmp_path / "requirements.lock").write_text("a==1")
    return Sources(
        name="loan-services",
        lock_file=tmp_path / "requirements.lock",
        package=package,
        base_version="0.1.0",
    )


def test_a_bundles_version_follows_its_content_and_nothing_else(sources: Sources) -> None:
    first = bundle.version_of(sources)
    assert first.startswith("0.1.0+")
    assert len(first) == len("0.1.0+") + 12
    (sources.package / "__pycache__" / "x.pyc").write_text("other noise")
    assert bundle.version_of(sources) == first
    (sources.package / "__init__.py").write_text("two")
    second = bundle.version_of(sources)
    sources.lock_file.write_text("a==2")
    assert len({first, second, bundle.version_of(sources)}) == 3


def test_content_cannot_move_between_files_unnoticed(sources: Sources) -> None:
    (sources.package / "a.py").write_text("xy")
    (sources.package / "b.py").write_text("z")
    before = bundle.version_of(sources)
    (sources.package / "a.py").write_text("x")
    (sources.package / "b.py").write_text("yz")
    assert bundle.version_of(sources) != before


def test_each_package_that_hosts_run_has_a_bundle_of_its_own_the_depot_can_name() -> None:
    found = {
        s.name: (s.lock_file.parent.name, s.package.name, *(other.name for other in s.others))
        for s in bundle.checkout_sources()
    }
    assert found == {
        "loan-services": ("app_stub", "app_stub"),
        "failover-agent": ("failover", "failover"),
        "host-tools": ("hosttools", "hosttools"),
        "load-generator": ("loadtests", "loadtests", "proof", "processes", "inventory"),
    }


def test_only_what_some_host_runs_is_built() -> None:
    lab = environment("lab")
    assert set(build.artifacts_of(without_load_makers(lab))) >= {"loan-services", "failover-agent"}
    assert "load-generator" not in build.artifacts_of(without_load_makers(lab))
    assert "load-generator" in build.artifacts_of(environment("qinghai"))
    assert [s.name for s in bundle.checkout_sources(names=("seekdb", "loan-services"))] == ["loan-services"]


def without_load_makers(env: Environment) -> Environment:
    return replace(env, hosts=tuple(host for host in env.hosts if not host.has(Role.LOADGEN)))


def test_a_bundles_version_follows_the_packages_that_its_own_imports(sources: Sources) -> None:
    imported = sources.package.with_name("inventory")
    imported.mkdir()
    (imported / "lab.py").write_text("one host")
    both = replace(sources, others=(imported,))
    first = bundle.version_of(both)
    (imported / "lab.py").write_text("two hosts")
    assert len({first, bundle.version_of(both), bundle.version_of(sources)}) == 3


@pytest.mark.parametrize("lacking", ["app_stub", "failover", "hosttools", "loadtests"])
def test_a_missing_lock_file_is_refused_with_the_remedy(tmp_path: Path, lacking: str) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n')
    for package in ("app_stub", "failover", "hosttools", "loadtests"):
        (tmp_path / package).mkdir()
        if package != lacking:
            (tmp_path / package / "requirements.lock").write_text("a==1")
    with pytest.raises(RefusedError, match=rf"{lacking}/requirements\.lock is missing.*make lock"):
        bundle.checkout_sources(tmp_path)


def test_tarballs_depend_on_content_alone(tmp_path: Path) -> None:
    archives = []
    for number, name in enumerate(("one", "two")):
        content = tmp_path / name
        (content / "bin").mkdir(parents=True)
        program = content / "bin" / "run"
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755 if number else 0o700)
        (content / "note").write_text("text")
        (content / "link").symlink_to("note")
        archives.append(tmp_path / f"{name}.tar.gz")
        tarballs.write(archives[-1], content, top="thing-1")
    assert archives[0].read_bytes() == archives[1].read_bytes()
    with tarfile.open(archives[0]) as tar:
        assert tar.getnames() == ["thing-1", "thing-1/bin", "thing-1/bin/run", "thing-1/link", "thing-1/note"]
        assert tar.getmember("thing-1/bin/run").mode == 0o755
        assert {(m.uid, m.uname, m.mtime) for m in tar.getmembers()} == {(0, "root", 0)}


def test_sums_are_listed_by_name_as_sha256sum_does(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text("")
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert tarballs.sums_of([tmp_path / "b", tmp_path / "a"]) == f"{empty}  a\n{empty}  b\n"


def test_hosts_know_each_other_by_segment_address_and_clients_know_hosts_by_key() -> None:
    assert "198.18.2.23 ob-b\n" in hosts_file(ENVIRONMENT)
    line = keys.known_hosts_line(ENVIRONMENT.host("ob-b"), "ssh-ed25519 AAAA ob-b")
    assert line == "ob-b,198.18.0.23 ssh-ed25519 AAAA\n"
    assert "StrictHostKeyChecking yes" in keys.ssh_config(ENVIRONMENT)


def test_hosts_boot_without_the_machines_clock_modules_or_network() -> None:
    command = nspawn_command("ob-a", Path("/lab/hosts/ob-a/root"), (Path("/cg/cgroup.procs"),))
    assert "--network-namespace-path=/run/netns/ls-ob-a" in command
    assert "--drop-capability=CAP_SYS_TIME,CAP_SYS_MODULE" in command
    assert {"--boot", "--register=no", "--keep-unit"} <= set(command)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, "-"),
        (0.4, "0 s"),
        (59.9, "59 s"),
        (60, "1 min 00 s"),
        (3599, "59 min 59 s"),
        (7265, "2 h 01 min"),
    ],
)
def test_durations_read_well(seconds: float | None, shown: str) -> None:
    assert duration(seconds) == shown
