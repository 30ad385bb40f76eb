"""The component in two turns: the primary first; the standby once the rest of the site stands.

A primary younger than about 15 s turns a standby away (-4023, after half a minute): the turn between them is
spent on the other components and not on waiting.
"""

from pyinfra.api.deploy import deploy

from deploys.oceanbase import instance, package, schema
from deploys.specs.oceanbase import OceanBaseSpec
from inventory.model import DatabaseRole


@deploy("OceanBase")
def oceanbase(spec: OceanBaseSpec) -> None:
    """Install on every database host, and bring the primary up with its users and tables.

    + spec: the database of this host
    """
    package.install(spec)
    instance.bring_up(spec, as_first_role=DatabaseRole.PRIMARY)
    schema.converge(spec)


@deploy("OceanBase standby")
def oceanbase_standby(spec: OceanBaseSpec) -> None:
    """Bring the standby up, and wait until the pair is healthy.

    + spec: the database of this host
    """
    instance.bring_up(spec, as_first_role=DatabaseRole.STANDBY)
    instance.settle(spec)
