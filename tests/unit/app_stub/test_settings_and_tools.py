"""Settings report all mistakes at once; environment files, logs and exported lines are as promised."""

import json
import logging

import pytest

from app_stub import env_file, export, logs
from app_stub.settings import DurabilityKind, DurabilityRule, Endpoint, SettingsError, settings_from

GOOD = {
    "LOAN_LISTEN_ADDRESS": "198.18.1.12",
    "LOAN_PORT": "8080",
    "LOAN_DATABASE_ENDPOINTS": "198.18.1.13:2881, 198.18.2.23:2881",
    "LOAN_DATABASE_USER": "loan_app",
    "LOAN_DATABASE_PASSWORD": "secret-value",
    "LOAN_POOL_SIZE": "16",
    "LOAN_CONNECT_TIMEOUT_MS": "500",
    "LOAN_STATEMENT_TIMEOUT_MS": "3000",
    "LOAN_SHUTDOWN_GRACE_S": "10",
    "LOAN_AGENTS": "198.18.1.13:8008,198.18.2.23:8008",
    "LOAN_AGENT_KEY": "key-of-readers",
    "LOAN_DURABILITY": "cross_centre",
    "LOAN_DURABILITY_TIMEOUT_MS": "1500",
}


def test_good_settings() -> None:
    settings = settings_from(GOOD)
    assert settings.database.endpoints[1] == Endpoint(host="198.18.2.23", port=2881)
    assert (settings.port, settings.database.pool_size, settings.shutdown_grace_s) == (8080, 16, 10)
    assert settings.database.agents[0] == Endpoint(host="198.18.1.13", port=8008)
    assert settings.durability == DurabilityRule(kind=DurabilityKind.CROSS_CENTRE, timeout_ms=1500)
    assert "secret-value" not in repr(settings)


def test_without_agents_writes_are_local() -> None:
    fewer = {name: value for name, value in GOOD.items() if "DURABILITY" not in name}
    settings = settings_from(fewer | {"LOAN_AGENTS": "", "LOAN_AGENT_KEY": ""})
    assert settings.database.agents == ()
    assert settings.durability == DurabilityRule(kind=DurabilityKind.LOCAL)


def test_an_authority_s_file_must_be_there() -> None:
    assert settings_from(GOOD).database.ca_file is None
    found = settings_from(GOOD | {"LOAN_DATABASE_CA_FILE": __file__}).database.ca_file
    assert str(found) == __file__
    with pytest.raises(SettingsError, match="LOAN_DATABASE_CA_FILE='/none'; allowed: a file"):
        settings_from(GOOD | {"LOAN_DATABASE_CA_FILE": "/none"})


def test_agents_are_believed_by_a_key_alone() -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from(GOOD | {"LOAN_AGENT_KEY": ""})
    assert raised.value.problems == ("LOAN_AGENT_KEY is missing or empty; set it in the environment file",)
    assert settings_from(GOOD).database.agent_key not in repr(settings_from(GOOD))


def test_all_mistakes_at_once() -> None:
    wrong = GOOD | {
        "LOAN_PORT": "0",
        "LOAN_DATABASE_ENDPOINTS": "a:1,a:1,b",
        "LOAN_DATABASE_PASSWORD": "",
        "LOAN_CONNECT_TIMEOUT_MS": "501",
        "LOAN_POOL_SIZE": "many",
        "LOAN_AGENTS": "ob-a",
        "LOAN_DURABILITY": "global",
        "LOAN_DATABASE_KIND": "oracle",
    }
    with pytest.raises(SettingsError) as raised:
        settings_from(wrong)
    named = " ".join(raised.value.problems)
    for name in (
        "LOAN_PORT",
        "has 'b'",
        "twice",
        "LOAN_DATABASE_PASSWORD",
        "LOAN_CONNECT_TIMEOUT_MS",
        "'many'",
        "LOAN_AGENTS has 'ob-a'",
        "local, cross_centre",
        "oceanbase, mariadb",
    ):
        assert name in named
    assert len(raised.value.problems) == 9


def test_environment_files_are_read_as_systemd_reads_them() -> None:
    text = "# comment\n\nA=1\nB='two words'\nC=\"x=y\"\n D = \nnonsense\n"
    assert env_file.parse(text) == {"A": "1", "B": "two words", "C": "x=y", "D": ""}
    assert env_file.merged({"A": "own"}, {"A": "file", "B": "file"}) == {"A": "own", "B": "file"}


def test_a_log_line_is_one_json_object_with_its_fields_and_trace() -> None:
    with pytest.raises(ValueError, match="Expecting") as raised:
        json.loads("made by the test")
    trace = (raised.type, raised.value, raised.tb)
    record = logging.LogRecord("loan.x", logging.ERROR, __file__, 1, "it %s", ("broke",), trace)
    record.endpoint = Endpoint(host="h", port=1)
    line = logs.JsonFormatter().format(record)
    assert "\n" not in line
    document = json.loads(line)
    assert (document["level"], document["message"]) == ("error", "it broke")
    assert document["endpoint"] == {"host": "h", "port": 1}
    assert "JSONDecodeError" in document["trace"]


def test_exported_lines_have_the_agreed_fields() -> None:
    row = ("QH01", "0" * 32, "drawdown", 7, None, 100, "loan:7", "settlement:QH01", 1795473277.25)
    assert json.loads(export.lines([row], export.JOURNAL_FIELDS)) == {
        "entity": "QH01",
        "key": "0" * 32,
        "kind": "drawdown",
        "limit_id": 7,
        "customer_id": None,
        "amount_fen": 100,
        "debit_account": "loan:7",
        "credit_account": "settlement:QH01",
        "created_s": 1795473277.25,
    }
    assert export.lines([], export.LIMIT_FIELDS) == b""


def test_pages_continue_behind_the_last_row() -> None:
    assert "WHERE 1=1 AND" in export.journal_page(None, export.Extent())
    assert "(entity_code,idempotency_key)>('QH01','ff')" in export.journal_page(
        ("QH01", "ff"), export.Extent()
    )
    assert "FROM_UNIXTIME(12.500000)" in export.journal_page(None, export.Extent(since_s=12.5))
    at = export.Extent(at=4711)
    assert " FROM journal AS OF SNAPSHOT 4711 WHERE " in export.journal_page(None, at)
    assert " FROM credit_limit AS OF SNAPSHOT 4711 WHERE " in export.limits_page(None, at)
    assert "limit_id>77 " in export.limits_page(("QH01", 77), export.Extent())
