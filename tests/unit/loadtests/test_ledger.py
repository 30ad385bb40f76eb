"""The record survives the way to the file and back, and damage is found."""

import json

import orjson
import pytest

from loadtests.engine.recorder import Recorder
from proof.files import RecordError, encode, read_lines
from proof.record import Read, Write
from tests.unit.loadtests import records


def test_a_record_comes_back_as_it_was_written(tmp_path):
    with Recorder(tmp_path) as recorder:
        recorder.write(records.write(0.5, response={"limit_id": 7, "name": "བཀྲ་ཤིས་"}))
        recorder.read(records.read(0.6, error="body: not JSON"))
        assert (recorder.writes, recorder.reads, recorder.acknowledged, recorder.errors) == (1, 1, 1, 1)
    (write,) = read_lines(tmp_path / "ledger.jsonl", Write)
    (read,) = read_lines(tmp_path / "reads.jsonl", Read)
    assert write == records.write(0.5, response={"limit_id": 7, "name": "བཀྲ་ཤིས་"})
    assert read.is_error


def test_the_fields_of_a_line_are_those_that_others_read():
    assert set(json.loads(encode(records.write(0.0)))) == {
        *("key", "entity", "operation", "route", "limit_id", "customer_id", "amount_fen"),
        *("planned_s", "started_s", "ended_s", "outcome", "status", "error", "response"),
        "warm_up",
    }


def test_an_answer_is_written_as_it_came():
    line = encode(records.write(0.0, response=orjson.Fragment(b'{"amount_fen": 100}')))
    assert b'"response":{"amount_fen": 100},' in line


def test_the_record_of_another_run_is_never_overwritten(tmp_path):
    Recorder(tmp_path).close()
    with pytest.raises(FileExistsError):
        Recorder(tmp_path)


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (b'{"key": "a", "ent', "not a Write"),
        (b'{"key": "a"}\n', "not a Write"),
        (b"[]\n", "not a Write"),
        (b'{"unknown": 1}\n', "not a Write"),
    ],
)
def test_a_damaged_line_is_named(tmp_path, damage, problem):
    path = tmp_path / "ledger.jsonl"
    path.write_bytes(encode(records.write(0.0)) + damage)
    with pytest.raises(RecordError, match=problem) as failed:
        list(read_lines(path, Write))
    assert (failed.value.path, failed.value.line) == (path, 2)
