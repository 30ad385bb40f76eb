"""What the lab reads of its machine: control groups, kernel settings, apt's sources, preflight."""

from pathlib import Path

import pytest

from lab import kernel, preflight
from lab.cgroups import joining, parse_mounts
from lab.debian import KEYRING, sources_from_targets

HYBRID = """\
tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu cgroup rw,relatime,cpu 0 0
cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0
"""
UNIFIED = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nodev 0 0\n"


def test_the_hybrid_tree_is_used_in_all_its_parts() -> None:
    found = parse_mounts(HYBRID)
    assert found is not None
    assert found.unified == Path("/sys/fs/cgroup/unified")
    assert found.memory_v1 == Path("/sys/fs/cgroup/memory")
    assert found.systemd_v1 == Path("/sys/fs/cgroup/systemd")
    assert len(found.all) == 3, "the processor is shared by all hosts alike, and has no group for each"
    assert found.cpu_v1 == Path("/sys/fs/cgroup/cpu")


def test_the_unified_tree_of_a_usual_debian_is_enough() -> None:
    found = parse_mounts(UNIFIED)
    assert found is not None
    assert found.all == (Path("/sys/fs/cgroup"),)


def test_without_a_unified_tree_there_is_no_answer() -> None:
    assert parse_mounts("cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n") is None


def test_a_process_joins_its_groups_before_it_becomes_what_it_is_to_be() -> None:
    command = [*joining((Path("/a/cgroup.procs"), Path("/b/cgroup.procs"))), "program", "argument"]
    assert command[-5:] == ["/a/cgroup.procs", "/b/cgroup.procs", "--", "program", "argument"]


def test_kernel_settings_are_only_ever_raised() -> None:
    present = {"vm.max_map_count": 65_530, "fs.aio-max-nr": 2_000_000, "fs.file-max": 6_573_688}
    assert kernel.to_raise(present) == {"vm.max_map_count": 655_360}


def test_apts_own_targets_become_sources_and_foreign_ones_do_not() -> None:
    listing = "\n".join(
        [
            "http://mirror.example/debian/|bookworm|main|amd64",
            "http://mirror.example/debian/|bookworm|main|amd64",
            "http://mirror.example/debian/|bookworm|main|all",
            "http://mirror.example/debian/|bookworm|contrib|amd64",
            "http://mirror.example/debian-security/|bookworm-security|main|amd64",
            "https://packages.example|cloud-sdk-bookworm|main|amd64",
            "https://packages.example|nodistro|main|amd64",
            "something else",
        ]
    )
    assert sources_from_targets(listing) == (
        f"deb [arch=amd64 signed-by={KEYRING}] http://mirror.example/debian/ bookworm main",
        f"deb [arch=amd64 signed-by={KEYRING}] http://mirror.example/debian-security/ bookworm-security main",
    )


@pytest.mark.parametrize(
    ("os_release", "architecture", "said"),
    [
        ('ID=debian\nVERSION_ID="12"\n', "x86_64", None),
        ('ID=debian\nVERSION_ID="13"\n', "x86_64", "this is debian 13; use a Debian 12 machine"),
        ('ID="ubuntu"\nVERSION_ID="24.04"\n', "x86_64", "this is ubuntu 24.04"),
        ("", "x86_64", "this is unknown"),
        ('ID=debian\nVERSION_ID="12"\n', "aarch64", "this machine is aarch64"),
    ],
)
def test_the_system_is_looked_at(os_release: str, architecture: str, said: str | None) -> None:
    found = preflight.system_problem(os_release, architecture)
    assert found is None if said is None else said in (found or "")


def test_missing_capabilities_are_named() -> None:
    assert preflight.capability_problem("CapEff:\t000001fffeffffff\n") is None
    assert "root lacks CAP_SYS_ADMIN and CAP_NET_ADMIN" in str(
        preflight.capability_problem("CapEff:\t00000000a80425fb\n".replace("a80425fb", "00000000"))
    )
    assert "root lacks CAP_SYS_ADMIN and" in str(preflight.capability_problem("CapEff:\t00000000a80425fb\n"))


def test_too_little_memory_is_said_with_both_figures() -> None:
    assert preflight.memory_problem("MemTotal:       8040000 kB\n") is None
    assert "needs 8 GiB of memory, but here are 3.8 GiB" in str(
        preflight.memory_problem("MemTotal:       4000000 kB\n")
    )


def test_a_missing_control_group_tree_is_said_with_the_remedy() -> None:
    assert preflight.cgroup_problem(UNIFIED) is None
    assert "mount -t cgroup2" in str(preflight.cgroup_problem("proc /proc proc rw 0 0\n"))


def test_every_problem_ends_the_preflight_with_exit_code_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(preflight, "machine_problems", lambda: ["no disk; buy one", "no memory; buy some"])
    monkeypatch.setattr(preflight, "registry_problems", lambda: pytest.fail("asked although unfit"))
    assert preflight.main([]) == 2
    assert capsys.readouterr().err == "preflight: no disk; buy one\npreflight: no memory; buy some\n"
    monkeypatch.setattr(preflight, "machine_problems", list)
    assert preflight.main(["--no-registries"]) == 0


def test_an_ordinary_user_is_told_to_become_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert preflight.machine_problems() == [
        "hosts run in namespaces, which only root makes, not user 1000; run this with sudo"
    ]
