"""Host tests on several workers: those that act on each other stay on one worker, one after another."""

import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from inventory import environment
from inventory.model import Role
from inventory.places import PROJECT_ROOT
from lab import state
from tests.hosts import conftest
from tests.hosts.groups import CONTROL, DATABASES, ENTRANCE, NETWORK, OF_MODULE, group_of_host, group_of_test
from tests.unit.hosts.fake_host import LAB


@pytest.mark.parametrize(
    ("test", "group"),
    [
        ("test_tongweb.py::test_out_of_rotation_it_leaves_requests_to_the_others[app-a]", ENTRANCE),
        ("test_gateway.py::test_nothing_else_is_reachable[gw-b-/api/v1]", ENTRANCE),
        ("test_gateway.py::test_each_virtual_address_is_on_one_gateway", ENTRANCE),
        ("test_secrets.py::test_values_are_found_nowhere_else[ob-a]", DATABASES),
        ("test_database.py::test_standby_refuses_writes", DATABASES),
        ("test_services.py::test_no_unit_has_failed[mon-c]", "mon-c"),
        ("test_network.py::test_reaches_exactly_what_it_may[gw-a]", NETWORK),
        ("test_etcd.py::test_plain_text_gets_nowhere[mon-c-client]", "mon-c"),
        ("test_secrets.py::test_secrets_on_the_control_machine_are_private", CONTROL),
    ],
)
def test_a_test_belongs_to_its_module_s_group_or_to_its_host_s(test: str, group: str) -> None:
    assert group_of_test(f"tests/hosts/{test}", LAB.hosts) == group


def test_a_name_that_begins_with_another_s_is_its_own() -> None:
    monitor = next(host for host in LAB.hosts if host.name == "mon-c")
    hosts = (monitor, replace(monitor, name="mon-c-2"))
    assert group_of_test("test_identity.py::test_it[mon-c-2-client]", hosts) == "mon-c-2"
    assert group_of_test("test_identity.py::test_it[mon-c-client]", hosts) == "mon-c"
    assert group_of_test("test_identity.py::test_it[mon-c]", hosts) == "mon-c"


@pytest.mark.parametrize("name", ["lab", "qinghai"])
def test_hosts_whose_tests_act_on_each_other_are_in_one_group(name: str) -> None:
    env = environment(name)

    def groups(*roles: Role) -> set[str]:
        return {group_of_host(host) for role in roles for host in env.hosts_with(role)}

    assert groups(Role.GATEWAY, Role.TONGWEB) == {ENTRANCE}
    assert groups(Role.OCEANBASE) == {DATABASES}


def _run(lab_state: Path, *argv: str) -> str:
    """Return what a program prints that finds its lab's state in a folder of this test."""
    done = subprocess.run(
        [sys.executable, *argv],
        cwd=PROJECT_ROOT,
        env={**os.environ, "LOANSTACK_STATE": str(lab_state)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_tests_of_several_hosts_are_in_modules_with_a_group(tmp_path: Path) -> None:
    program = """
import json, pytest
class Collected:
    def pytest_collection_finish(self, session):
        print("TESTS", json.dumps([[item.nodeid, list(item.fixturenames)] for item in session.items]))
pytest.main(["tests/hosts", "--collect-only", "-q", "-s"], plugins=[Collected()])
"""
    (line,) = (line for line in _run(tmp_path, "-c", program).splitlines() if line.startswith("TESTS"))
    tests: list[tuple[str, list[str]]] = json.loads(line.removeprefix("TESTS"))
    several = {node for node, fixtures in tests if "machines" in fixtures and "machine" not in fixtures}
    assert {Path(node.partition("::")[0]).stem for node in several} <= set(OF_MODULE)
    of_hosts = [node for node, fixtures in tests if "machine" in fixtures and "NOTSET" not in node]
    assert len(of_hosts) > 200
    assert [node for node in of_hosts if group_of_test(node, LAB.hosts) == CONTROL] == []


def test_a_group_is_on_one_worker_of_a_real_run(tmp_path: Path) -> None:
    """The tests that are chosen here skip on stand-ins: they contact no host."""
    lab_dir = tmp_path / "lab"
    up = state.LabState(phase=state.Phase.UP, image_key="k", boot_id=state.boot_id(), since_s=0)
    state.save(lab_dir, up)
    (lab_dir / "ssh").mkdir()
    for name in ("id_ed25519", "known_hosts"):
        (lab_dir / "ssh" / name).touch()
    chosen = "test_memory or test_page_size"
    said = _run(tmp_path, "-m", "pytest", "tests/hosts", "-n", "2", "-v", "-k", chosen)
    workers = defaultdict(set)
    for worker, node in re.findall(r"^\[(gw\d)\] .* SKIPPED (\S+)", said, re.MULTILINE):
        workers[group_of_test(node, LAB.hosts)].add(worker)
    assert {group: len(names) for group, names in workers.items()} == {ENTRANCE: 1, DATABASES: 1, "mon-c": 1}
    assert len(set.union(*workers.values())) == 2


def test_another_distribution_that_was_asked_for_is_left_alone() -> None:
    asked = SimpleNamespace(option=SimpleNamespace(dist="loadfile"))
    assert conftest.pytest_xdist_make_scheduler(asked, log=None) is None  # type: ignore[arg-type]
