"""Facts read what hosts really print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploys.baseline.facts import KernelSettings, TransparentHugePages
from deploys.etcd.facts import EtcdMembers, LocalEtcd
from deploys.facts.files import PathStates
from deploys.facts.health import HttpStatus
from deploys.facts.packages import InstalledPackages
from deploys.facts.services import Service
from deploys.facts.users import User, UserEntry
from deploys.oceanbase.facts import Answer, DatabaseState, LocalAnswer, LocalDatabase

_SERVICE = """\
uptime=5000.00
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no
ExecMainStartTimestampMonotonic=4900000000
StateChangeTimestampMonotonic=4950000000
/run/loanstack/write-times/etc/a b:c.conf:4990.00
""".splitlines()


def test_service() -> None:
    now = Service().process(_SERVICE)
    assert (now.is_loaded, now.is_active, now.is_enabled, now.needs_daemon_reload) == (
        True,
        True,
        True,
        False,
    )
    assert (now.started_ago_s, now.settled_ago_s) == (100.0, 50.0)
    assert now.file_ages_s == {"/etc/a b:c.conf": pytest.approx(9.99)}


def test_a_timer_is_stale_with_the_service_that_it_starts() -> None:
    asked = Service().command(unit="a.timer", starts=("a.service",))
    assert "systemctl show --property=NeedDaemonReload a.service;" in asked
    assert Service().process([*_SERVICE, "NeedDaemonReload=yes"]).needs_daemon_reload


def test_a_unit_that_never_started() -> None:
    lines = [
        *_SERVICE[:1],
        "LoadState=not-found",
        "ActiveState=inactive",
        "ExecMainStartTimestampMonotonic=0",
    ]
    now = Service().process(lines)
    assert (now.is_loaded, now.is_active, now.is_enabled, now.started_ago_s) == (False, False, False, 0.0)


def test_paths() -> None:
    digest = "a" * 64
    found = PathStates().process(
        [
            "640|root|nginx|regular file|/etc/x|y",
            f"{digest}  /etc/x|y",
            "750|oceanbase|oceanbase|directory|/data",
        ]
    )
    assert found["/etc/x|y"].sha256 == digest
    assert (found["/etc/x|y"].mode, found["/etc/x|y"].group) == (0o640, "nginx")
    assert (found["/data"].kind, found["/data"].sha256) == ("directory", None)


def test_packages() -> None:
    output = ["nginx|1.22.1-9", "package chrony is not installed"]
    assert InstalledPackages().process(output) == {"nginx": "1.22.1-9"}


def test_kernel_settings() -> None:
    output = ["/proc/sys/net/ipv4/ip_local_port_range:10240\t60999", "/proc/sys/vm/swappiness:0"]
    assert KernelSettings().process(output) == {
        "net.ipv4.ip_local_port_range": "10240 60999",
        "vm.swappiness": "0",
    }


def test_transparent_huge_pages() -> None:
    assert TransparentHugePages().process(["always [madvise] never"]) == "madvise"
    assert TransparentHugePages().process(["always madvise [never]"]) == "never"


def test_http_status() -> None:
    assert HttpStatus().process(["000"]) == 0
    assert HttpStatus().process(["503"]) == 503


def test_database() -> None:
    line = (
        '{"role": "STANDBY", "recorded_role": "STANDBY", "peer_role": "PRIMARY", '
        '"scn": 17, "lag_ms": 80, "has_tables": true}'
    )
    now = LocalDatabase().process(["loanstack-db: something on the way", line])
    assert (now.role, now.scn, now.lag_ms) == ("STANDBY", 17, 80)
    answer = LocalAnswer().process(
        ["on the way", '{"role": "PRIMARY", "rows": [["loan_app", "*AB"], ["root", ""]], "refusal": ""}']
    )
    assert answer == Answer(role="PRIMARY", rows=(("loan_app", "*AB"), ("root", "")))
    assert LocalAnswer().process(["null"]) is None


def test_user() -> None:
    home, shell = "/opt/loanstack/loan", "/usr/sbin/nologin"
    found = User().process([f"loan:x:998:996::{home}:{shell}", "loan"])
    assert found == UserEntry(home=home, login_shell=shell, group="loan")


def test_etcd() -> None:
    said = [
        "a warning on the way",
        '{"healthy": true, "others": ["198.18.2.23"], "lacks": ["user failover"]}',
    ]
    now = LocalEtcd().process(said)
    assert (now.healthy, now.others, now.lacks) == (True, ("198.18.2.23",), ("user failover",))
    assert EtcdMembers().command().endswith("/loanstack-etcd status --members")


@given(
    role=st.sampled_from(["PRIMARY", "STANDBY", "DOWN"]),
    peer=st.sampled_from(["PRIMARY", "STANDBY", "DOWN", "UNREACHABLE"]),
    lag_ms=st.none() | st.integers(0, 10_000),
    limit_ms=st.integers(0, 10_000),
    has_tables=st.booleans(),
)
def test_two_primaries_or_an_unknown_lag_are_not_healthy(
    role: str, peer: str, lag_ms: int | None, limit_ms: int, has_tables: bool
) -> None:
    now = DatabaseState(
        role=role, recorded_role=role, peer_role=peer, scn=1, lag_ms=lag_ms, has_tables=has_tables
    )
    healthy = now.is_healthy(max_healthy_lag_ms=limit_ms)
    assert not (healthy and role == "DOWN")
    assert not (healthy and role == "PRIMARY" and peer == "PRIMARY"), "two primaries"
    unknown_or_late = lag_ms is None or lag_ms > limit_ms
    assert not (healthy and role == "STANDBY" and unknown_or_late), "unknown is not well"
    assert not (healthy and role == "STANDBY" and not has_tables), "it would have nothing to serve"
