"""The components of each role, in the order of their deploy."""

import os

from pyinfra import logger
from pyinfra.api.exceptions import PyinfraError
from pyinfra.context import host, state

from deploys import certificates, connection, summary
from deploys.baseline import baseline, firewall_and_time
from deploys.depot_client import depot_client
from deploys.failover import failover
from deploys.gateway import gateway, gateway_ready
from deploys.load_generator import load_generator
from deploys.loan_services import loan_services, loan_services_ready
from deploys.mariadb import component as mariadb
from deploys.monitoring import node_exporter, prometheus
from deploys.oceanbase.component import oceanbase, oceanbase_standby
from deploys.operations import architecture
from deploys.operations.turns import turn
from deploys.specs.artifact import ArtifactError
from deploys.specs.baseline import baseline_spec
from deploys.specs.depot_client import SigningKeyError, depot_client_spec
from deploys.specs.failover import FailoverSpec, failover_spec
from deploys.specs.gateway import GatewaySpec, gateway_spec
from deploys.specs.load_generator import load_generator_spec
from deploys.specs.loan_services import loan_services_spec
from deploys.specs.mariadb import mariadb_spec
from deploys.specs.monitoring import monitoring_spec
from deploys.specs.oceanbase import oceanbase_spec
from deploys.specs.sql_proxy import sql_proxy_spec
from deploys.specs.store import LOOPBACK, StoreSpec, store_spec
from deploys.specs.tongweb import tongweb_spec
from deploys.specs.virtual_addresses import virtual_addresses_spec
from deploys.sql_proxy import sql_proxy
from deploys.store import store
from deploys.tongweb import tongweb
from deploys.virtual_addresses import virtual_addresses
from inventory import InventoryError, environment
from inventory import secrets as secrets_file
from inventory.model import Environment, Host, Role
from inventory.peer import DatabaseKind
from inventory.secrets import Secrets, SecretsError

COMPONENTS = (
    "baseline",
    "depot_client",
    "store",
    "failover",
    "oceanbase",
    "mariadb",
    "loan_services",
    "tongweb",
    "gateway",
    "monitoring",
    "load_generator",
)
DEPLOYED_ROLES = (
    Role.GATEWAY,
    Role.TONGWEB,
    Role.LOAN,
    Role.OCEANBASE,
    Role.MONITOR,
    Role.ARBITER,
    Role.LOADGEN,
)
"""Roles that have a component; for other roles, the deploy prints a message and does nothing."""


class DeployError(PyinfraError, ValueError):
    """The site cannot be deployed as asked: inventory, secrets, artifacts or `only` are wrong."""


def converge_host() -> None:
    """Register every operation of the current host.

    Raises:
        DeployError: the site cannot be deployed as asked; nothing was changed.
    """
    only = host.data.get("only")
    if only is not None and only not in COMPONENTS:
        raise DeployError(f"only={only!r}: no such component; allowed: {', '.join(COMPONENTS)}")
    serving = host.data.get("database") or DatabaseKind.OCEANBASE
    if serving not in tuple(DatabaseKind):
        raise DeployError(f"database={serving!r}: no such database; allowed: {', '.join(DatabaseKind)}")
    connection.notice_death_of(host)
    summary.attach(state, os.environ.get(summary.ENVIRONMENT_VARIABLE))
    try:
        env = environment(host.data.get("environment"))
        this = env.host(host.name)
        chosen = COMPONENTS if only is None else (only,)
        _register(env, this, chosen=chosen, serving=DatabaseKind(serving))
    except (InventoryError, ArtifactError, SecretsError, SigningKeyError, FileNotFoundError) as wrong:
        raise DeployError(str(wrong)) from wrong
    for role in this.roles:
        if role not in DEPLOYED_ROLES:
            host.log_styled(
                f"NOT DEPLOYED: role '{role}' has no component yet; only the baseline is converged here",
                fg="yellow",
                log_func=logger.warning,
            )


