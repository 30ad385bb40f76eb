"""Upgrades with clients beside: none of their requests fails, and what does not work is rolled back."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import LOANSTACK, Finished, Run
from tests.lab.steady_client import ASKING
from tests.lab.versions import Depot, loan_version, portal_version, replace_in, tongweb_version

ANSWERS = {"200", "201", "403", "404", "409", "422"}
APPS = ("app-a", "app-b")


@dataclass
class Upgrades:
    """What the tests share."""

    depot: Depot
    folder: Path
    loanstack: Run
    on_host: Run

    def upgrade(self, component: str) -> Finished:
        return self.loanstack("upgrade", "lab", "--component", component, "--json")

    def states(self, component: str) -> list[dict[str, object]]:
        return [
            json.loads(self.on_host(host, f"loanstack-rotation {component} status").stdout) for host in APPS
        ]

    def versions(self, component: str) -> set[object]:
        states = self.states(component)
        assert all((state["is_well"], state["out_because"]) == (True, []) for state in states), states
        return {state["version"] for state in states}


@pytest.fixture(scope="module")
def upgrades(
    deployed: Environment, loanstack: Run, on_host: Run, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Upgrades]:
    depot = Depot()
    shared = Upgrades(depot, tmp_path_factory.mktemp("versions"), loanstack, on_host)
    yield shared
    depot.restore()
    # Nobody asks any more: both hosts at once, instead of component by component and host by host.
    back = loanstack("deploy", "lab", "--json")
    assert back.exit_code == 0, back.output
    for component in ("tongweb", "portal", "loan"):
        # A test that failed may have left a host out of rotation, which a deploy does not end.
        if any(state["out_because"] for state in shared.states(component)):
            assert shared.upgrade(component).exit_code == 0


@pytest.fixture(autouse=True)
def clients(deployed: Environment) -> Iterator[None]:
    """Clients beside each test, none of whose requests may fail."""
    gateway = deployed.gateway
    asked = [
        str(deployed.ca_dir / "ca.pem"),
        gateway.server_name,
        str(gateway.port),
        deployed.entities[0].code,
    ]
    with subprocess.Popen(
        [
            *deployed.client_command,
            *(sys.executable, "-m", "tests.lab.steady_client"),
            *asked,
            *deployed.client_facing_addresses,
        ],
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline().strip() == ASKING
        yield
        said, _ = running.communicate(timeout=60)
    seen = json.loads(said)
    assert sum(seen.values()) > 100, seen
    assert seen.keys() <= ANSWERS, f"requests failed: {seen}"


def good_portal(sources: Path) -> None:
    replace_in(sources / "web/portal.css", "--line: #d5d0c4", "--line: #c5d0c4")


def portal_that_does_not_start(sources: Path) -> None:
    replace_in(sources / "web/WEB-INF/web.xml", "loanstack.portal.Portal<", "loanstack.portal.Portals<")


def portal_that_answers_500(sources: Path) -> None:
    replace_in(
        sources / "java/loanstack/portal/Portal.java",
        "forwarding.answer(request, response, request.getPathInfo(), requestId);",
        "response.sendError(500);",
    )


def good_tongweb(sources: Path) -> None:
    replace_in(sources / "bin/version.sh", "#!/bin/sh\n", "#!/bin/sh\n# Another version.\n")


def tongweb_that_does_not_start(sources: Path) -> None:
    replace_in(sources / "bin/startserver.sh", "need_java\n", "echo 'License expired.' >&2; exit 1\n")


def good_services(sources: Path) -> None:
    replace_in(sources / "__init__.py", '"""', '"""Another version. ')


def services_that_do_not_start(sources: Path) -> None:
    replace_in(sources / "serve.py", "import asyncio", "import asyncio_of_another_python")


def services_that_answer_500(sources: Path) -> None:
    replace_in(
        sources / "journey/queries.py",
        "async def get_products(services: Services, request: Request) -> Answer:",
        "async def get_products(services: Services, request: Request) -> Answer:\n    raise RuntimeError",
    )


def test_gateways_always_have_a_portal_when_hosts_leave_one_after_the_other(upgrades: Upgrades) -> None:
    """nginx leaves alone for up to two seconds what did not take a request: longest from a full second on."""

    def portal(host: str, does: str) -> None:
        done = upgrades.on_host(host, f"loanstack-rotation tongweb {does} test")
        assert done.exit_code == 0, done.output

    for turn, odd in enumerate((0, 0, 1, 1)):
        host = APPS[turn % 2]
        portal(host, "drain")
        time.sleep((odd - time.time()) % 2)
        portal(host, "in")


@pytest.mark.parametrize(
    ("component", "artifact", "make", "change"),
    [
        ("tongweb", "tongweb", tongweb_version, good_tongweb),
        ("portal", "channel-portal", portal_version, good_portal),
        ("loan", "loan-services", loan_version, good_services),
    ],
)
def test_a_good_version_comes_to_every_host(upgrades: Upgrades, component, artifact, make, change) -> None:
    before = upgrades.versions(component)
    upgrades.depot.offer(make(upgrades.folder, change), artifact)
    done = upgrades.upgrade(component)
    assert done.exit_code == 0, done.output
    assert done.results["figures"]["hosts_upgraded"] == len(APPS)
    after = upgrades.versions(component)
    assert len(after) == 1
    assert after != before
    again = upgrades.upgrade(component)
    assert (again.exit_code, again.results["figures"]["hosts_upgraded"]) == (0, 0)


@pytest.mark.parametrize(
    ("component", "artifact", "make", "change", "says"),
    [
        ("tongweb", "tongweb", tongweb_version, tongweb_that_does_not_start, "License expired."),
        ("portal", "channel-portal", portal_version, portal_that_does_not_start, "portal"),
        ("portal", "channel-portal", portal_version, portal_that_answers_500, "40 x 500"),
        ("loan", "loan-services", loan_version, services_that_do_not_start, "asyncio_of_another_python"),
        ("loan", "loan-services", loan_version, services_that_answer_500, "40 x 500"),
    ],
)
def test_a_bad_version_is_rolled_back_on_the_first_host_and_comes_to_no_other(
    upgrades: Upgrades, component, artifact, make, change, says
) -> None:
    before = upgrades.versions(component)
    upgrades.depot.offer(make(upgrades.folder, change), artifact)
    done = upgrades.upgrade(component)
    assert done.exit_code == 1, done.output
    assert done.results["figures"]["hosts_rolled_back"] == 1
    assert says in " ".join(done.results["reasons"]), done.output
    assert upgrades.versions(component) == before


def test_one_that_is_killed_in_the_middle_is_completed_by_the_next(upgrades: Upgrades) -> None:
    before = upgrades.versions("portal")
    # Back and forth between versions that both work.
    upgrades.depot.restore()
    argv = [str(LOANSTACK), "upgrade", "lab", "--component", "portal"]
    with subprocess.Popen(argv, cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL) as running:
        deadline = time.monotonic() + 60
        while not any(state["out_because"] for state in upgrades.states("portal")):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        running.send_signal(signal.SIGKILL)
    assert any("upgrade" in state["out_because"] for state in upgrades.states("portal"))
    done = upgrades.upgrade("portal")
    assert done.exit_code == 0, done.output
    assert upgrades.versions("portal") != before
