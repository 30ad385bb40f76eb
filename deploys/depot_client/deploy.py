"""The depot client: dnf installs signed packages, from the offline depot only."""

from pyinfra.api.deploy import deploy

from deploys import derived
from deploys.certificates import utc_now
from deploys.component import HostContext
from deploys.content import ConfigFile, render
from deploys.depot_client.spec import DepotClientSpec, depot_client_spec
from deploys.operations import files, packages
from deploys.trust import DEPOT_AUTHORITY, authority

REPOSITORY_FILE = "/etc/yum.repos.d/loanstack.repo"
KEY_FILE = "/etc/pki/rpm-gpg/RPM-GPG-KEY-loanstack"


def spec_of(context: HostContext) -> DepotClientSpec:
    """Return the depot client of the host of `context`, with the packages of all its components."""
    env, ca_file = context.env, context.env.depot.ca_file
    return depot_client_spec(
        env,
        context.host,
        packages=derived.packages_for(env, context.host),
        authority=None
        if ca_file is None
        else authority(ca_file, of=f"{env.name}: depot.ca_file", now=utc_now()),
    )


def files_of(spec: DepotClientSpec) -> tuple[ConfigFile, ...]:
    """Return the repository's definition, its packages' key, and the authority that checks the depot."""
    repository = render(
        "depot_client/loanstack.repo.j2",
        repository=spec.repository,
        url=spec.url,
        key=f"file://{KEY_FILE}",
        authority=None if spec.authority is None else DEPOT_AUTHORITY,
    )
    found = [
        ConfigFile(path=KEY_FILE, content=spec.signing_key),
        ConfigFile(path=REPOSITORY_FILE, content=repository),
    ]
    if spec.authority is not None:
        found.append(ConfigFile(path=DEPOT_AUTHORITY, content=spec.authority))
    return tuple(found)


@deploy("Depot client")
def depot_client(spec: DepotClientSpec) -> None:
    """Converge repository and packages of one host.

    + spec: the depot, and the packages of this host
    """
    files.converge(
        name="Know the depot and its key, and no other source",
        files=files_of(spec),
        absent=(*spec.vendor_repositories, *(() if spec.authority else (DEPOT_AUTHORITY,))),
    )
    packages.installed(
        name="Install this host's packages from the depot",
        names=spec.packages,
        repository=spec.repository,
    )
