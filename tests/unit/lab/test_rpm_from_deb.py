import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.rpm_from_deb import (
    DebControl,
    Entry,
    Version,
    parse_control,
    parse_relations,
    parse_version,
    requires,
    spec,
    systemd_units,
)
from lab.scriptlets import CHORES, NONE, Chores, Directory, SystemUser

CHRONY = """\
Package: chrony
Version: 4.3-2+deb12u3
Architecture: amd64
Pre-Depends: init-system-helpers (>= 1.54~)
Depends: adduser, tzdata, libc6 (>= 2.34), libcap2 (>= 1:2.10)
Conflicts: time-daemon
Provides: time-daemon
Description: Versatile implementation of the Network Time Protocol
 It consists of a pair of programs:
 .
 chronyd: a daemon: it follows other clocks
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.22.1-9+deb12u11", Version(epoch=0, version="1.22.1", release="9+deb12u11")),
        ("5:7.0.15-1~deb12u1", Version(epoch=5, version="7.0.15", release="1~deb12u1")),
        ("1:10.11.19-0+deb12u1", Version(epoch=1, version="10.11.19", release="0+deb12u1")),
        ("11+nmu1", Version(epoch=0, version="11+nmu1", release="0")),
        (
            "0~20130707+git2d51e3a9+dfsg-2.1",
            Version(epoch=0, version="0~20130707+git2d51e3a9+dfsg", release="2.1"),
        ),
        ("2.11-20080614-0", Version(epoch=0, version="2.11.20080614", release="0")),
    ],
)
def test_debian_versions_split_as_rpm_wants_them(text: str, expected: Version) -> None:
    assert parse_version(text) == expected


@pytest.mark.parametrize("text", ["", "x:1-2", "1:", "1-"])
def test_a_version_that_is_none_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match="Debian version"):
        parse_version(text)


_part = st.text(alphabet="0123456789abcxyz.+~", min_size=1, max_size=12)


@given(epoch=st.integers(min_value=0, max_value=99), upstream=_part, revision=_part)
def test_nothing_that_rpm_forbids_is_left_in_a_version(epoch: int, upstream: str, revision: str) -> None:
    prefix = f"{epoch}:" if epoch else ""
    found = parse_version(f"{prefix}{upstream}-{revision}")
    assert found == Version(epoch=epoch, version=upstream, release=revision)
    assert "-" not in found.version + found.release
    assert ":" not in found.version + found.release


def test_choices_operators_architectures_and_profiles_are_understood() -> None:
    found = parse_relations("libssl3 (>= 3.0.0), a:any | b (<< 1:2-3), c (= 1.5) [amd64] <!nocheck>")
    assert [[r.name for r in choice] for choice in found] == [["libssl3"], ["a", "b"], ["c"]]
    assert [found[0][0].operator, found[1][1].operator, found[2][0].operator] == [">=", "<", "="]
    assert found[1][1].version == Version(epoch=1, version="2", release="3")


def test_a_dependency_that_is_none_is_refused_with_its_text() -> None:
    with pytest.raises(ValueError, match=r"Not A Package"):
        parse_relations("fine, Not A Package")


def test_control_data_is_read_with_its_continuation_lines() -> None:
    found = parse_control(CHRONY)
    assert (found.name, found.architecture) == ("chrony", "x86_64")
    assert found.summary == "Versatile implementation of the Network Time Protocol"
    assert [choice[0].name for choice in found.depends] == [
        "init-system-helpers",
        "adduser",
        "tzdata",
        "libc6",
        "libcap2",
    ]
    assert [p.name for p in found.provides] == ["time-daemon"]


def test_control_data_without_a_version_or_of_a_foreign_architecture_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks Version, Architecture"):
        parse_control("Package: x\n")
    with pytest.raises(ValueError, match=r"x: architecture 'riscv64' is not one of all, amd64, arm64"):
        parse_control("Package: x\nVersion: 1-1\nArchitecture: riscv64\n")


def package(name: str, *, version: str = "1.0-1", depends: str = "", provides: str = "") -> DebControl:
    return parse_control(
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nDepends: {depends}\nProvides: {provides}\n"
    )


def depot(*packages: DebControl) -> dict[str, DebControl]:
    return {p.name: p for p in packages}


def test_only_what_the_depot_carries_is_required() -> None:
    tzdata, chrony = package("tzdata"), parse_control(CHRONY)
    assert requires(chrony, depot(tzdata, chrony)) == ("tzdata",)


def test_epochs_and_missing_revisions_reach_the_requirement() -> None:
    common = package("mariadb-common", version="1:10.11.19-0+deb12u1")
    library = package("libmariadb3")
    client = package("client", depends="mariadb-common (>= 1:10.11.19-0+deb12u1), libmariadb3 (>> 10.5.4)")
    assert requires(client, depot(common, library, client)) == (
        "mariadb-common >= 1:10.11.19-0+deb12u1",
        "libmariadb3 > 10.5.4",
    )


def test_of_a_choice_the_first_that_the_depot_carries_is_taken_and_doubles_fall_away() -> None:
    nginx = package("nginx", depends="nope | mail-server | exim, exim")
    exim = package("exim", provides="mail-server")
    assert requires(nginx, depot(nginx, exim)) == ("exim",)


def test_a_package_never_requires_itself_for_what_it_provides() -> None:
    chrony = package("chrony", depends="time-daemon", provides="time-daemon")
    assert requires(chrony, depot(chrony)) == ()


def spec_of(control: DebControl, entries: list[Entry], chores: Chores = NONE, **more: object) -> str:
    values = {"needs": (), "base_directories": {"/etc", "/usr"}, "content": "/build/x", **more}
    return spec(control, entries=entries, chores=chores, **values)  # type: ignore[arg-type]


def test_the_spec_has_the_epoch_apart_and_configuration_that_upgrades_leave_alone() -> None:
    entries = [
        Entry(path="/etc", is_directory=True),
        Entry(path="/etc/nginx", is_directory=True),
        Entry(path="/etc/nginx/nginx.conf", is_directory=False),
        Entry(path="/usr/sbin/nginx", is_directory=False),
    ]
    text = spec_of(package("nginx", version="5:7.0.15-1"), entries, needs=("nginx-common >= 1.0",))
    lines = text.splitlines()
    assert {"Epoch: 5", "Version: 7.0.15", "Release: 1", "Requires: nginx-common >= 1.0"} <= set(lines)
    assert "AutoReqProv: no" in lines
    assert '%config(noreplace) "/etc/nginx/nginx.conf"' in lines
    assert '%dir "/etc/nginx"' in lines
    assert '"/usr/sbin/nginx"' in lines
    assert not any('"/etc"' in line for line in lines), "a directory of the base image has no owner"


def test_a_package_without_epoch_scripts_or_units_has_no_such_lines() -> None:
    text = spec_of(package("fonts"), [Entry(path="/usr/share/fonts/x.ttf", is_directory=False)])
    assert not any(word in text for word in ("Epoch:", "%pre", "%post", "systemctl", "ldconfig"))


def test_libraries_and_units_get_their_scriptlets() -> None:
    entries = [
        Entry(path="/usr/lib/x86_64-linux-gnu/libnftnl.so.11.6.0", is_directory=False),
        Entry(path="/usr/lib/systemd/system/nftables.service", is_directory=False),
        Entry(path="/usr/lib/systemd/system/probe@.service", is_directory=False),
    ]
    text = spec_of(package("nftables"), entries)
    assert systemd_units(entries) == ("nftables.service",)
    assert "\nldconfig\n" in text
    assert "systemctl daemon-reload" in text
    assert '[ "$1" != 0 ] || systemctl --no-reload disable --now nftables.service' in text


def test_chores_make_users_before_and_directories_after_and_quote_what_they_are_given() -> None:
    chores = Chores(
        users=(SystemUser(name="nginx", home="/var/lib/a b"),),
        directories=(Directory(path="/var/log/a b", owner="nginx", mode="0750"),),
        links=(("/etc/my.cnf", "real.cnf"),),
    )
    text = spec_of(package("nginx"), [], chores)
    before, after = text.index("%pre"), text.index("%post")
    assert before < text.index("useradd") < after < text.index("install -d")
    assert "'/var/lib/a b'" in text
    assert "install -d -m 0750 -o nginx -g nginx '/var/log/a b'" in text
    assert "[ -e /etc/my.cnf ] || ln -s real.cnf /etc/my.cnf" in text


def test_every_directory_of_the_real_chores_belongs_to_a_user_that_is_made() -> None:
    for name, chores in CHORES.items():
        owners = {d.owner for d in chores.directories}
        assert owners <= {u.name for u in chores.users}, name
