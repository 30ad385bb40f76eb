"""A load run at a modest rate: nothing lost, nothing doubled, and bad input refused before it starts.

Speed is judged by `make prove`, not here: a noisy machine fails none of these.
"""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inventory.model import Environment
from inventory.places import PROJECT_ROOT
from tests.lab.conftest import LOANSTACK, Finished, Run

RATE_PER_S = 200
DURATION_S = 12
LATEST = PROJECT_ROOT / "runs" / "latest"


@pytest.fixture(scope="module")
def loaded(deployed: Environment, loanstack: Run) -> Finished:
    """A finished load run."""
    done = loanstack("load", "lab", "--rate", str(RATE_PER_S), "--duration", f"{DURATION_S}s", "--json")
    assert done.exit_code in {0, 1}, done.output
    return done


def test_every_planned_write_is_acknowledged_and_kept(loaded: Finished) -> None:
    figures = loaded.results["figures"]
    assert figures["transactions_acknowledged"] == RATE_PER_S * DURATION_S, loaded.output
    assert figures["errors"] == 0
    assert figures["acknowledged_lost"] == 0
    assert figures["acknowledged_doubled"] == 0


def test_the_run_folder_holds_what_the_figures_come_from(loaded: Finished) -> None:
    folder = LATEST.resolve()
    writes = [json.loads(line) for line in (folder / "ledger.jsonl").read_text().splitlines()]
    assert sum(not write["warm_up"] for write in writes) == RATE_PER_S * DURATION_S
    assert len({write["key"] for write in writes}) == len(writes)
    assert {write["entity"] for write in writes} == {"QH01", "QH02", "QH03", "QH04"}
    assert {write["outcome"] for write in writes} == {"acknowledged"}
    results = json.loads((folder / "results.json").read_text())
    assert results["figures"] == loaded.results["figures"]
    samples = (folder / "replication.jsonl").read_text().splitlines()
    assert len(samples) >= DURATION_S
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "junit.xml").read_text().startswith("<?xml")


def test_what_a_transaction_costs_is_shared_by_all_that_hosts_were_busy_with(loaded: Finished) -> None:
    """Hosts are read before the warm-up, so its transactions pay for what it took."""
    figures = loaded.results["figures"]
    rows = json.loads((LATEST / "hosts.json").read_text())["rows"]
    cpu_ms = 1000 * sum(row["cpu_s"] for row in rows)
    assert figures["transactions_with_warm_up"] > 1.5 * figures["transactions_acknowledged"]
    assert figures["cpu_ms_per_transaction"] == pytest.approx(
        cpu_ms / figures["transactions_with_warm_up"], rel=0.05
    )


def test_every_checker_passed_over_the_database(loaded: Finished) -> None:
    findings = json.loads((LATEST / "findings.json").read_text())
    verdicts = {finding["name"]: finding["verdict"] for finding in findings}
    assert {
        "nothing_acknowledged_lost",
        "nothing_doubled",
        "ledger_balances",
        "no_overdrawn_limit",
        "entities_apart",
    } <= set(verdicts)
    assert set(verdicts.values()) == {"PASS"}, findings


def test_the_lab_stays_within_its_memory(loaded: Finished, deployed: Environment) -> None:
    assert 0 < loaded.results["figures"]["memory_mib_total"] <= (deployed.deploy_slo.memory_mib_max or 0)


BAD_INPUT = (
    (("--rate", "0"), "rate"),
    (("--rate", "-5"), "rate"),
    (("--duration", "20"), "duration"),
    (("--duration", "0s"), "duration"),
    (("--scenario", "nonsense"), "journey"),
    (("--shape", "wave"), "ramp"),
    (("--workers", "0"), "1 to 1024"),
    (("--workers", "gw-a"), "gw-a has role gateway"),
    (("--shape", "ramp:5..50", "--rate", "10"), "leave --rate out"),
    (("--shape", "replay:no-such-day.csv"), "no-such-day.csv"),
    (("--find-capacity", "--rate", "100"), "--rate"),
    (("--find-capacity", "--scenario", "multi-entity"), "multi-entity"),
)


@pytest.fixture(scope="module")
def refused(loaded: Finished, loanstack: Run) -> dict[tuple[str, ...], Finished]:
    """What each bad input came to; tried together, because the command's own start is all that takes time."""
    before = LATEST.resolve()
    asked = [arguments for arguments, _ in BAD_INPUT]
    with ThreadPoolExecutor(max_workers=4) as pool:
        found = dict(zip(asked, pool.map(lambda words: loanstack("load", "lab", *words), asked), strict=True))
    after = [folder for folder in before.parent.iterdir() if folder.name > before.name]
    assert not [folder for folder in after if not folder.is_symlink() and (folder / "ledger.jsonl").exists()]
    return found


@pytest.mark.parametrize(("arguments", "word"), BAD_INPUT)
def test_bad_input_is_refused_before_the_first_request(
    refused: dict[tuple[str, ...], Finished], arguments: tuple[str, ...], word: str
) -> None:
    assert refused[arguments].exit_code == 2, refused[arguments].output
    assert word in refused[arguments].stderr


