"""Units of the components, as figures name them: without their suffix. Pure."""

from deploys.etcd import spec as etcd
from deploys.failover import spec as failover
from deploys.gateway import spec as gateway
from deploys.loan_services import spec as loan_services
from deploys.mariadb import spec as mariadb
from deploys.tongweb import spec as tongweb


def _name(unit: str) -> str:
    return unit.removesuffix(".service")


GATEWAY = _name(gateway.UNIT)
PORTAL = _name(tongweb.UNIT)
LOAN_SERVICES = _name(loan_services.UNIT)
OCEANBASE = _name(failover.DATABASE_UNIT)
MARIADB = _name(mariadb.UNIT)
AGENT = _name(failover.AGENT_UNIT)
ETCD = _name(etcd.UNIT)