def _register(env: Environment, this: Host, chosen: tuple[str, ...], serving: DatabaseKind) -> None:
    secrets = secrets_file.load(env.secrets_file)
    baseline_of, monitoring_of = baseline_spec(env, this, serving=serving), monitoring_spec(env, this)
    is_compared = serving is DatabaseKind.MARIADB
    architecture.fits(name="Make sure that the host is of the inventory's architecture", arch=this.arch)
    if "baseline" in chosen:
        baseline(spec=baseline_of)
    if "depot_client" in chosen:
        depot_client(spec=depot_client_spec(env, this))
    if "baseline" in chosen:
        firewall_and_time(spec=baseline_of)
    if "monitoring" in chosen:
        node_exporter(spec=monitoring_of)

    if "load_generator" in chosen and this.has(Role.LOADGEN):
        authority = certificates.authority_certificate(env.ca_dir, now=certificates.utc_now())
        load_generator(spec=load_generator_spec(env, this, authority=authority))
    if "store" in chosen and this.has(Role.ARBITER):
        store(spec=store_spec_of(env, this, secrets))
    turn(name="The store keeps who leads: on to the databases")
    has_mariadb = "mariadb" in chosen and this.has(Role.OCEANBASE)
    if has_mariadb and not is_compared:
        mariadb.stopped(spec=mariadb_spec(env, this, secrets))
    if "failover" in chosen and this.has(Role.OCEANBASE) and not is_compared:
        failover(spec=failover_spec_of(env, this, secrets))

    has_database = "oceanbase" in chosen and this.has(Role.OCEANBASE) and not is_compared
    if has_database:
        oceanbase(spec=oceanbase_spec(env, this, secrets))
    if has_mariadb and is_compared:
        mariadb.in_place_of_oceanbase(spec=mariadb_spec(env, this, secrets))
    turn(name="The primary serves: on to what stands on it")

    has_loan = "loan_services" in chosen and this.has(Role.LOAN)
    if has_loan:
        loan_services(spec=loan_services_spec(env, this, secrets, serving=serving))
    if "tongweb" in chosen and this.has(Role.TONGWEB):
        sql_proxy(spec=sql_proxy_spec(env, this))
        tongweb(spec=tongweb_spec(env, this, secrets))
    has_gateway = "gateway" in chosen and this.has(Role.GATEWAY)
    if has_gateway:
        gateway(spec=_gateway_spec(env, this))
    if has_gateway and env.gateway.virtual_addresses:
        virtual_addresses(spec=virtual_addresses_spec(env, this))
    if "monitoring" in chosen and this.has(Role.MONITOR):
        prometheus(spec=monitoring_of)
    turn(name="Everything is started: on to the standby, and to whether all is well")

    if has_database:
        oceanbase_standby(spec=oceanbase_spec(env, this, secrets))
    if has_loan:
        loan_services_ready(spec=loan_services_spec(env, this, secrets, serving=serving))
    if has_gateway:
        gateway_ready(spec=_gateway_spec(env, this))


def _gateway_spec(env: Environment, this: Host) -> GatewaySpec:
    assert this.dmz_address is not None, "the inventory's validation asks for it"
    issued = certificates.gateway_certificate(
        env.ca_dir,
        host_name=this.name,
        server_name=env.gateway.server_name,
        addresses=(this.dmz_address, *env.gateway.virtual_addresses),
        now=certificates.utc_now(),
    )
    return gateway_spec(
        env,
        this,
        authority=issued.authority,
        certificate=issued.certificate,
        private_key=issued.private_key,
    )


def store_spec_of(env: Environment, this: Host, secrets: Secrets) -> StoreSpec:
    """Return the store's member on `this` host, with a certificate that fits."""
    issued = certificates.store_certificate(
        env.ca_dir,
        host_name=this.name,
        addresses=(this.address, LOOPBACK),
        now=certificates.utc_now(),
    )
    return store_spec(
        env,
        this,
        secrets,
        authority=issued.authority,
        certificate=issued.certificate,
        private_key=issued.private_key,
    )


def failover_spec_of(env: Environment, this: Host, secrets: Secrets) -> FailoverSpec:
    """Return the failover agent of `this` host, with the authority that it trusts."""
    authority = certificates.authority_certificate(env.ca_dir, now=certificates.utc_now())
    return failover_spec(env, this, secrets, authority=authority)
