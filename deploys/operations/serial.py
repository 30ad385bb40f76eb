"""One host after another: an operation with `_serial=True` stops at the first host where it fails.

pyinfra 3.10 goes on with the next host: a file that no service can read would end that service on every host.
"""

from pyinfra.api.host import Host
from pyinfra.context import host, state


def earlier_hosts_that_failed() -> list[str]:
    """Return the names of the hosts where the current operation ran before this one, and failed.

    Where hosts take an operation at the same time, nobody comes before another, and the list is empty.
    """
    operation = host.current_op_hash
    if operation is None or not state.get_op_meta(operation).global_arguments["_serial"]:
        return []
    return [other.name for other in state.inventory if _failed(other, operation)]


def _failed(other: Host, operation: str) -> bool:
    data = state.ops[other].get(operation)
    return data is not None and data.operation_meta.is_complete() and data.operation_meta.did_error()
