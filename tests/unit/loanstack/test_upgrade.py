"""Upgrades host by host: who is next, who must stay, what is rolled back, and what stays out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chaos.system.world import WorldError
from inventory import environment
from inventory.model import Artifact, Environment, Host
from loanstack.commands import upgrade
from loanstack.commands.upgrade import UpgradeParameters, in_order, too_few_left, version_before
from loanstack.runs.console import Console
from loanstack.runs.folder import Results, new_run
from loanstack.runs.task import CommandError, Task
from loanstack.system.rotation import InstanceState
from processes.group import Processes
from proof.verdict import Verdict

OLD, NEW = "1.0+old", "1.1+new"


def env() -> Environment:
    artifact = Artifact(name="channel-portal", version=NEW, arch="x86_64", url="http://198.18.0.1/p.tar.gz")
    # Whether a lab runs on this machine, and which secrets it has, must not matter here.
    return replace(environment("lab"), artifacts=(artifact,), secrets_file=Path("/nonexistent/secrets.json"))


@dataclass
class Instance:
    """A portal as a test wants it to be."""

    version: str = OLD
    previous: str = "0.9"
    out: set[str] = field(default_factory=set)
    answers: set[str] = field(default_factory=lambda: {OLD, NEW})
    """Versions that answer as they should."""
    is_well: bool = True


class Rotation:
    """In place of the hosts."""

    def __init__(self, hosts: dict[str, Instance]) -> None:
        self.hosts = hosts
        self.done: list[str] = []
        self.least_serving = len(hosts)

    def state(self, host: Host) -> InstanceState:
        found = self.hosts[host.name]
        return InstanceState(
            host=host.name,
            is_well=found.is_well,
            out_because=tuple(sorted(found.out)),
            version=found.version,
            previous=found.previous,
        )

    def drain(self, host: Host) -> None:
        self.done.append(f"drain {host.name}")
        self.hosts[host.name].out.add("upgrade")
        self.least_serving = min(self.least_serving, sum(not each.out for each in self.hosts.values()))

    def judge(self, host: Host) -> str:
        found = self.hosts[host.name]
        if found.version not in found.answers:
            raise WorldError(f"{host.name}: portal answers 40 x 500 instead of 40 x 200")
        return "40 x 200"

    def restart(self, host: Host) -> None:
        self.done.append(f"restart {host.name}")
        assert self.hosts[host.name].out == {"upgrade"}

    def put_back(self, host: Host) -> None:
        self.done.append(f"in {host.name}")
        self.hosts[host.name].out.discard("upgrade")

    def roll_back(self, host: Host) -> str:
        found = self.hosts[host.name]
        self.done.append(f"roll back {host.name}")
        found.version, found.previous = found.previous, found.version
        return found.version

    def close(self) -> None:
        pass


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run an upgrade of the portals over hosts as they are given; `fails`: hosts on which the deploy does."""

    def upgraded(
        hosts: dict[str, Instance],
        *,
        batch: int = 1,
        restart: bool = False,
        fails: Sequence[str] = (),
        rate_per_s: float = 0.0,
        clients: Mapping[str, float] | None = None,
    ) -> tuple[Results, Rotation]:
        rotation = Rotation(hosts)

        def deploy(task: Task, *, only: str, limit: str) -> Results:
            assert only == "tongweb"
            assert hosts[limit].out == {"upgrade"}, "a host is replaced only when it is out"
            rotation.done.append(f"deploy {limit}")
            if hosts[limit].version != NEW:
                hosts[limit].version, hosts[limit].previous = NEW, hosts[limit].version
            failed = limit in fails
            return SimpleNamespace(  # type: ignore[return-value]
                verdict=Verdict.FAIL if failed else Verdict.PASS,
                reasons=("Hosts that failed: 1", f"{limit}: License expired.") if failed else (),
            )

        monkeypatch.setattr(upgrade, "deploy", deploy)

        class Load:
            def __init__(self, task: Task, *, rate_per_s: float) -> None:
                assert rate_per_s == 100.0

            def __enter__(self) -> None:
                rotation.done.append("clients begin")

            def __exit__(self, *_: object) -> None:
                rotation.done.append("clients end")

            def figures(self) -> dict[str, float]:
                return dict(clients or {})

        monkeypatch.setattr(upgrade, "BackgroundLoad", Load)
        monkeypatch.setattr(upgrade, "seed", lambda task: {})
        monkeypatch.setattr(upgrade, "Rotation", lambda env, component: rotation)
        with Processes() as processes:
            task = Task(
                env=env(),
                folder=new_run(tmp_path, "upgrade"),
                processes=processes,
                console=Console(machine_readable=True),
                parameters={},
            )
            return upgrade.upgrade(
                task,
                UpgradeParameters(component="portal", batch=batch, restart=restart, rate_per_s=rate_per_s),
            ), rotation

    return upgraded


def test_one_host_after_the_other_is_drained_replaced_judged_and_brought_back(run: Any) -> None:
    hosts = {"app-a": Instance(), "app-b": Instance()}
    results, rotation = run(hosts)
    assert (results.verdict, results.figures["hosts_upgraded"]) == (Verdict.PASS, 2)
    one = ["drain app-a", "deploy app-a", "in app-a"]
    assert rotation.done == [*one, *(each.replace("app-a", "app-b") for each in one)]
    assert rotation.least_serving == 1
    assert all((each.version, each.out) == (NEW, set()) for each in hosts.values())


