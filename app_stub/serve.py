"""Entry point of the loan services: `python3 -m app_stub.serve`."""

import asyncio
import gc
import logging
import os
import signal
import sys
import time

import uvloop

from app_stub import logs
from app_stub.acknowledgement import Acknowledgement
from app_stub.application import Application
from app_stub.database import Session, connect
from app_stub.group_commit import GroupCommit
from app_stub.http_server import Connections
from app_stub.idempotent_write import Writer
from app_stub.metrics import Metrics
from app_stub.pool import Connect, Pool
from app_stub.primary_watch import PrimaryWatch
from app_stub.reads import Reader
from app_stub.rotation import reasons
from app_stub.services import Services
from app_stub.settings import DurabilityKind, Endpoint, Settings, SettingsError, settings_from

_LOG = logging.getLogger("loan.serve")
_EXIT_USAGE = 2
_GC_ALLOCATIONS = 20_000


async def serve(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT, then stop gracefully within `shutdown_grace_s`."""
    loop = asyncio.get_running_loop()
    metrics = Metrics()
    pool = Pool(settings.database, _connector(settings), metrics)
    acknowledgement = None
    if settings.durability.kind is DurabilityKind.CROSS_CENTRE:
        acknowledgement = Acknowledgement(settings.database, settings.durability, pool, metrics)
    if acknowledgement is None:
        watch = PrimaryWatch(settings.database, pool, metrics)
    else:
        watch = PrimaryWatch(settings.database, pool, metrics, acknowledgement.move, acknowledgement.allow)
    group = GroupCommit(pool, metrics, watch.recheck_now, queue_limit=settings.database.queue_limit)
    writer = Writer(pool, metrics, watch.recheck_now, group, acknowledgement)
    reader = Reader(pool, watch.recheck_now)
    services = Services(pool=pool, writer=writer, reader=reader, metrics=metrics)
    application = Application(
        services,
        metrics,
        time.monotonic,
        lambda: connections.is_draining,
        deadline_s=settings.request_deadline_ms / 1000,
        why_out=lambda: reasons(settings.out_of_rotation),
    )
    connections = Connections(application.handle, max_body_bytes=settings.max_body_bytes)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pool.start()
    watch.start()
    if acknowledgement is not None:
        acknowledgement.start()
    server = await loop.create_server(
        connections.accept, settings.listen_address, settings.port, backlog=1024, reuse_address=True
    )
    _LOG.info("serving", extra={"address": settings.listen_address, "port": settings.port})
    await stop.wait()
    _LOG.info("stopping", extra={"open_connections": len(connections.open)})
    server.close()
    cut = await connections.drain(settings.shutdown_grace_s)
    await watch.stop()
    if acknowledgement is not None:
        await acknowledgement.stop()
    await pool.close()
    _LOG.info("stopped", extra={"connections_cut": cut})


def _connector(settings: Settings) -> Connect:
    async def open_one(endpoint: Endpoint) -> Session:
        return await connect(settings.database, endpoint)

    return open_one


def main() -> int:
    """Run the services; 0 after a graceful stop, 2 if the environment is wrong."""
    logs.configure()
    try:
        settings = settings_from(os.environ)
    except SettingsError as wrong:
        for problem in wrong.problems:
            _LOG.error("bad setting", extra={"problem": problem})
        return _EXIT_USAGE
    # What was imported lives for ever, and requests leave no cycles: fewer collections, each of them shorter.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GC_ALLOCATIONS, 20, 50)
    uvloop.run(serve(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
