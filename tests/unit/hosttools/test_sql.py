"""SQL over a socket of this host or the network: who refuses, who is silent, and what is quoted."""

import itertools
import socket
import ssl
import threading

import pytest

from hosttools import sql, waiting
from hosttools.errors import ToolError
from tests.unit.hosttools.fake_mysql import Answer, serving


def endpoint(port: int, *, answer_timeout_s: float | None = 30.0) -> sql.Endpoint:
    return sql.Endpoint(
        user="root", password="p", host="127.0.0.1", port=port, answer_timeout_s=answer_timeout_s
    )


def test_a_value_is_text_and_an_error_has_its_code() -> None:
    answers: dict[str, Answer] = {"SELECT 1": 1, "SELECT LIKE '%x%'": "a\tb", "ALTER": (4109, "not now")}
    with serving(lambda statement: answers[statement]) as port:
        assert sql.value(endpoint(port), "SELECT 1") == "1"
        assert sql.value(endpoint(port), "SELECT LIKE '%x%'") == "a\tb"
        with pytest.raises(sql.SqlError, match="not now") as refused:
            sql.rows(endpoint(port), "ALTER")
    assert (refused.value.code, refused.value.refused) == (4109, False)


def test_values_are_quoted_by_the_driver() -> None:
    asked: list[str] = []
    with serving(asked.append) as port:
        sql.rows(endpoint(port), "ALTER USER root IDENTIFIED BY %s", "it's \\ %s")
    assert asked == ["ALTER USER root IDENTIFIED BY 'it\\'s \\\\ %s'"]


def test_a_refusal_of_quoted_values_repeats_none() -> None:
    with (
        serving(lambda statement: (1064, f"error near '{statement}'")) as port,
        pytest.raises(sql.SqlError, match="words are not shown") as refused,
    ):
        sql.rows(endpoint(port), "ALTER USER root IDENTIFIED BY %s", "open-Sesame_1")
    assert refused.value.code == 1064
    assert "Sesame" not in str(refused.value)


def test_no_rows_are_no_value() -> None:
    with (
        serving(lambda statement: None) as port,
        pytest.raises(ToolError, match="0 rows instead of one value"),
    ):
        sql.value(endpoint(port), "SELECT 1")


def test_a_host_where_nobody_listens_refuses() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(sql.SqlError) as refused:
            sql.rows(endpoint(unused.getsockname()[1]), "SELECT 1")
    assert refused.value.refused


def test_a_frozen_database_accepts_and_never_greets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its kernel accepts the connection. That is silence, and no refusal."""
    monkeypatch.setattr(sql, "_CONNECT_TIMEOUT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as frozen, pytest.raises(sql.SqlError) as silent:
        sql.rows(endpoint(frozen.getsockname()[1], answer_timeout_s=None), "SELECT 1")
    assert not silent.value.refused


def test_one_that_closes_instead_of_greeting_is_no_refusal() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        closing = threading.Thread(target=lambda: server.accept()[0].close())
        closing.start()
        with pytest.raises(sql.SqlError) as lost:
            sql.rows(endpoint(server.getsockname()[1]), "SELECT 1")
        closing.join()
    assert not lost.value.refused


def test_no_authority_is_read_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyMySQL would read all of this host's, which takes longer than everything else together."""
    monkeypatch.delattr(ssl, "create_default_context")
    monkeypatch.delattr(ssl, "SSLContext")
    with serving(lambda statement: 1) as port:
        assert sql.value(endpoint(port), "SELECT 1") == "1"


@pytest.mark.parametrize(
    "login",
    [
        b"mysql_clear_password\0",
        b"dialog\0\x05Password: ",
        b"mysql_old_password\x0012345678",
        b"sha256_password\x0012345678901234567890\0",
        b"caching_sha2_password\x0012345678901234567890\0",
        b"made_up\0",
    ],
)
def test_a_server_that_asks_for_the_password_does_not_get_it(login: bytes) -> None:
    said: list[bytes] = []
    with serving(lambda statement: 1, login=login, said_at_login=said) as port, pytest.raises(sql.SqlError):
        sql.value(endpoint(port), "SELECT 1")
    assert said in ([], [b""])


def test_the_hash_of_the_password_is_given() -> None:
    said: list[bytes] = []
    login = b"mysql_native_password\x0012345678901234567890\0"
    with serving(lambda statement: 1, login=login, said_at_login=said) as port:
        assert sql.value(endpoint(port), "SELECT 1") == "1"
    assert [len(each) for each in said] == [20]


@pytest.mark.parametrize(
    "packet",
    [b"\xfb/etc/shadow", b"\xff", b"", b"\xfc", b"\x00\xfe", b"\x01", b"\xfe\xff", b"\x09" + bytes(40)],
)
def test_an_answer_that_makes_no_sense_is_an_error_in_one_line(packet: bytes) -> None:
    with serving(lambda statement: packet) as port, pytest.raises(ToolError) as failure:
        sql.value(endpoint(port, answer_timeout_s=0.05), "SELECT 1")
    assert str(failure.value).isprintable()
    assert "shadow" not in str(failure.value)


def test_an_error_is_printed_in_one_line() -> None:
    with (
        serving(lambda statement: (1064, "x\n\x1b[2J" + "y" * 5000)) as port,
        pytest.raises(sql.SqlError) as failure,
    ):
        sql.rows(endpoint(port), "SELECT 1")
    assert str(failure.value).isprintable()
    assert len(str(failure.value)) < 400


def test_an_answer_has_an_end_in_length_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        serving(lambda statement: "x" * (1 << 21)) as port,
        pytest.raises(sql.SqlError, match="longer than 1048576 bytes"),
    ):
        sql.value(endpoint(port), "SELECT 1")
    hours_s = itertools.count(step=3600)
    monkeypatch.setattr(waiting, "now_s", lambda: next(hours_s))
    with serving(lambda statement: 1) as port, pytest.raises(sql.SqlError, match="does not end"):
        sql.value(endpoint(port), "SELECT 1")
