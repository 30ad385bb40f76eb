"""Numbers from outside: from a peer, a database, a service's file or the command line."""

from hosttools.errors import ToolError

LARGEST = 2**63 - 1
"""Largest number that any of these may be: END_SCN is a signed 64-bit integer."""
_SHOWN = 60


def whole_number(text: str, what: str, *, at_most: int = LARGEST) -> int:
    """Return the number that `text` is, if it is nothing but ASCII digits.

    + text: may have spaces and a newline around it
    + what: name of the value, for the message
    + at_most: largest number allowed

    Raises:
        ToolError: `text` is anything else, or larger.
    """
    digits = text.strip()
    # The length is checked before the conversion, which is slow for long texts.
    if digits.isascii() and digits.isdigit() and len(digits) <= len(str(at_most)):
        number = int(digits)
        if number <= at_most:
            return number
    raise ToolError(f"{what} is {shortened(text)}; allowed: a whole number of at most {at_most}")


def shortened(text: str) -> str:
    """Return `text` as one short printable line in quotes: it may come from an enemy."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")
