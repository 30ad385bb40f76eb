"""Partitions of the network between centres: `lab net cut` makes one, and packets are dropped silently.

Each partition has a name, and is a separate nftables table in the router's namespace. It never touches the
management network, the DMZ, or traffic within one centre, because these do not pass the router.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.model import Environment
from lab import failsafe
from lab.commands import run
from lab.network import ROUTER

_TABLE = "loanstack_cut_"
_DEADLINE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Partition:
    """One partition that can be made."""

    name: str
    title: str
    rules: tuple[str, ...]
    """Packets that the router drops, as nftables rules."""

    @property
    def table(self) -> str:
        """Name of its table; nftables allows no hyphens."""
        return _TABLE + self.name.replace("-", "_")


def partitions_of(environment: Environment) -> dict[str, Partition]:
    """Return every cut of `environment` by its name.

    `centre-a` cuts centre a off; `a-to-b` drops packets from a to b only, so that a still receives from b.
    """
    centres = [centre.name for centre in environment.centres]
    whole = [
        Partition(
            name=f"centre-{name}",
            title=f"centre {name} is cut off",
            rules=tuple(
                f'{here} "{segment_of(name)}" {there} != "{segment_of(name)}" drop'
                for here, there in (("iifname", "oifname"), ("oifname", "iifname"))
            ),
        )
        for name in centres
    ]
    one_way = [
        Partition(
            name=f"{sender}-to-{receiver}",
            title=f"{receiver} does not hear {sender}",
            rules=(f'iifname "{segment_of(sender)}" oifname "{segment_of(receiver)}" drop',),
        )
        for sender in centres
        for receiver in centres
        if sender != receiver
    ]
    return {cut.name: cut for cut in (*whole, *one_way)}


def segment_of(centre: str) -> str:
    """Return the router's interface in a centre."""
    return f"seg-{centre}"


def ruleset(cut: Partition) -> str:
    """Return the input of `nft -f` that makes `cut`, even if it was already made."""
    table = f"table inet {cut.table}"
    chain = ("type filter hook forward priority -10; policy accept;", *cut.rules)
    lines = (table, f"delete {table}", f"{table} {{", "chain forward {", *chain, "}", "}")
    return "".join(f"{line}\n" for line in lines)


def make(cut: Partition, *, for_s: float | None = None) -> None:
    """Make `cut`.

    + for_s: seconds after which a timer mends it; None: no timer
    """
    failsafe.cancel(cut.name)
    if for_s is not None:
        # The timer comes first, so that the cut is mended even if this process ends right after the cut.
        failsafe.set_timer(cut.name, _in_router("delete", "table", "inet", cut.table), after_s=for_s)
    run(_in_router("-f", "-"), doing=f"cut {cut.name}", deadline_s=_DEADLINE_S, stdin=ruleset(cut))


def mend(cut: Partition) -> None:
    """Mend `cut`; does nothing if it was not made."""
    failsafe.cancel(cut.name)
    if cut.table in _tables():
        run(
            _in_router("delete", "table", "inet", cut.table),
            doing=f"mend {cut.name}",
            deadline_s=_DEADLINE_S,
        )


def made(known: Iterable[Partition]) -> tuple[Partition, ...]:
    """Return those of the `known` cuts that are currently made."""
    tables = _tables()
    return tuple(cut for cut in known if cut.table in tables)


def _tables() -> frozenset[str]:
    listing = run(_in_router("list", "tables"), doing="list the router's tables", deadline_s=_DEADLINE_S)
    return frozenset(line.split()[-1] for line in listing.splitlines() if line.strip())


def _in_router(*arguments: str) -> list[str]:
    return ["ip", "netns", "exec", ROUTER, "nft", *arguments]
