"""What agents and etcd are asked over SSH, and what their answers mean."""

import json
from dataclasses import dataclass, field

import pytest

from chaos.system.agents import SshAgents, SshEtcd, View, events_of, view_of
from chaos.system.world import WorldError
from inventory.lab import ENVIRONMENT
from inventory.model import Host
from processes.child import Completed
from proof.record import Event

SERVES = {
    "host": "ob-b",
    "address": "198.18.2.23",
    "port": 2881,
    "epoch": 7,
    "phase": "serving",
    "tag": "x",
    "durability": "cross_centre",
}


@pytest.mark.parametrize(
    ("answer", "view"),
    [
        (f"{json.dumps(SERVES)}\n200", View(primary="ob-b", epoch=7, durability="cross_centre")),
        (
            '{"epoch": 7, "phase": "recovering", "tag": "y"}\n503',
            View(primary=None, epoch=7, durability=None),
        ),
        (
            f"{json.dumps({**SERVES, 'alone': 'ending'})}\n200",
            View(primary="ob-b", epoch=7, durability="cross_centre", alone="ending"),
        ),
        ('{"epoch": null, "phase": null, "tag": "z"}\n503', View(primary=None, epoch=None, durability=None)),
        (f"{json.dumps(SERVES)}\n503", View(primary=None, epoch=7, durability=None)),
        ("not found\n404", None),
        ("[]\n200", None),
        ("\n000", None),
        ("", None),
    ],
)
def test_an_answer_says_who_leads_or_nothing(answer: str, view: View | None) -> None:
    assert view_of(answer) == view


def test_the_history_becomes_events_in_the_order_of_time() -> None:
    told = [
        {"epoch": 2, "at_s": 20.5, "event": "promoted", "host": "ob-b", "detail": "device"},
        {"epoch": 2, "at_s": 19.0, "event": "detected", "host": "ob-b", "detail": None},
        {"at_s": 18.0, "event": "paused"},
        {"event": "no time"},
        "nothing",
    ]
    assert events_of(json.dumps(told)) == (
        Event(at_s=18.0, event="paused"),
        Event(at_s=19.0, event="detected", host="ob-b", detail="epoch 2"),
        Event(at_s=20.5, event="promoted", host="ob-b", detail="epoch 2: device"),
    )


@pytest.mark.parametrize("answer", ["", "{}", "half a [", '{"error": "x"}'])
def test_what_is_no_history_is_none(answer: str) -> None:
    assert events_of(answer) is None


@dataclass
class PretendedShells:
    """Answers by host; a host that is not named does not answer."""

    answers: dict[str, tuple[int, str]]
    asked: list[tuple[str, list[str]]] = field(default_factory=list)

    def get(self, host: Host) -> "PretendedShell":
        return PretendedShell(self, host.name)


@dataclass
class PretendedShell:
    shells: PretendedShells
    name: str

    def run(self, argv: list[str], *, within_s: float) -> Completed:
        assert within_s > 0
        self.shells.asked.append((self.name, argv))
        if self.name not in self.shells.answers:
            raise WorldError(f"{self.name}: did not end")
        code, output = self.shells.answers[self.name]
        return Completed(returncode=code, seconds=0.0, stdout=output)

    def begin(self, argv: list[str]) -> None:
        self.shells.asked.append((self.name, argv))


def agents(answers: dict[str, tuple[int, str]]) -> tuple[SshAgents, PretendedShells]:
    shells = PretendedShells(answers)
    return SshAgents(ENVIRONMENT, shells), shells  # type: ignore[arg-type]


def test_agents_are_there_if_the_first_host_that_answers_has_their_unit() -> None:
    made, shells = agents({"ob-b": (0, "")})
    assert made.are_deployed()
    assert made.are_deployed()
    assert [name for name, _ in shells.asked] == ["ob-a", "ob-b"], "asked once"
    assert not agents({"ob-a": (1, "No files found")})[0].are_deployed()
    assert not agents({})[0].are_deployed()


def test_an_agent_is_asked_on_its_own_host() -> None:
    made, shells = agents({"ob-a": (0, f"{json.dumps(SERVES)}\n200")})
    view = made.view(ENVIRONMENT.host("ob-a"), 1000)
    assert view is not None
    assert view.primary == "ob-b"
    argv = shells.asked[0][1]
    assert argv[-1] == "http://127.0.0.1:8008/primary"
    assert argv[argv.index("--max-time") + 1] == "1.000"
    assert made.view(ENVIRONMENT.host("ob-b"), 1000) is None


def test_the_history_is_that_of_the_first_agent_that_tells_it() -> None:
    told = json.dumps([{"at_s": 1.0, "event": "promoted"}])
    assert agents({"ob-b": (0, told)})[0].history() == (Event(at_s=1.0, event="promoted"),)
    with pytest.raises(WorldError, match="no failover agent tells its history"):
        agents({"ob-a": (7, "")})[0].history()


def test_a_switchover_is_asked_of_the_primarys_own_agent() -> None:
    made, shells = agents({"ob-a": (0, "")})
    made.switchover(ENVIRONMENT.host("ob-a"), ENVIRONMENT.host("ob-b"))
    assert shells.asked == [("ob-a", ["loanstack-failover", "switchover", "--to", "ob-b"])]


def test_each_member_of_etcd_is_asked_whether_it_is_in_a_majority() -> None:
    shells = PretendedShells({"ob-a": (0, ""), "mon-c": (1, "no majority")})
    assert SshEtcd(ENVIRONMENT, shells).healthy() == {  # type: ignore[arg-type]
        "ob-a": True,
        "ob-b": False,
        "mon-c": False,
    }