@pytest.mark.parametrize(
    ("clients", "verdict"),
    [
        ({"acknowledged_ratio": 0.99, "errors": 0}, Verdict.PASS),
        ({"acknowledged_ratio": 0.99, "errors": 1}, Verdict.FAIL),
        ({"acknowledged_ratio": 0.79, "errors": 0}, Verdict.FAIL),
        ({}, Verdict.INVALID),
    ],
)
def test_clients_write_meanwhile_and_none_of_their_requests_may_fail(
    run: Any, clients: Mapping[str, float], verdict: Verdict
) -> None:
    results, rotation = run({"app-a": Instance(), "app-b": Instance()}, rate_per_s=100.0, clients=clients)
    assert results.verdict is verdict
    assert (rotation.done[0], rotation.done[-1]) == ("clients begin", "clients end")


def test_where_nothing_is_replaced_no_client_is_needed(run: Any) -> None:
    results, rotation = run({name: Instance(version=NEW) for name in ("app-a", "app-b")}, rate_per_s=100.0)
    assert (results.verdict, rotation.done) == (Verdict.PASS, [])


def test_what_is_up_to_date_is_left_alone(run: Any) -> None:
    results, rotation = run({"app-a": Instance(version=NEW), "app-b": Instance(version=NEW)})
    assert (results.verdict, rotation.done) == (Verdict.PASS, [])


def test_asked_for_it_what_is_up_to_date_is_started_anew_as_gently(run: Any) -> None:
    hosts = {"app-a": Instance(), "app-b": Instance(version=NEW)}
    results, rotation = run(hosts, restart=True)
    assert (results.verdict, results.figures["hosts_upgraded"]) == (Verdict.PASS, 2)
    assert rotation.done[:3] == ["drain app-a", "deploy app-a", "in app-a"], (
        "the new version was started already"
    )
    assert rotation.done[3:] == ["drain app-b", "deploy app-b", "restart app-b", "in app-b"]


def test_one_that_does_not_answer_after_a_restart_stays_out_and_keeps_its_version(run: Any) -> None:
    hosts = {"app-a": Instance(version=NEW, answers={OLD}), "app-b": Instance(version=NEW)}
    results, rotation = run(hosts, restart=True)
    assert results.verdict is Verdict.FAIL
    assert rotation.done == ["drain app-a", "deploy app-a", "restart app-a"]
    assert (hosts["app-a"].version, hosts["app-a"].out) == (NEW, {"upgrade"})


@pytest.mark.parametrize("fails", [(), ("app-a",)])
def test_a_version_that_fails_is_rolled_back_and_the_other_host_keeps_its_own(
    run: Any, fails: Sequence[str]
) -> None:
    hosts = {"app-a": Instance(answers={OLD}), "app-b": Instance(answers={OLD})}
    results, rotation = run(hosts, fails=fails)
    assert results.verdict is Verdict.FAIL
    assert rotation.done == ["drain app-a", "deploy app-a", "roll back app-a", "in app-a"]
    assert {name: each.version for name, each in hosts.items()} == {"app-a": OLD, "app-b": OLD}
    why = "License expired." if fails else "portal answers 40 x 500 instead of 40 x 200"
    assert results.reasons[0].startswith(f"app-a: {why}; ")
    assert f"it has {OLD} again" in results.reasons[0]
    assert not hosts["app-a"].out


def test_what_does_not_answer_even_after_the_roll_back_stays_out(run: Any) -> None:
    hosts = {"app-a": Instance(answers=set()), "app-b": Instance()}
    results, rotation = run(hosts)
    assert results.verdict is Verdict.FAIL
    assert "stays out of rotation" in results.reasons[0]
    assert hosts["app-a"].out == {"upgrade"}
    assert "in app-a" not in rotation.done


def test_a_host_left_in_the_middle_is_finished_first(run: Any) -> None:
    hosts = {"app-a": Instance(), "app-b": Instance(version=NEW, previous=OLD, out={"upgrade"})}
    results, rotation = run(hosts)
    assert results.verdict is Verdict.PASS
    assert rotation.done[:3] == ["drain app-b", "deploy app-b", "in app-b"]
    assert results.figures["hosts_upgraded"] == 2


def test_one_left_in_the_middle_with_a_bad_version_goes_back_to_the_one_before_that(run: Any) -> None:
    hosts = {
        "app-a": Instance(),
        "app-b": Instance(version=NEW, previous=OLD, out={"upgrade"}, answers={OLD}),
    }
    results, _ = run(hosts)
    assert results.verdict is Verdict.FAIL
    assert {name: each.version for name, each in hosts.items()} == {"app-a": OLD, "app-b": OLD}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (Instance(is_well=False), "app-b is not well"),
        (Instance(out={"verify"}), "app-b is out because of verify"),
    ],
)
def test_nobody_leaves_when_nobody_would_be_left(run: Any, other: Instance, says: str) -> None:
    hosts = {"app-a": Instance(), "app-b": other}
    with pytest.raises(CommandError, match=says):
        run(hosts)
    assert not hosts["app-a"].out
    with pytest.raises(CommandError, match="smaller --batch"):
        run({"app-a": Instance(), "app-b": Instance()}, batch=2)


def test_the_pure_parts() -> None:
    state = InstanceState(host="app-a", is_well=True, out_because=(), version=OLD, previous="0.9")
    assert version_before(state, NEW) == OLD
    changed = replace(state, version=NEW, previous=OLD)
    assert version_before(changed, NEW) == NEW
    assert version_before(replace(changed, out_because=("upgrade",)), NEW) == OLD
    done = replace(state, host="app-b", version=NEW)
    assert [host.name for host in in_order(env(), "portal", [state, done])] == ["app-a"]
    assert too_few_left([state, done], ["app-a"]) is None
    assert "no other host" in str(too_few_left([state], ["app-a"]))
