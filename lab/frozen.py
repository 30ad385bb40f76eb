"""Freezing a host: all its processes stop where they stand, as those of a server that hangs."""

from lab import cgroups, dead_man


def freeze(host: str, *, for_s: float | None) -> None:
    """Stop every process of `host`.

    + for_s: after so many seconds it is thawed by itself; None: only when somebody does

    Raises:
        LabError: this kernel cannot freeze it.
    """
    dead_man.cancel(_timer(host))
    if for_s is not None:
        # First: should this very process end right after the freeze, the host is thawed all the same.
        thaw_it = f"echo 0 > {cgroups.freezer_of(host)}"
        dead_man.set_timer(_timer(host), ["/bin/sh", "-c", thaw_it], after_s=for_s)
    cgroups.freeze(host)


def thaw(host: str) -> None:
    """Let `host` go on; does nothing if it does, or is off."""
    dead_man.cancel(_timer(host))
    cgroups.thaw(host)


def _timer(host: str) -> str:
    return f"frozen-{host}"
