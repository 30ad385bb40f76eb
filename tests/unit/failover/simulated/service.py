"""The service an agent runs as: started, stopped by signals, watched; the database is bound to it."""

from tests.unit.failover.simulated.database import Database
from tests.unit.failover.simulated.world import Event, World

WATCHDOG_MS = 1000
"""The service manager ends an agent that has not reported for so long."""


class Service:
    """One life after the other; what one life began is not carried on by the next."""

    def __init__(self, world: World, database: Database) -> None:
        self.world, self.database, self.host = world, database, database.host
        self.life = 0
        self.running = self.paused = False
        self.last_ping = 0.0
        self.held: list[Event] = []
        """What fell due while it was stopped by a signal."""

    def begin(self) -> None:
        raise NotImplementedError

    def start(self) -> None:
        self.life += 1
        self.held.clear()
        self.running, self.paused = True, False
        self.last_ping = self.world.now
        self.begin()

    def end(self) -> None:
        self.running = self.paused = False
        self.life += 1

    def crash(self) -> None:
        """End; the service manager ends the database, which is bound to it, and starts the agent again."""
        if not self.running:
            return
        self.end()
        chance, database = self.world.chance, self.database
        instance = database.instance

        def end_database() -> None:
            if database.instance == instance:
                database.kill()

        bound = chance.uniform(20, 100)
        self.world.on_host(self.host, bound, end_database)
        self.world.on_host(self.host, bound + chance.uniform(100, 800), self.start)

    def pause(self) -> None:
        if not self.running or self.paused:
            return
        self.paused = True
        life, pinged = self.life, self.last_ping

        def watchdog() -> None:
            if self.life == life and self.last_ping == pinged:
                self.crash()

        self.world.on_host(self.host, max(0.0, pinged + WATCHDOG_MS - self.world.now), watchdog)

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            held, self.held = self.held, []
            for event in held:
                self.on_me(self.world.chance.uniform(0, 20), event)

    def on_me(self, delay: float, event: Event, *, timer: bool = True) -> None:
        """Run `event` later in this life; when the agent is stopped by a signal then, after it goes on."""
        life = self.life

        def due() -> None:
            if self.life == life and self.running:
                if self.paused:
                    self.held.append(due)
                else:
                    event()

        self.world.on_host(self.host, delay, due, timer=timer)
