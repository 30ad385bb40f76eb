"""One connection to whoever is the primary now: for tools that run once, and need no pool."""

from operator import itemgetter

from asyncmy import errors

from app_stub.database import Connection, connect
from app_stub.outcome import DatabaseFailure
from app_stub.primary_rule import Role
from app_stub.role_poller import role_and_epoch
from app_stub.settings import Database


async def connect_primary(settings: Database) -> Connection:
    """Return a connection to the endpoint that says it is the primary; of two, to the one of the later epoch.

    Raises:
        ConnectionError: none says so; the message has what each one said.
    """
    said: list[str] = []
    primaries: list[tuple[int, Connection]] = []
    for endpoint in settings.endpoints:
        try:
            connection = await connect(settings, endpoint)
            role, epoch = await role_and_epoch(connection, settings.kind)
        except (OSError, errors.MySQLError, DatabaseFailure) as failure:
            said.append(f"{endpoint}: {type(failure).__name__} {failure}")
            continue
        if role is Role.PRIMARY:
            primaries.append((epoch, connection))
        else:
            said.append(f"{endpoint}: {role}")
            connection.close()
    if primaries:
        _, latest = max(primaries, key=itemgetter(0))
        for _, connection in primaries:
            if connection is not latest:
                connection.close()
        return latest
    raise ConnectionError(f"no primary: {'; '.join(said)}; check LOAN_DATABASE_ENDPOINTS and the roles")
