"""Freezes a host: all its processes stop, as on a server that hangs."""

from lab import cgroups, failsafe


def freeze(host: str, *, for_s: float | None) -> None:
    """Freeze every process of `host`.

    + for_s: seconds after which a timer thaws it; None: no timer

    Raises:
        LabError: this kernel cannot freeze it.
    """
    failsafe.cancel(_timer(host))
    if for_s is not None:
        # The timer comes first, so that the host is thawed even if this process ends right after the freeze.
        thaw_it = f"echo 0 > {cgroups.freezer_of(host)}"
        failsafe.set_timer(_timer(host), ["/bin/sh", "-c", thaw_it], after_s=for_s)
    cgroups.freeze(host)


def thaw(host: str) -> None:
    """Thaw `host`; does nothing if it is not frozen, or is off."""
    failsafe.cancel(_timer(host))
    cgroups.thaw(host)


def _timer(host: str) -> str:
    return f"frozen-{host}"
