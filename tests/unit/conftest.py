"""What all unit tests share."""

import tests.unhurried  # noqa: F401  (sets the pace of property tests)
