"""Any look of an agent, also such as hardly can be: an ordinary one with some things changed."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from failover.core.observed import (
    FenceReport,
    FenceState,
    Guarantee,
    Lease,
    Observed,
    Peer,
    Phase,
    Process,
    RequestKind,
    Role,
    Task,
    TaskKind,
    Unfenced,
    UnprotectedMode,
)
from tests.unit.failover.looks import (
    AT,
    NOTHING,
    NOW,
    S,
    claimed,
    claimer_look,
    dead,
    down,
    leader_look,
    look,
    member,
    primary,
    record,
    request,
    standby,
    view,
)

Change = Callable[[Observed], Observed]

AGES_MS = (0, 399, 400, 1199, 1200, 1999, 2000, 2999, 3000, 3999, 4000, 5000, 9999, 10_000, 60_000)
ROLES = (None, Role.PRIMARY, Role.STANDBY)
EPOCHS = (0, 2, 3, 4, 5, 6)
POSITIONS = (0, AT, AT - 1, AT - 5 * S, AT - 6 * S, AT - 7200 * S)

BASES = (
    look(),
    look(etcd=dead()),
    look(etcd=dead(lease_alive=False, lease_gone_ms=400)),
    look(etcd=view(record(phase=Phase.FENCED))),
    look(etcd=view(record(phase=Phase.HANDED, to="b", final_scn=AT)), database=standby(scn=AT)),
    look(etcd=NOTHING),
    look(etcd=view(claimed(host="c"))),
    leader_look(),
    leader_look(etcd=view(record(phase=Phase.HANDOVER, to="b", unchanged_ms=100))),
    leader_look(etcd=NOTHING),
    leader_look(etcd=view(record(phase=Phase.FENCED)), database=down(Role.PRIMARY), lease=None),
    claimer_look(),
    claimer_look(etcd=view(claimed(unfenced=()))),
    claimer_look(etcd=view(claimed(unfenced=(), primary="b")), database=down(Role.PRIMARY)),
    claimer_look(etcd=view(claimed(primary="b", timeline=5)), database=primary(timeline=5)),
)

FIELDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "look": {
        "candidate": (False,),
        "etcd": (None,),
        "lease": (
            None,
            *(Lease(epoch=e, renewed_at_ms=NOW - ms) for e in (4, 5) for ms in (100, 1999, 2000)),
        ),
        "task": tuple(Task(kind=kind, started_ago_ms=ms) for kind in TaskKind for ms in (10, 6000)),
        "fence_device": tuple((FenceReport(host=h, state=s),) for h in "abc" for s in FenceState),
        "lock_acquired_at_ms": (None, NOW - 3999, NOW - 4000),
        "fenced_epoch": EPOCHS,
        "unfollowed_ms": AGES_MS,
        "unprotected_reported_ago_ms": AGES_MS,
        "rejoined_ago_ms": (None, 9999, 10_000),
        "peers": (
            (),
            *(
                (Peer(host=h, sql_silent_ms=sql, agent_silent_ms=agent, reported_fenced_epoch=e),)
                for h in "ac"
                for sql in (0, 5000)
                for agent in (0, 5000)
                for e in (0, 4, 5)
            ),
        ),
    },
    "database": {
        "process": tuple(Process),
        "role": ROLES,
        "recorded_role": ROLES,
        "scn": POSITIONS,
        "silent_ms": (1999, 2000),
        "drained": (True, False),
        "recorded_epoch": EPOCHS,
        "timeline": (None, *EPOCHS),
        "follows": (None, "c"),
        "cannot_follow": (True,),
        "started_ago_ms": (None, 2999),
    },
    "etcd": {
        "answered_ago_ms": (900, 901, 6000),
        "leadership": (None,),
        "lease_alive": (True, False),
        "lease_gone_ms": AGES_MS,
        "members": ((), (member("a"),), (member("a"), member("b"), member("c"))),
        "request": tuple(
            request(kind, host, force=force, accept_loss=force, unchanged_ms=ms)
            for kind in RequestKind
            for host in "abz"
            for force in (False, True)
            for ms in (0, 6000)
        ),
        "paused": (True,),
        "last_automatic_ago_ms": (None, 9999, 10_000),
    },
    "leadership": {
        "host": ("a", "b", "c"),
        "epoch": EPOCHS[1:],
        "phase": tuple(Phase),
        "timeline": EPOCHS,
        "primary": ("a", "b", "c"),
        "guarantee": (None, *Guarantee),
        "final_scn": (None, *POSITIONS),
        "to": (None, "b", "c"),
        "unfenced": (
            (),
            *(
                (Unfenced(host=h, epoch=e, lease_over=o),)
                for h in "abc"
                for e in (2, 4)
                for o in (True, False)
            ),
            (Unfenced(host="a", epoch=4), Unfenced(host="c", epoch=2)),
        ),
        "powered_off": (("c",),),
        "accept_loss": (True,),
        "unprotected": tuple(UnprotectedMode),
        "catch_up_scn": (None, *POSITIONS),
        "unchanged_ms": AGES_MS,
    },
    "member": {
        "role": ROLES,
        "scn": POSITIONS,
        "recorded_role": ROLES,
        "timeline": (None, *EPOCHS),
        "fenced": EPOCHS,
        "candidate": (False,),
        "unchanged_ms": AGES_MS,
    },
}


def _changed(seen: Observed, part: str, field: str, value: Any, host: str) -> Observed:
    if part == "look":
        return replace(seen, **{field: value})
    if part == "database":
        return replace(seen, database=replace(seen.database, **{field: value}))
    etcd = seen.etcd
    if etcd is None:
        return seen
    if part == "etcd":
        return replace(seen, etcd=replace(etcd, **{field: value}))
    if part == "leadership" and etcd.leadership is not None:
        return replace(seen, etcd=replace(etcd, leadership=replace(etcd.leadership, **{field: value})))
    members = tuple(replace(m, **{field: value}) if m.host == host else m for m in etcd.members)
    return replace(seen, etcd=replace(etcd, members=members)) if part == "member" else seen


def _changes() -> Iterator[tuple[str, str, Any, str]]:
    for part, fields in FIELDS.items():
        for field, values in fields.items():
            for value in values:
                yield from ((part, field, value, host) for host in ("abc" if part == "member" else "-"))


def _by_field() -> st.SearchStrategy[tuple[str, str, Any, str]]:
    """Every field is as likely as any other, however many values it has."""
    groups: dict[tuple[str, str], list[tuple[str, str, Any, str]]] = {}
    for change in _changes():
        groups.setdefault(change[:2], []).append(change)
    return st.sampled_from(sorted(groups)).flatmap(lambda key: st.sampled_from(groups[key]))


def _apply(base: Observed, changes: list[tuple[str, str, Any, str]]) -> Observed:
    for change in changes:
        base = _changed(base, *change)
    return base


looks = st.builds(_apply, st.sampled_from(BASES), st.lists(_by_field(), max_size=7))
