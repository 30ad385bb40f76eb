"""A literal run folder of `prove`, small but with everything that a report can show."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inventory.drill_slo import DrillSlo
from inventory.slo import DeploySlo, LoadSlo
from loanstack.runs.folder import Results, RunFolder, Step
from proof import objectives, promised
from proof.objectives import Objective
from proof.verdict import Verdict

START_S = 1_795_388_400.0

CONTEXT: dict[str, Any] = {
    "started": "2026-11-23T22:20:00+00:00",
    "command": ["loanstack", "prove", "lab"],
    "parameters": {"rate": 40, "duration_s": 60},
    "environment": {
        "name": "lab",
        "title": "Lab: one machine, seven booted hosts, three centres",
        "is_lab": True,
        "client": "ip netns exec ls-client",
        "centres": [
            {"name": "a", "site": "city one", "segment": "198.18.1.0/24", "router": "198.18.1.1"},
            {"name": "b", "site": "city one", "segment": "198.18.2.0/24", "router": "198.18.2.1"},
            {"name": "c", "site": "city two", "segment": "198.18.3.0/24", "router": "198.18.3.1"},
        ],
        "hosts": [
            {
                "name": name,
                "centre": name[-1],
                "roles": [role],
                "management_address": f"198.18.0.{number}",
                "address": f"198.18.{'abc'.index(name[-1]) + 1}.{number}",
                "dmz_address": f"198.19.0.{number}" if role == "gateway" else None,
                "database_role": database_role,
                "arch": "x86_64",
                "memory_mib": 512,
                "system": "Kylin V10 SP3 stand-in (Debian 12 userland)",
                "stand_in": "Kylin V10 SP3 stand-in (Debian 12 userland)",
            }
            for name, role, number, database_role in (
                ("gw-a", "gateway", 11, None),
                ("app-a", "loan", 12, None),
                ("ob-a", "oceanbase", 13, "PRIMARY"),
                ("gw-b", "gateway", 21, None),
                ("app-b", "loan", 22, None),
                ("ob-b", "oceanbase", 23, "STANDBY"),
                ("mon-c", "monitor", 31, None),
            )
        ],
        "entities": [
            {"code": "QH01", "name": "西宁农商银行"},
            {"code": "QH02", "name": "海东农商银行"},
        ],
        "artifacts": [
            {"name": "seekdb", "version": "1.4.0.post1", "arch": "x86_64", "sha256": "0a" * 32, "url": "x"},
            {
                "name": "loan-services",
                "version": "0.1.0+abc",
                "arch": "x86_64",
                "sha256": "1b" * 32,
                "url": "x",
            },
        ],
        "depot": "http://198.18.0.1:8480",
    },
    "machine": {
        "cores": 2,
        "cpu_model": "An x86 processor",
        "memory_mib": 24105,
        "load_1m": 0.42,
        "loop_ms": 61.5,
        "kernel": "6.1.0",
        "system": "Debian GNU/Linux 12 (bookworm)",
        "arch": "x86_64",
    },
    "project": {
        "version": "0.1.0",
        "commit": "c2d9ab8" + "0" * 33,
        "changed_files": 0,
        "python": "3.11.2",
        "tools": {"pyinfra": "3.10.0", "locust": "2.47.0"},
    },
}


def write(
    folder: RunFolder,
    results: Results,
    *,
    judged_by: Sequence[Objective] = (),
    files: Mapping[str, object] | None = None,
) -> RunFolder:
    """Write a run folder: results, context, promises and further files (lists become JSON lines)."""
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.write_results(results)
    folder.write_json("context.json", CONTEXT)
    folder.write_json("objectives.json", objectives.to_list(judged_by))
    for name, content in (files or {}).items():
        if name.endswith(".jsonl"):
            assert isinstance(content, list)
            (folder.path / name).write_text("".join(json.dumps(line) + "\n" for line in content))
        elif isinstance(content, str):
            (folder.path / name).write_text(content)
        else:
            folder.write_json(name, content)
    return folder


def ledger(
    *, seconds: int, rate: int, outage: tuple[float, float] | None = None, latency_ms: float = 6.0
) -> list[dict[str, Any]]:
    """Return a ledger of `rate` writes a second; those planned in the outage fail or wait for its end."""
    rows = []
    for n in range(seconds * rate):
        planned = n / rate
        slow = latency_ms * (1 + (n * 7919 % 97) / 30) * (8 if n % 101 == 0 else 1) / 1000
        outcome, status, error, ended = "acknowledged", 201, None, planned + slow
        if outage and outage[0] - 0.05 <= planned < outage[1]:
            outcome, status, error = (
                ("indeterminate", 0, "connection reset")
                if planned < outage[0]
                else ("rejected", 503, "no primary")
            )
            ended = planned + 0.5
        rows.append(
            {
                "key": f"{n:032x}",
                "entity": "QH01",
                "operation": "drawdown",
                "route": "/v1/limits/{id}/drawdowns",
                "limit_id": 1_000_000_001,
                "customer_id": 1_000_000_001,
                "amount_fen": 100,
                "planned_s": START_S + planned,
                "started_s": START_S + planned + 0.001,
                "ended_s": START_S + ended,
                "outcome": outcome,
                "status": status,
                "error": error,
                "response": None,
            }
        )
    return rows


def load_info(*, seconds: int, rate: int) -> dict[str, Any]:
    """Return what the generator says about its run."""
    return {
        "environment": "lab",
        "scenario": "journey",
        "rate_per_s": rate,
        "duration_s": seconds,
        "spacing": "even",
        "run_seed": 1,
        "users": 96,
        "targets": ["198.19.0.11"],
        "writes_planned": seconds * rate,
        "start_s": START_S,
        "stopped_s": None,
        "cpu_percent": 30.0,
        "cpu_ms_per_request": 0.3,
        "memory_mib": 120.0,
        "lateness_p50_ms": 0.1,
        "lateness_p99_ms": 2.0,
        "lateness_max_ms": 9.0,
        "held_back": 0,
    }


def lag(*, seconds: int, gap: tuple[float, float] | None = None) -> list[dict[str, Any]]:
    """Return four replication samples a second; in the gap the standby did not answer."""
    return [
        {
            "at_s": START_S + n / 4,
            "primary_scn": n,
            "standby_scn": n,
            "lag_ms": None if gap and gap[0] <= n / 4 < gap[1] else 50 + (n * 31 % 60),
            "primary_host": "ob-a",
            "standby_host": "ob-b",
            "roles": {
                "ob-a": None if gap and n / 4 >= gap[0] else "PRIMARY",
                "ob-b": "PRIMARY" if gap and n / 4 >= gap[0] + 3 else "STANDBY",
            },
        }
        for n in range(seconds * 4)
    ]


_JUNIT = """<?xml version="1.0"?><testsuites><testsuite name="pytest" tests="3">
<testcase classname="tests.hosts.test_baseline" name="test_nothing_listens_needlessly[gw-a]"/>
<testcase classname="tests.hosts.test_database" name="test_it_listens[ssh://root@198.18.0.13:22-2881]"/>
<testcase classname="tests.hosts.test_loan" name="test_secrets_are_private[app-b]">
<failure message="AssertionError: mode 0644">trace</failure>
</testcase></testsuite></testsuites>"""

LOAD_FIGURES = {
    "tps_acknowledged": 40.02,
    "errors": 0,
    "latency_p50_ms": 12.3,
    "latency_p99_ms": 61.2,
    "standby_lag_p99_ms": 109.0,
    "memory_mib_total": 3271.4,
    "acknowledged_lost": 0,
    "acknowledged_doubled": 0,
    "cpu_ms_per_transaction": 1.62,
    "measured_s": 60,
    "bad_seconds": 3,
    "budget_errors_requests": 0,
    "budget_errors_spent_requests": 0,
    "budget_latency_p99_ms_requests": 24,
    "budget_latency_p99_ms_spent_requests": 6,
}


def prove(path: Path, *, load_verdict: Verdict = Verdict.PASS) -> RunFolder:
    """Return the folder of a whole `prove` run, written to `path`."""
    parent = RunFolder(path=path)
    path.mkdir(parents=True, exist_ok=True)
    _deploy_and_verify(path)
    _load(path, load_verdict)
    _drills(path)
    children = (
        "1-deploy",
        "2-deploy-again",
        "3-verify",
        "4-load",
        "5-drill-primary-crash",
        "6-drill-poweroff",
    )
    results = Results(
        verb="prove",
        environment="lab",
        verdict=Verdict.FAIL,
        reasons=("verify: Host tests failed: 1; promised: at most 0",),
        figures={"prove_s": 312.4},
        steps=(
            Step(name="lab up", seconds=31.2),
            Step(name="deploy", seconds=121.9),
            *(
                Step(name=name, seconds=seconds)
                for name, seconds in (("deploy again", 18.3), ("load", 131.0))
            ),
        ),
        children=children,
    )
    return write(parent, results)


def _results(
    verb: str, verdict: Verdict, figures: Mapping[str, float], reasons: tuple[str, ...] = ()
) -> Results:
    step = Step(name=verb, seconds=42.0)
    return Results(
        verb=verb, environment="lab", verdict=verdict, reasons=reasons, figures=figures, steps=(step,)
    )


def _deploy_and_verify(path: Path) -> None:
    names = [host["name"] for host in CONTEXT["environment"]["hosts"]]
    for folder, seconds, changed, judged_by in (
        ("1-deploy", 121.9, 24, promised.of_first_deploy(DeploySlo())),
        ("2-deploy-again", 18.3, 0, promised.of_second_deploy(DeploySlo())),
    ):
        figures = {
            "deploy_s": seconds,
            "hosts_failed": 0,
            "operations": 210,
            "operations_changed": changed * 7,
        }
        hosts = {name: {"operations": 30, "changed": changed, "failed": 0} for name in names}
        write(
            RunFolder(path=path / folder),
            _results("deploy", Verdict.PASS, figures),
            judged_by=judged_by,
            files={"deploy.json": {"hosts": hosts}},
        )
    write(
        RunFolder(path=path / "3-verify"),
        _results(
            "verify",
            Verdict.FAIL,
            {"tests_passed": 2, "tests_failed": 1, "verify_s": 12.0},
            ("Host tests failed: 1; promised: at most 0",),
        ),
        judged_by=promised.of_verify(),
        files={"junit.xml": _JUNIT},
    )


def _load(path: Path, verdict: Verdict) -> None:
    reasons = () if verdict is Verdict.PASS else ("the load generator was busier than 90 % of a core",)
    usage = {
        "rows": [
            {"host": host, "unit": unit, "cpu_s": 41.0, "cpu_ms_per_transaction": 0.61, "memory_mib": 1432.0}
            for host, unit in (("ob-a", "loanstack-oceanbase"), ("app-a", "loanstack-loan"))
        ],
        "components": {
            "gateways": 0.17,
            "loan services": 0.41,
            "database ob-a": 0.61,
            "load generator": 0.22,
        },
    }
    write(
        RunFolder(path=path / "4-load"),
        _results("load", verdict, LOAD_FIGURES, reasons),
        judged_by=promised.of_load(LoadSlo(), DeploySlo(), rate_per_s=40),
        files={
            "ledger.jsonl": ledger(seconds=60, rate=40),
            "reads.jsonl": [],
            "load.json": load_info(seconds=60, rate=40),
            "replication.jsonl": lag(seconds=60),
            "hosts.json": usage,
            "findings.json": [
                {"name": name, "verdict": "PASS", "reasons": [], "figures": figures, "listed": []}
                for name, figures in (
                    ("nothing_acknowledged_lost", {}),
                    ("ledger_balances", {"debits_fen": 123456}),
                )
            ],
        },
    )


def _drills(path: Path) -> None:
    for folder, name, rto in (
        ("5-drill-primary-crash", "primary-crash", (800, 120, 30, 260, 510, 90)),
        ("6-drill-poweroff", "primary-host-poweroff", (2300, 150, 40, 900, 1400, 230)),
    ):
        parts = dict(zip(("detect", "decide", "fence", "promote", "reroute", "recover"), rto, strict=True))
        whole = float(sum(rto))
        missing = [
            {"key": f"{n:032x}", "operation": "drawdown", "limit_id": 1_000_000_001, "amount_fen": 100,
             "ended_s": START_S + 19.9 + n / 100, "before_fault_ms": 100 - n * 10}
            for n in range(4)
        ]  # fmt: skip
        figures = {
            "rto_ms": whole,
            "rto_ms_max": whole,
            "acknowledged_lost": 4,
            "acknowledged_doubled": 0,
            "residue": 0,
        }
        figures |= {f"rto_{part}_ms": float(ms) for part, ms in parts.items()}
        back = 20 + whole / 1000
        write(
            RunFolder(path=path / folder),
            _results("drill", Verdict.PASS, figures),
            judged_by=promised.of_drill(DrillSlo(), name, may_lose=True),
            files={
                "ledger.jsonl": ledger(seconds=35, rate=30, outage=(20.0, back)),
                "reads.jsonl": [],
                "load.json": load_info(seconds=35, rate=30),
                "replication.jsonl": lag(seconds=35, gap=(20.0, 30.0)),
                "timeline.jsonl": [
                    {"at_s": START_S + 20.0, "event": "fault", "host": "ob-a", "detail": "kill -9"},
                    {"at_s": START_S + 20.1, "event": "first-error"},
                    {"at_s": START_S + 20.0 + (whole - 800) / 1000, "event": "promoted", "host": "ob-b"},
                    {"at_s": START_S + back, "event": "recovered"},
                    {"at_s": START_S + 31.0, "event": "heal", "host": "ob-a", "detail": "rejoined"},
                ],
                "drill.json": {
                    "name": name,
                    "hypothesis": ["one primary", "loans acknowledged at 30/s"],
                    "fault": "kill -9 of seekdb on ob-a <primary>",
                    "expects": "the standby becomes the primary",
                    "durability": "local",
                    "heal": "start the old primary as standby of the new one",
                },
                "findings.json": [
                    {"name": "nothing_acknowledged_lost", "verdict": "PASS",
                     "reasons": ["4 writes missing, all within the lag of 104 ms before the fault"],
                     "figures": {"acknowledged_lost": 4, "lost_window_ms": 98.0}, "listed": missing},
                ],
            },
        )  # fmt: skip