def test_heavy_reports_beside_the_transactions_add_up_through_a_merge(
    loaded: Finished, loanstack: Run, on_host: Run
) -> None:
    asked = ("--scenario", "analytics", "--rate", "100", "--duration", "30s", "--major-freeze", "--json")
    done = loanstack("load", "lab", *asked)
    figures = done.results["figures"]
    assert (figures["reports_failed"], figures["reports_wrong"]) == (0, 0), done.output
    assert figures["reports_completed"] >= 5
    assert (figures["acknowledged_lost"], figures["acknowledged_doubled"]) == (0, 0)
    findings = json.loads((LATEST / "findings.json").read_text())
    (reports,) = [finding for finding in findings if finding["name"] == "reports"]
    assert reports["verdict"] == "PASS", reports
    assert figures["merge_primary_s"] > 0.0
    assert figures["merge_standby_s"] > 0.0
    for host in ("ob-a", "ob-b"):
        # It looks for its session every two seconds.
        count = "for n in $(seq 15); do pgrep -fc '[M]AJOR_COMPACTION' || exit 0; sleep 1; done; exit 1"
        assert on_host(host, count).exit_code == 0, "what watched the merge ended with the load"
    # Each sees the movements of the moment it was asked, and so more and more of them.
    lines = [json.loads(line) for line in (LATEST / "reports.jsonl").read_text().splitlines()]
    balances = [line["counted"] for line in lines if line["name"] == "trial balance" and not line["error"]]
    assert balances == sorted(balances)
    assert balances[0] < balances[-1]


def test_limits_that_two_workers_draw_full_are_never_overdrawn(loaded: Finished, loanstack: Run) -> None:
    asked = ("--scenario", "hot-limit", "--rate", "200", "--duration", "10s", "--workers", "2")
    done = loanstack("load", "lab", *asked, "--json")
    assert done.exit_code in {0, 1}, done.output
    figures = done.results["figures"]
    assert figures["transactions_acknowledged"] + figures["writes_refused"] == 2000, done.output
    assert figures["transactions_acknowledged"] > 1000
    assert figures["refusals"] > figures["overdraws_refused"] > 50
    for name in ("errors", "refusals_unfounded", "overdraws_acknowledged", "limits_overdrawn"):
        assert figures[name] == 0, done.output
    assert (figures["acknowledged_lost"], figures["acknowledged_doubled"]) == (0, 0)
    findings = json.loads((LATEST / "findings.json").read_text())
    assert {finding["verdict"] for finding in findings if finding["name"] != "costs"} == {"PASS"}, findings
    writes = [json.loads(line) for line in (LATEST / "ledger.jsonl").read_text().splitlines()]
    assert len({write["limit_id"] for write in writes}) == 8


def test_a_worker_that_is_killed_makes_the_load_invalid_and_hangs_nothing(loaded: Finished) -> None:
    asked = ("load", "lab", "--workers", "2", "--rate", "100", "--duration", "5m", "--json")
    with subprocess.Popen(
        [str(LOANSTACK), *asked], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    ) as load:
        try:
            victim = wait_for_worker(2, load)
            os.kill(victim, signal.SIGKILL)
            printed, _ = load.communicate(timeout=60)
        finally:
            load.terminate()
    results = json.loads(printed)
    assert (load.returncode, results["verdict"]) == (3, "INVALID"), printed
    assert results["reasons"][0] == "worker 2 of 2 was killed by SIGKILL"
    assert results["figures"]["acknowledged_lost"] == 0
    assert not workers_of(LATEST.resolve())
    first = (LATEST / "workers" / "1" / "ledger.jsonl").read_text().splitlines()
    merged = (LATEST / "ledger.jsonl").read_text().splitlines()
    assert first
    assert set(first) <= set(merged)


def wait_for_worker(number: int, load: "subprocess.Popen[str]") -> int:
    """Return the process of one worker of `load`, once it has recorded writes."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert load.poll() is None, "the load ended by itself"
        folder = LATEST.resolve()
        ledger = folder / "workers" / str(number) / "ledger.jsonl"
        if ledger.exists() and ledger.stat().st_size and (found := workers_of(folder)):
            return found[number]
        time.sleep(0.1)
    pytest.fail("no worker recorded a write within 60 s")


def workers_of(folder: Path) -> dict[int, int]:
    """Return {number: process} of the workers that record into `folder`."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode().split("\0")
        except OSError:
            continue
        if "--place" in words and words[words.index("--run-folder") + 1].startswith(str(folder)):
            found[int(words[words.index("--place") + 1].removeprefix("here/"))] = int(path.parent.name)
    return found


def test_a_killed_seeding_is_completed_and_a_finished_one_is_not_done_again(
    loaded: Finished, loanstack: Run
) -> None:
    there = int(loaded.results["figures"]["customers"])
    asked = ("seed", "lab", "--customers", str(there + 40_000))
    killed = subprocess.Popen([LOANSTACK, *asked], cwd=PROJECT_ROOT, stderr=subprocess.DEVNULL)
    before = LATEST.resolve()
    deadline_s = time.monotonic() + 30
    while killed.poll() is None and time.monotonic() < deadline_s:
        log = LATEST / "seed.log"
        if LATEST.resolve() != before and log.exists() and "customers_missing" in log.read_text():
            killed.send_signal(signal.SIGINT)
            break
        time.sleep(0.05)
    killed.wait(30)
    completed = loanstack(*asked, "--json")
    assert completed.exit_code == 0, completed.output
    assert completed.results["figures"]["customers"] == there + 40_000
    again = loanstack(*asked, "--json").results["figures"]
    assert (again["customers"], again["rows_inserted"]) == (there + 40_000, 0)
    refused = loanstack(*asked, "--seed", "99")
    assert refused.exit_code == 2, refused.output
    assert "asked: --seed 99" in refused.stderr


def test_an_unknown_environment_names_the_known_ones(loanstack: Run) -> None:
    refused = loanstack("load", "tibet")
    assert refused.exit_code == 2
    assert "lab" in refused.stderr
    assert "qinghai" in refused.stderr
