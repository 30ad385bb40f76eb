"""The loan services: bundle with its own runtime, unit, environment, readiness."""

from pyinfra.api.deploy import deploy

from deploys import rotation
from deploys.component import HostContext
from deploys.content import AUTHORITY, ConfigFile, render
from deploys.facts.artifacts import HASH_FILE
from deploys.loan_services.spec import (
    ENVIRONMENT,
    OWNER_ENVIRONMENT,
    RUN_DIR,
    LoanServicesSpec,
    loan_services_spec,
)
from deploys.operations import artifacts, files, health, services, users

READY_DEADLINE_S = 60


def spec_of(context: HostContext) -> LoanServicesSpec:
    """Return the loan services of the host of `context`, with the database that serves."""
    return loan_services_spec(context.env, context.host, context.secrets, database_kind=context.database_kind)


def files_of(spec: LoanServicesSpec) -> tuple[ConfigFile, ...]:
    """Return the unit, the two environment files, and the files of the rotation tool."""
    return (
        *rotation.files_of((spec.rotation,)),
        ConfigFile(
            path=ENVIRONMENT,
            content=render(
                "loan_services/loan.env.j2",
                address=spec.address,
                services=spec.services,
                database_kind=spec.database_kind,
                endpoints=spec.endpoints,
                agents=spec.agents,
                agent_key=spec.agent_key,
                durability=spec.durability,
                failover=spec.failover,
                schema=spec.schema,
                ca_file=AUTHORITY if spec.tls else None,
                password=spec.app_password,
                run_dir=RUN_DIR,
            ),
            mode=0o600,
            secret=True,
        ),
        # A separate file: only the seeder reads the owner's password, the running services do not need it.
        ConfigFile(
            path=OWNER_ENVIRONMENT,
            content=render(
                "loan_services/loan-owner.env.j2",
                database_kind=spec.database_kind,
                endpoints=spec.endpoints,
                schema=spec.schema,
                ca_file=AUTHORITY if spec.tls else None,
                password=spec.owner_password,
            ),
            mode=0o600,
            secret=True,
        ),
        ConfigFile(
            path=f"/etc/systemd/system/{spec.unit}",
            content=render(
                "loan_services/loanstack-loan.service.j2",
                user=spec.user,
                folder=spec.folder,
                run_dir=RUN_DIR,
                grace_s=spec.services.shutdown_grace_s,
            ),
        ),
    )


@deploy("Loan services")
def loan_services(spec: LoanServicesSpec) -> None:
    """Converge the loan services of one host.

    + spec: artifact, addresses and settings of this host
    """
    users.without_login(name="Know the services' user", user=spec.user, home=spec.folder)
    unpacked = artifacts.bundle_installed("Install the loan services", spec.artifact, spec.folder)
    written = files.converge(name="Write unit and environment", files=files_of(spec))
    services.service_running(
        name="Keep the loan services running",
        unit=spec.unit,
        restart_after=(ENVIRONMENT, f"/etc/systemd/system/{spec.unit}", f"{spec.folder}/current/{HASH_FILE}"),
        serves=health.until_it_answers(_ready_url(spec), READY_DEADLINE_S, spec.unit),
        written=(unpacked, written),
        _serial=True,
    )


@deploy("Loan services' readiness")
def loan_services_ready(spec: LoanServicesSpec) -> None:
    """Wait until the services have found the primary.

    + spec: artifact, addresses and settings of this host
    """
    health.answers(
        name="Wait for the loan services to be ready",
        url=_ready_url(spec),
        deadline_s=READY_DEADLINE_S,
        unit=spec.unit,
    )


def _ready_url(spec: LoanServicesSpec) -> str:
    return f"http://{spec.address}:{spec.services.port}/readyz"
