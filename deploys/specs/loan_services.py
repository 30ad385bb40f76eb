"""The loan services of one host."""

from dataclasses import dataclass, field

from deploys.specs.artifact import artifact_for
from inventory.availability import Failover
from inventory.model import Artifact, Environment, Host, LoanServices, Role
from inventory.secrets import Secrets


@dataclass(frozen=True, kw_only=True)
class LoanServicesSpec:
    """One loan host."""

    artifact: Artifact
    address: str
    """What the services listen on: the segment, not the management network."""
    services: LoanServices
    endpoints: tuple[str, ...]
    """ip:port of every database that may lead; the services find the primary among them."""
    agents: tuple[str, ...]
    """ip:port of the failover agent beside each of them, which knows who leads."""
    failover: Failover
    schema: str
    app_password: str = field(repr=False)
    owner_password: str = field(repr=False)

    folder: str = "/opt/loanstack/loan"
    user: str = "loan"
    unit: str = "loanstack-loan.service"


def loan_services_spec(env: Environment, host: Host, secrets: Secrets) -> LoanServicesSpec:
    """Return the loan services of `host`."""
    # The database of the same centre first: it is the nearer one to ask.
    databases = sorted(env.hosts_with(Role.OCEANBASE), key=lambda h: h.centre != host.centre)
    # One that never leads is none to write to, and what it has makes no write safe.
    leaders = [h for h in databases if h.may_lead]
    return LoanServicesSpec(
        artifact=artifact_for(env, host, "loan-services"),
        address=host.address,
        services=env.loan,
        endpoints=tuple(f"{h.address}:{env.database.sql_port}" for h in leaders),
        agents=tuple(f"{h.address}:{env.failover.agent_port}" for h in leaders),
        failover=env.failover,
        schema=env.database.schema,
        app_password=secrets.loan_app_password,
        owner_password=secrets.loan_owner_password,
    )
