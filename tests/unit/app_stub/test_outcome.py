"""What a failure says about the write."""

import pytest

from app_stub.outcome import FailureKind, failure_kind_of_lost_connection, failure_kind_of_server_error

STATEMENTS = 3
COMMIT = 2


@pytest.mark.parametrize("code", [1062, 4012, 4688, 6002, 1064, 1])
def test_any_error_at_commit_is_uncertain(code: int) -> None:
    assert (
        failure_kind_of_server_error(code, "", statement=COMMIT, statements=STATEMENTS)
        is FailureKind.UNCERTAIN
    )


@pytest.mark.parametrize("statement", [0, 1])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1062, FailureKind.DUPLICATE),
        (4688, FailureKind.NOT_PRIMARY),
        (4109, FailureKind.NOT_PRIMARY),
        (1290, FailureKind.NOT_PRIMARY),
        (1969, FailureKind.RETRY),
        (4023, FailureKind.RETRY),
        (5627, FailureKind.RETRY),
        (1205, FailureKind.RETRY),
        (1213, FailureKind.RETRY),
        (4012, FailureKind.RETRY),
        (6002, FailureKind.RETRY),
        (1064, FailureKind.REFUSED),
        (1142, FailureKind.REFUSED),
        (3819, FailureKind.REFUSED),
    ],
)
def test_an_error_before_commit_is_definite(code: int, kind: FailureKind, statement: int) -> None:
    assert failure_kind_of_server_error(code, "", statement=statement, statements=STATEMENTS) is kind


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ("Column 'epoch' cannot be null", FailureKind.OTHER_EPOCH),
        ("Column 'kind' cannot be null", FailureKind.REFUSED),
    ],
)
def test_a_null_epoch_is_told_from_other_nulls(detail: str, kind: FailureKind) -> None:
    assert failure_kind_of_server_error(1048, detail, statement=1, statements=STATEMENTS) is kind


def test_a_lost_connection_is_uncertain_only_once_something_was_sent() -> None:
    assert failure_kind_of_lost_connection(sent=False) is FailureKind.NOT_SENT
    assert failure_kind_of_lost_connection(sent=True) is FailureKind.UNCERTAIN
