"""Shared limits and a storm, by real workers against fake services that are right, too kind, or stingy."""

import pytest

from loadtests.results import figures, run_info
from loadtests.results.judge import judge_record
from loadtests.workers.merge import folder_of
from proof.checkers import contention
from proof.files import LEDGER_FILE, read_lines
from proof.history import Context, History, entity_numbers
from proof.record import JournalRow, Limit, Write
from proof.verdict import Verdict
from tests.unit.loadtests.fake_services import CAP_FEN
from tests.unit.loadtests.test_locust import SLO, services
from tests.unit.loadtests.test_options import LAB
from tests.unit.loadtests.test_workers import run

HOT = ("--scenario", "hot-limit", "--rate", "300", "--duration", "5s", "--users", "200")


def history(folder):
    """The run as a database would hold it that made what it acknowledged."""
    writes = tuple(read_lines(folder / LEDGER_FILE, Write))
    made = [write for write in writes if write.outcome == "acknowledged"]
    used = dict.fromkeys({(write.entity, write.limit_id) for write in writes}, 0)
    for write in made:
        used[write.entity, write.limit_id] += write.amount_fen * (1 if write.operation == "drawdown" else -1)
    return History(
        writes=writes,
        journal=tuple(
            JournalRow(
                entity=write.entity,
                key=write.key,
                kind=write.operation,
                limit_id=write.limit_id,
                customer_id=None,
                amount_fen=write.amount_fen,
                debit_account="a",
                credit_account="b",
                created_s=write.ended_s,
            )
            for write in made
        ),
        limits=tuple(
            Limit(
                entity=entity,
                limit_id=limit_id,
                customer_id=limit_id,
                cap_fen=CAP_FEN,
                used_fen=fen,
                status="active",
            )
            for (entity, limit_id), fen in used.items()
        ),
        context=Context(entity_numbers=entity_numbers(("QH01", "QH02", "QH03", "QH04"))),
    )


@pytest.mark.parametrize("workers", [1, 3])
def test_users_of_all_workers_draw_the_same_limits_full(tmp_path, workers):
    with services() as host:
        done = run(host, tmp_path, workers, *HOT)
    assert done.returncode == 0, done.stderr
    found = figures.of_folder(tmp_path)
    values = found.values
    assert values["errors"] == 0
    assert values["transactions_acknowledged"] + values["writes_refused"] == 1500
    assert values["transactions_acknowledged"] > 800
    own = [
        {write.limit_id for write in read_lines(folder_of(tmp_path, number) / LEDGER_FILE, Write)}
        for number in range(1, workers + 1)
    ]
    assert len(set().union(*own)) == 8
    assert {finding.verdict for finding in checked(tmp_path)} == {Verdict.PASS}


def checked(folder):
    return [checker(history(folder)) for checker in contention.CHECKERS]


def test_services_that_acknowledge_an_overdraw_fail(tmp_path):
    with services("overdraw") as host:
        assert run(host, tmp_path, 1, *HOT).returncode == 0
    found = figures.of_folder(tmp_path)
    assert found.errors_by_kind["acknowledged: more than the whole limit was drawn"] > 50
    assert judge_record(found, SLO).verdict is not Verdict.PASS
    (_, overdraws) = checked(tmp_path)
    assert overdraws.verdict is Verdict.FAIL
    assert overdraws.figures["overdraws_acknowledged"] > 50


def test_services_that_refuse_what_has_room_fail(tmp_path):
    with services("stingy") as host:
        assert run(host, tmp_path, 1, *HOT).returncode == 0
    (refusals, _) = checked(tmp_path)
    assert refusals.verdict is Verdict.FAIL
    assert 0 < refusals.figures["refusals_unfounded"] < refusals.figures["refusals"]


def test_two_workers_make_one_entitys_storm(tmp_path):
    asked = ("--scenario", "multi-entity", "--rate", "100", "--duration", "6s")
    with services() as host:
        done = run(host, tmp_path, 2, *asked)
    assert done.returncode == 0, done.stderr
    known = run_info.read(tmp_path)
    assert known.storm is not None
    assert (known.storm.entity, known.storm.from_s, known.storm.to_s) == ("QH01", 2.0, 4.0)
    assert (known.writes_planned, figures.of_folder(tmp_path).values["errors"]) == (800, 0)
    stormy = [
        write.entity
        for write in read_lines(tmp_path / LEDGER_FILE, Write)
        if 2.0 <= write.planned_s - known.start_s < 4.0
    ]
    assert len(stormy) == pytest.approx(400, abs=2)
    assert stormy.count("QH01") == pytest.approx(250, abs=50)
    assert {entity.code for entity in LAB.entities} == set(stormy)
