"""What follows from the list of components: loops that know no component by its name. Pure.

| function | who uses it |
|---|---|
| `components_on` | `deploys.converge`, tests |
| `ingress_rules` | the firewall of the component `baseline` |
| `packages_for` | the component `depot_client` |
| `targets`, `rules` | the component `prometheus` |
| `certificates_on` | the component `certificate_ends` |
| `footprints` | all of these, and the tests of hosts |
"""

from collections.abc import Iterator

from deploys.baseline.spec import SSH_PORT, IngressRule
from deploys.component import Component, Footprint, Port
from deploys.components import COMPONENTS
from deploys.content import AUTHORITY
from deploys.prometheus.spec import Target
from inventory.database_kind import DatabaseKind
from inventory.model import Environment, Host

CHOICES = tuple(dict.fromkeys(component.choice for component in COMPONENTS))
"""Names on the command line (`--only`)."""
DEPLOYED_ROLES = frozenset(role for component in COMPONENTS for role in component.roles)
"""Roles that have a component; for other roles, the deploy prints a message and does nothing."""


def components_on(host: Host) -> Iterator[Component]:
    """Yield the components of `host`, in the order of the list."""
    return (component for component in COMPONENTS if component.is_on(host))


def footprints(env: Environment, host: Host) -> Iterator[Footprint]:
    """Yield what each component has on `host`."""
    return (component.footprint(env, host) for component in components_on(host))


def packages_for(env: Environment, host: Host) -> tuple[str, ...]:
    """Return every RPM that `host` needs, so that dnf runs once."""
    return tuple(sorted(name for found in footprints(env, host) for name in found.packages))


def certificates_on(env: Environment, host: Host) -> tuple[str, ...]:
    """Return the files on `host` with certificates that end: its own, and the authority's."""
    own = tuple(path for found in footprints(env, host) for path in found.certificate_files)
    return (*own, AUTHORITY) if own else ()


def ingress_rules(
    env: Environment, host: Host, *, database_kind: DatabaseKind = DatabaseKind.OCEANBASE
) -> tuple[IngressRule, ...]:
    """Return the ingress rules of `host`: SSH, by role, what every host has, then the extra ones.

    SSH is no component's: without it nothing could be deployed. Hosts reach each other through their
    centre's segment, so sources are segment addresses; the management network serves SSH and operators.

    + database_kind: the database that the services use
    """
    ssh = IngressRule(
        why="ssh from the management network",
        protocol="tcp",
        port=SSH_PORT,
        sources=(env.management_network,),
    )
    by_role_first = sorted(components_on(host), key=lambda component: not component.roles)
    ports = (port for component in by_role_first for port in component.footprint(env, host).ports)
    opened = (
        IngressRule(why=port.why, protocol=port.protocol, port=port.number, sources=_sources(env, host, port))
        for port in ports
        if port.only_with in (None, database_kind)
    )
    return (ssh, *(rule for rule in opened if rule.sources), *_extra(env, host))


def _extra(env: Environment, host: Host) -> Iterator[IngressRule]:
    for extra in env.extra_ingress_rules:
        if not extra.roles or set(extra.roles) & set(host.roles):
            yield IngressRule(why=extra.why, protocol=extra.protocol, port=extra.port, sources=extra.sources)


def _sources(env: Environment, host: Host, port: Port) -> tuple[str, ...]:
    others = (
        other.address for role in port.opened_to for other in env.hosts_with(role) if other.name != host.name
    )
    return (*others, *port.sources)


def targets(env: Environment) -> tuple[Target, ...]:
    """Return all that Prometheus scrapes: first what every host has, then by component."""
    on_every_host_first = sorted(COMPONENTS, key=lambda component: bool(component.roles))
    return tuple(
        Target(
            job=scrape.job,
            address=f"{host.address}:{scrape.port}",
            path=scrape.path,
            host=host.name,
            role=component.roles[0] if component.roles else host.roles[0],
            centre=host.centre,
        )
        for component in on_every_host_first
        for host in env.hosts
        if component.is_on(host)
        for scrape in component.footprint(env, host).scrapes
    )


def rules() -> tuple[tuple[str, str], ...]:
    """Return (component, template of its alerts) of all components that have alerts."""
    return tuple((component.name, component.rules) for component in COMPONENTS if component.rules is not None)
