"""What a failure says about the write."""

import pytest

from app_stub.outcome import Meaning, meaning_of_lost_connection, meaning_of_server_error

STATEMENTS = 3
COMMIT = 2


@pytest.mark.parametrize("code", [1062, 4012, 4688, 6002, 1064, 1])
def test_any_error_at_commit_is_uncertain(code: int) -> None:
    assert meaning_of_server_error(code, "", statement=COMMIT, statements=STATEMENTS) is Meaning.UNCERTAIN


@pytest.mark.parametrize("statement", [0, 1])
@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (1062, Meaning.DUPLICATE),
        (4688, Meaning.NOT_PRIMARY),
        (4109, Meaning.NOT_PRIMARY),
        (1290, Meaning.NOT_PRIMARY),
        (1969, Meaning.RETRY),
        (4023, Meaning.RETRY),
        (5627, Meaning.RETRY),
        (1205, Meaning.RETRY),
        (1213, Meaning.RETRY),
        (4012, Meaning.RETRY),
        (6002, Meaning.RETRY),
        (1064, Meaning.REFUSED),
        (1142, Meaning.REFUSED),
        (3819, Meaning.REFUSED),
    ],
)
def test_an_error_before_commit_is_definite(code: int, meaning: Meaning, statement: int) -> None:
    assert meaning_of_server_error(code, "", statement=statement, statements=STATEMENTS) is meaning


@pytest.mark.parametrize(
    ("detail", "meaning"),
    [
        ("Column 'epoch' cannot be null", Meaning.OTHER_EPOCH),
        ("Column 'kind' cannot be null", Meaning.REFUSED),
    ],
)
def test_a_null_epoch_is_told_from_other_nulls(detail: str, meaning: Meaning) -> None:
    assert meaning_of_server_error(1048, detail, statement=1, statements=STATEMENTS) is meaning


def test_a_lost_connection_is_uncertain_only_once_something_was_sent() -> None:
    assert meaning_of_lost_connection(sent=False) is Meaning.NOT_SENT
    assert meaning_of_lost_connection(sent=True) is Meaning.UNCERTAIN
