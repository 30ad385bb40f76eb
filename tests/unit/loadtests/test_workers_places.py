"""Where workers run, as `--workers` says it: every mistake is refused with what is allowed."""

from dataclasses import replace

import pytest

from inventory import environment
from inventory.model import Environment, Role
from loadtests.workers.placement import Place, hosts_of, not_on_hosts, places

QINGHAI = environment("qinghai")


def asked(text: str, per_host: int | None = None, *, users: int = 8, env: Environment = QINGHAI):
    return [
        (place.host.name if place.host is not None else None, place.slot)
        for place in places(text, per_host=per_host, env=env, users=users)
    ]


def test_a_number_means_processes_of_this_machine():
    assert asked("3") == [(None, 1), (None, 2), (None, 3)]


def test_names_mean_hosts_and_each_has_its_slots():
    assert asked("load-b1") == [("load-b1", 1)]
    assert asked("load-a1, load-b1") == [("load-a1", 1), ("load-b1", 1)]
    both = asked("load-a1,load-b1", 2)
    assert both == [("load-a1", 1), ("load-b1", 1), ("load-a1", 2), ("load-b1", 2)]


@pytest.mark.parametrize(
    ("text", "per_host", "words"),
    [
        ("0", None, "--workers 0; allowed: 1 to 8, the users that they share"),
        ("-1", None, "--workers -1; allowed: 1 to 8"),
        ("9", None, "allowed: 1 to 8"),
        ("load-a1,load-b1", 5, "--workers load-a1,load-b1 with 5 processes each; allowed: 1 to 8"),
        ("load-a1", 9, "--processes-per-host 9; allowed: 1 to 8"),
        ("load-a1", 0, "--processes-per-host 0; allowed: 1 to 8"),
        ("2", 2, "--processes-per-host with --workers 2: that is for hosts"),
        ("load-a9", None, "'load-a9' is no host of qinghai; allowed: a number of processes of this machine"),
        ("gw-a1", None, "gw-a1 has role gateway; allowed: a number"),
        ("ob-a1", None, "ob-a1 has role oceanbase, etcd"),
        ("2,load-a1", None, "'2' is a number among hosts"),
        ("load-a1,", None, "'' is no host"),
        ("", None, "'' is no host"),
        ("1.5", None, "'1.5' is no host"),
        ("load-a1,load-a1", None, "a host twice; for more processes on each: --processes-per-host N"),
    ],
)
def test_what_is_neither_is_refused(text, per_host, words):
    with pytest.raises(ValueError, match=r"^--") as refused:
        asked(text, per_host)
    assert words in str(refused.value)


def test_the_hosts_that_may_are_named():
    with pytest.raises(ValueError, match=r"role loadgen of qinghai \(load-a1, load-b1\)"):
        asked("nowhere")
    none = replace(QINGHAI, hosts=tuple(host for host in QINGHAI.hosts if not host.has(Role.LOADGEN)))
    with pytest.raises(ValueError, match=r"role loadgen of qinghai \(it has none\)"):
        asked("load-a1", env=none)


def test_each_host_is_asked_once_and_this_machine_never():
    found = places("load-a1,load-b1", per_host=3, env=QINGHAI, users=8)
    assert [host.name for host in hosts_of(found)] == ["load-a1", "load-b1"]
    assert hosts_of((Place(slot=1),)) == ()


def test_a_file_or_a_target_of_this_machine_means_nothing_on_another():
    assert not_on_hosts(shape="ramp:1..2", target=None) == ()
    both = not_on_hosts(shape="replay:day.csv", target="http://127.0.0.1:1")
    assert [line.split(":")[0] for line in both] == ["--shape replay", "--host http"]


def test_a_number_far_too_large_is_refused_at_once():
    with pytest.raises(ValueError, match="--workers 99999999999; allowed: 1 to 12"):
        places("99999999999", per_host=None, env=QINGHAI, users=12)
