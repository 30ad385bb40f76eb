"""Cuts of the network between centres, at the router: silent, named, and each mended by its name.

A cut is an nftables table of its own in the router's namespace. The management network does not pass the
router, so no cut touches it; neither does what stays within one centre, nor the DMZ.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from inventory.model import Environment
from lab import dead_man
from lab.commands import run
from lab.network import ROUTER

_TABLE = "loanstack_cut_"
_DEADLINE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Cut:
    """One cut that can be made."""

    name: str
    title: str
    rules: tuple[str, ...]
    """What the router drops, in nftables' words."""

    @property
    def table(self) -> str:
        """Name of its table; nftables wants no hyphens."""
        return _TABLE + self.name.replace("-", "_")


def cuts_of(environment: Environment) -> dict[str, Cut]:
    """Return every cut of `environment` by its name.

    `centre-a` cuts centre a off; `a-to-b` drops what a sends to b, so that a still hears b.
    """
    centres = [centre.name for centre in environment.centres]
    whole = [
        Cut(
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
        Cut(
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


def ruleset(cut: Cut) -> str:
    """Return the input of `nft -f` that makes `cut`, also where it was made already."""
    table = f"table inet {cut.table}"
    chain = ("type filter hook forward priority -10; policy accept;", *cut.rules)
    lines = (table, f"delete {table}", f"{table} {{", "chain forward {", *chain, "}", "}")
    return "".join(f"{line}\n" for line in lines)


def make(cut: Cut, *, for_s: float | None = None) -> None:
    """Make `cut`.

    + for_s: after so many seconds it is mended by itself; None: only when somebody does
    """
    dead_man.cancel(cut.name)
    if for_s is not None:
        # First: should this very process end right after the cut, it is mended all the same.
        dead_man.set_timer(cut.name, _in_router("delete", "table", "inet", cut.table), after_s=for_s)
    run(_in_router("-f", "-"), doing=f"cut {cut.name}", deadline_s=_DEADLINE_S, stdin=ruleset(cut))


def mend(cut: Cut) -> None:
    """Mend `cut`; does nothing if it is not made."""
    dead_man.cancel(cut.name)
    if cut.table in _tables():
        run(
            _in_router("delete", "table", "inet", cut.table),
            doing=f"mend {cut.name}",
            deadline_s=_DEADLINE_S,
        )


def made(known: Iterable[Cut]) -> tuple[Cut, ...]:
    """Return which of `known` are made right now."""
    tables = _tables()
    return tuple(cut for cut in known if cut.table in tables)


def _tables() -> frozenset[str]:
    listing = run(_in_router("list", "tables"), doing="list the router's tables", deadline_s=_DEADLINE_S)
    return frozenset(line.split()[-1] for line in listing.splitlines() if line.strip())


def _in_router(*arguments: str) -> list[str]:
    return ["ip", "netns", "exec", ROUTER, "nft", *arguments]
