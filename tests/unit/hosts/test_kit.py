"""A host test that fails says which host, what was expected and what was found."""

import pytest

from tests.hosts.kit import difference
from tests.unit.hosts.fake_host import fake


def test_a_command_that_must_succeed_and_fails_is_told_with_its_host() -> None:
    machine, _ = fake("gw-a", {"nginx -t": (1, "")})
    with pytest.raises(AssertionError) as failed:
        machine.run("nginx -t")
    assert str(failed.value) == "gw-a: nginx -t: expected success, found status 1: its last words"


def test_a_command_that_must_be_refused_and_is_not_is_told_with_its_host() -> None:
    machine, _ = fake("ob-a", {"loanstack-db bootstrap": (0, "done")})
    with pytest.raises(
        AssertionError, match="ob-a: loanstack-db bootstrap: expected a refusal, found success: done"
    ):
        machine.fails("loanstack-db bootstrap")


def test_arguments_are_quoted_and_stdin_is_in_no_command_and_no_failure() -> None:
    machine, answers = fake("ob-a", {"find 'a b; reboot'": (1, "")})
    with pytest.raises(AssertionError) as failed:
        machine.run("find %s", "a b; reboot", stdin="password")
    assert answers.asked == [("find 'a b; reboot'", "password")]
    assert "password" not in str(failed.value)


@pytest.mark.parametrize(
    ("found", "wanted", "told"),
    [
        ("a", "b", "expected 'b', found 'a'"),
        ([1], [], "expected [], found [1]"),
        (
            {"same": 1, "other": 2, "more": 3},
            {"same": 1, "other": 4, "less": 5},
            "other: expected 4, found 2; less: expected 5, found nothing; more: expected nothing, found 3",
        ),
        ({"a": None}, {}, "a: expected nothing, found None"),
        ({1, 2}, {2, 3}, "expected and not found: 3; found and not expected: 1"),
        ({("tcp", 80)}, set(), "found and not expected: ('tcp', 80)"),
    ],
)
def test_a_difference_is_told_in_one_line_without_what_is_alike(
    found: object, wanted: object, told: str
) -> None:
    machine, _ = fake("mon-c", {})
    assert difference(found, wanted) == told
    with pytest.raises(AssertionError) as failed:
        machine.expect("a subject", found=found, wanted=wanted)
    assert str(failed.value) == f"mon-c: a subject: {told}"


def test_what_is_as_wanted_passes() -> None:
    machine, _ = fake("mon-c", {})
    machine.expect("a subject", found={"a": 1}, wanted={"a": 1})
