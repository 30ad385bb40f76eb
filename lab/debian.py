"""The Debian 12 sources of this machine's apt, so that no mirror is named here."""

import re
from pathlib import Path

from lab.architecture import NATIVE
from lab.commands import run
from lab.errors import RefusedError

SUITE = "bookworm"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_WANTED_RELEASE = re.compile(rf"{SUITE}(-updates|-security)?")


def sources_from_targets(listing: str, architecture: str = NATIVE.debian) -> tuple[str, ...]:
    """Return `deb` lines for Debian 12's main archive from apt's own list of its targets.

    + listing: lines ``uri|release|component|architecture``, in the format that `sources` asks apt for
    + architecture: wanted architecture; each archive has all of Debian's
    """
    found = []
    for line in listing.splitlines():
        fields = line.split("|")
        if len(fields) != 4:
            continue
        uri, release, component, own = fields
        if component == "main" and own == NATIVE.debian and _WANTED_RELEASE.fullmatch(release):
            found.append(f"deb [arch={architecture} signed-by={KEYRING}] {uri} {release} {component}")
    return tuple(dict.fromkeys(found))


def sources(architecture: str = NATIVE.debian) -> tuple[str, ...]:
    """Return the `deb` lines that this machine's apt uses for Debian 12.

    + architecture: Debian's name of the wanted architecture

    Raises:
        RefusedError: apt has no source for Debian 12.
    """
    listing = run(
        [
            "apt-get",
            # Without this, apt leaves out sources whose lists it has not fetched yet.
            *("-o", "APT::Get::IndexTargets::ReleaseInfo=false"),
            "indextargets",
            "--format",
            "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ARCHITECTURE)",
            "Created-By: Packages",
        ],
        doing="ask apt for its sources",
        deadline_s=30,
    )
    lines = sources_from_targets(listing, architecture)
    if not lines:
        raise RefusedError(
            f"apt on this machine has no source for Debian 12 ({SUITE} main, {NATIVE.debian}), from which "
            "the lab's hosts are made; add Debian 12 to apt's sources and run apt-get update"
        )
    return lines
