"""How a host installs from the offline depot."""

from dataclasses import dataclass
from pathlib import Path

from inventory.model import Environment, Host

REPOSITORY = "loanstack-depot"


class SigningKeyError(LookupError):
    """The depot's signing key is not on the control machine."""


@dataclass(frozen=True, kw_only=True)
class DepotClientSpec:
    """The depot client of one host."""

    url: str
    signing_key: str
    """Armoured public key, from the control machine: a key from the depot itself would prove nothing."""
    authority: str | None
    """PEM certificate of the authority that signed the depot's; None: one that the host's system trusts."""
    packages: tuple[str, ...]
    vendor_repositories: tuple[str, ...]
    """Repository files of Kylin; they point to the internet, which a bank's host cannot reach."""
    repository: str = REPOSITORY


def depot_client_spec(
    env: Environment, host: Host, *, packages: tuple[str, ...], authority: str | None
) -> DepotClientSpec:
    """Return the depot client of `host`.

    + packages: what the components of the host need
    + authority: PEM certificate of the depot's authority; None: one that the host's system trusts

    Raises:
        SigningKeyError: the key is not where the depot's copy on the control machine is.
    """
    return DepotClientSpec(
        url=env.depot.url,
        signing_key=_signing_key(env).read_text(),
        authority=authority,
        packages=packages,
        vendor_repositories=(f"/etc/yum.repos.d/kylin_{host.arch}.repo",),
    )


def _signing_key(env: Environment) -> Path:
    sums_file = env.depot.sums_file
    places = [] if sums_file is None else [f / env.depot.gpg_key_file for f in sums_file.parents[:2]]
    for place in places:
        if place.is_file():
            return place
    looked = " and ".join(str(place) for place in places) or "nowhere: depot.sums_file is None"
    raise SigningKeyError(
        f"{env.name}: the depot's key {env.depot.gpg_key_file} is missing; looked at {looked}"
    )
