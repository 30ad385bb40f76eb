"""A query of the deploy's facts, and what they make of its answer."""

import pytest

from deploys.oceanbase.facts import Answer, LocalAnswer
from tests.unit.hosttools.oceanbase.host import LOCAL, REFUSED, Host

_QUERY = "SELECT name, 'it''s' FROM t"


def _asked(host: Host, *options: str) -> Answer | None:
    done = host.run("query", *options, "--", _QUERY)
    assert (done.returncode, done.stderr) == (0, "")
    return LocalAnswer().process(done.stdout.splitlines())


def _queries(host: Host) -> list[str]:
    return [call for call in host.calls if call == f"{LOCAL}: {_QUERY}"]


@pytest.mark.parametrize(
    ("rows", "texts"),
    [
        ((), ()),
        (
            (("a", 7, None), ("tab\tnew\nline", "", "信贷")),
            (("a", "7", "NULL"), ("tab\tnew\nline", "", "信贷")),
        ),
    ],
)
def test_rows_are_texts_whatever_is_in_them(
    host: Host, rows: tuple[tuple[object, ...], ...], texts: tuple[tuple[str, ...], ...]
) -> None:
    host.says(LOCAL, "PRIMARY", queries={_QUERY: rows})
    assert _asked(host) == Answer(role="PRIMARY", rows=texts)


@pytest.mark.parametrize("code", [1049, 1146])
def test_a_table_that_is_not_there_yet_has_no_rows(host: Host, code: int) -> None:
    host.says(LOCAL, "PRIMARY", queries={_QUERY: code})
    assert _asked(host) == Answer(role="PRIMARY", rows=())


def test_a_refused_query_is_no_empty_answer_and_is_asked_once(host: Host) -> None:
    """The tool reads once; it is the operation that asks again."""
    host.says(LOCAL, "PRIMARY", queries={_QUERY: 4012})
    assert _asked(host) == Answer(role="PRIMARY", rows=(), refusal="no (4012)")
    assert len(_queries(host)) == 1


def test_a_primary_alone_is_asked_where_a_standby_has_the_same_rows(host: Host) -> None:
    host.says(LOCAL, "STANDBY", queries={_QUERY: (("a",),)})
    assert _asked(host, "--of-primary") == Answer(role="STANDBY", rows=())
    assert _queries(host) == []
    assert _asked(host) == Answer(role="STANDBY", rows=(("a",),))


def test_a_database_that_does_not_run_is_no_answer(host: Host) -> None:
    host.says(LOCAL, REFUSED)
    assert _asked(host) is None


def test_an_empty_password_is_no_way_in(host: Host) -> None:
    """A fresh database has a role, and nobody asks it more before root has its password."""
    host.says(LOCAL, "PRIMARY", fresh=True, queries={_QUERY: (("a",),)})
    found = _asked(host)
    assert found is not None
    assert (found.role, found.rows, "1045" in found.refusal) == ("PRIMARY", (), True)


@pytest.mark.parametrize("arguments", [("query",), ("query", "A", "B"), ("query", "--all", "A")])
def test_wrong_usage_ends_with_2(host: Host, arguments: tuple[str, ...]) -> None:
    assert host.run(*arguments).returncode == 2
    assert host.calls == []
