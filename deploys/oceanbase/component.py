"""The component in two turns: first the primary; the standby after the rest of the site.

A primary younger than about 15 s refuses a standby (-4023, after half a minute). The time between the two
turns is used for the other components, instead of waiting.
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
