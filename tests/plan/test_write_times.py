"""Restarts follow from when files were written and processes started, by a clock that nobody sets."""

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploys import write_times
from deploys.content import AUTHORITY
from deploys.facts.services import Service, ServiceState
from deploys.operations import services
from inventory.model import Role
from tests.plan.kit import HEALTHY_SERVICE, Site, fresh, prepared, told
from tests.plan.really import shell

_PATH = "/etc/loanstack/it's: a.conf"


def _asked(*, uptime_s: float, started_s: float, written_s: float | None) -> ServiceState:
    """Return what the fact says of a service and a file; both times are seconds after the boot."""
    notes = [] if written_s is None else [f"{write_times.FOLDER}{_PATH}:{written_s:.2f}"]
    started_us = round(started_s * 1e6)
    return Service().process(
        [
            *("LoadState=loaded", "ActiveState=active", "UnitFileState=enabled", "NeedDaemonReload=no"),
            f"ExecMainStartTimestampMonotonic={started_us}",
            f"StateChangeTimestampMonotonic={started_us}",
            f"uptime={uptime_s:.2f}",
            *notes,
        ]
    )


def _restarts(now: ServiceState) -> bool:
    with prepared("here", {Service: lambda unit, paths, starts: now}, {}):
        planned = [str(command) for command in services.commands_to_run("x.service", restart_after=(_PATH,))]
    return "systemctl restart x.service" in planned


@pytest.mark.parametrize(
    ("what", "started_s", "written_s", "restarts"),
    [
        ("a run was interrupted between the file and the restart", 100, 200, True),
        ("the run's own restart came", 201, 200, False),
        ("somebody restarted it by hand after the change", 300, 200, False),
        ("the host was booted since: the notes are gone", 5, None, False),
        ("it crashed and started again before the file was written", 199.9, 200, True),
    ],
)
def test_a_service_restarts_for_what_it_has_not_read(
    what: str, started_s: float, written_s: float | None, restarts: bool
) -> None:
    for uptime_s in (400.0, 4e6):
        now = _asked(uptime_s=uptime_s, started_s=started_s, written_s=written_s)
        assert _restarts(now) is restarts, what


@given(started_s=st.floats(1, 1e6), after_s=st.floats(0, 1e6), written_s=st.floats(1, 1e6))
def test_no_rounding_hides_a_file_that_was_not_read(
    started_s: float, after_s: float, written_s: float
) -> None:
    """Both clocks of /proc/uptime are cut to 10 ms; systemd's has microseconds."""
    uptime_s = max(started_s, written_s) + after_s
    cut = [int(each * 100) / 100 for each in (uptime_s, written_s)]
    now = _asked(uptime_s=cut[0], started_s=started_s, written_s=cut[1])
    if written_s > started_s:
        assert _restarts(now)
    elif written_s < started_s - 0.02:
        assert not _restarts(now)


def test_a_note_is_there_whatever_interrupts_the_write(notes: Path, tmp_path: Path) -> None:
    target = tmp_path / "it's.conf"
    note = Path(f"{notes}{target}")
    assert shell(write_times.noted(str(target), "false")).returncode != 0
    assert note.exists(), "noted before"
    write = "echo 0.00 > " + shlex.quote(str(note))
    assert shell(write_times.noted(str(target), write)).returncode == 0
    assert float(note.read_text()) > 0, "and after"
    asked = shell(write_times.asked((str(target), "/never/written")))
    lines = asked.stdout.splitlines()
    uptime_s = float(lines[0].removeprefix("uptime="))
    ages_s = write_times.ages_s(lines, uptime_s)
    assert list(ages_s) == [str(target)]
    assert ages_s[str(target)] == pytest.approx(uptime_s - float(note.read_text()) - 0.01, abs=1e-6)


@pytest.mark.parametrize("site_name", ["lab_site", "qinghai_site"])
@pytest.mark.parametrize("database", ["oceanbase", "mariadb"])
def test_whoever_writes_a_file_that_a_service_reads_notes_it(
    request: pytest.FixtureRequest, site_name: str, database: str
) -> None:
    """A write without a note would leave the service with what it has read before."""
    site: Site = request.getfixturevalue(site_name)
    for host in site.env.hosts:
        read: set[str] = set()
        planned = site.plan(
            host.name, told(fresh(), {Service: _remembering(read)}), data={"database": database}
        )
        commands = "\n".join(str(command) for each in planned for command in each.commands)
        noted = set(re.findall(rf"> '?{write_times.FOLDER}(/[^\s']+)", commands))
        assert read
        # Where a licence server is asked, there is no licence file to write.
        assert {path for path in read - noted if not path.endswith("/license.dat")} == set()


def _remembering(read: set[str]) -> Callable[..., Any]:
    def asked(unit: str, paths: tuple[str, ...] = (), starts: tuple[str, ...] = ()) -> ServiceState:
        read.update(paths)
        return HEALTHY_SERVICE

    return asked


def test_what_reads_the_authority_only_at_its_start_restarts_for_another(lab_site: Site) -> None:
    """Otherwise agents and members would refuse each other's new certificates, or trust an old authority."""

    def told_anew(unit: str, paths: tuple[str, ...] = (), starts: tuple[str, ...] = ()) -> ServiceState:
        return replace(HEALTHY_SERVICE, file_ages_s={path: 1.0 for path in paths if path == AUTHORITY})

    for host in lab_site.env.hosts:
        facts = told(fresh(), {Service: told_anew})
        commands = [str(c) for p in lab_site.plan(host.name, facts) for c in p.commands]
        restarted = {c.rpartition(" ")[2] for c in commands if c.startswith("systemctl restart")}
        wanted = set()
        if host.has(Role.ETCD):
            wanted.add("etcd.service")
        if host.has(Role.OCEANBASE):
            wanted.add("loanstack-failover.service")
        assert restarted & {"etcd.service", "loanstack-failover.service"} == wanted, host.name
