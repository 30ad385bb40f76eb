"""The checkers of each kind of run."""

from proof.checkers.checker import Checker
from proof.checkers.contents import applications_have_their_status, standby_has_the_same
from proof.checkers.effects import (
    each_kind_served_at_the_end,
    each_operation_acknowledged,
    grants_opened_limits,
    limits_have_their_status,
)
from proof.checkers.ledger import (
    entities_apart,
    ledger_balances,
    no_overdrawn_limit,
    nothing_acknowledged_lost,
    nothing_doubled,
    nothing_invented,
    rejected_left_no_trace,
)
from proof.checkers.loss import lost_within_lag
from proof.checkers.reads import reads_were_possible
from proof.checkers.single_primary import one_primary_throughout

_ANY_HISTORY: tuple[Checker, ...] = (
    nothing_doubled,
    nothing_invented,
    ledger_balances,
    no_overdrawn_limit,
    entities_apart,
    rejected_left_no_trace,
    grants_opened_limits,
    limits_have_their_status,
    each_operation_acknowledged,
    each_kind_served_at_the_end,
    standby_has_the_same,
    applications_have_their_status,
    reads_were_possible,
)

LOAD: tuple[Checker, ...] = (nothing_acknowledged_lost, *_ANY_HISTORY)
"""Checkers of a load without a fault."""
NOTHING_LOST: tuple[Checker, ...] = (nothing_acknowledged_lost, one_primary_throughout, *_ANY_HISTORY)
"""Checkers of a drill that may lose no acknowledged write."""
TAIL_LOST: tuple[Checker, ...] = (lost_within_lag, one_primary_throughout, *_ANY_HISTORY)
"""Checkers of an unplanned failover, if writes are acknowledged before the standby has them."""
