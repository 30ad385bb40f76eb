"""Whatever an enemy writes where a number belongs is refused, and never run."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hosttools.errors import ToolError
from hosttools.numbers import LARGEST, whole_number

HOSTILE = (
    "a[$(touch /tmp/loanstack-injected)0]",
    "$(id)",
    "`id`",
    "1; id",
    "1\n2",
    "-1",
    "+1",
    "0x10",
    "1e3",
    "1_000",
    "٣",
    "²",
    "",
    " ",
    "\0",
    "NULL",
    str(LARGEST + 1),
    "9" * 5000,
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_is_no_number_is_refused_in_one_short_line(text: str) -> None:
    with pytest.raises(ToolError, match=r"^position is .*; allowed: a whole number of at most") as refused:
        whole_number(text, "position")
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()


@given(st.integers(min_value=0, max_value=LARGEST))
@example(LARGEST)
def test_a_number_is_itself_with_spaces_around(number: int) -> None:
    assert whole_number(f" {number}\n", "position") == number


@given(st.text())
def test_any_text_is_a_number_or_refused(text: str) -> None:
    try:
        found = whole_number(text, "position")
    except ToolError:
        return
    assert str(found) == text.strip().lstrip("0") or found == 0


def test_the_limit_is_that_of_the_caller() -> None:
    assert whole_number("100", "percentage", at_most=100) == 100
    with pytest.raises(ToolError, match="at most 100"):
        whole_number("101", "percentage", at_most=100)
