"""Confidence interval of the probability that a probe passes, from k passes of n probes. Pure."""

import math
from collections.abc import Callable

CONFIDENCE = 0.95
_HALVINGS = 60


def interval(passed: int, valid: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the exact binomial confidence interval of the probability that a probe passes.

    Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the binomial",
    Biometrika 26 (1934): its coverage is never below the stated confidence, even for few probes.

    + passed, valid: of `valid` probes, at least one, `passed` passed
    """
    tail = (1.0 - confidence) / 2.0
    low = _root(lambda p: 1.0 - _at_most(passed - 1, valid, p) - tail) if passed else 0.0
    high = _root(lambda p: tail - _at_most(passed, valid, p)) if passed < valid else 1.0
    return low, high


def statement(passed: int, valid: int) -> str:
    """Return a sentence with the interval."""
    low, high = interval(passed, valid)
    return (
        f"{passed} of {valid} passed; {CONFIDENCE:.0%} Clopper-Pearson: a probe there passes with probability"
        f" {low:.2f} to {high:.2f}"
    )


def _at_most(most: int, valid: int, p: float) -> float:
    """Return the probability of at most `most` passes."""
    return math.fsum(math.comb(valid, k) * p**k * (1.0 - p) ** (valid - k) for k in range(most + 1))


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if rising(middle) > 0.0 else (middle, high)
    return (low + high) / 2.0
