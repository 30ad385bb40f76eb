"""What becomes of an action: the same steps in the same order as its docstring says, each with its delay."""

from collections.abc import Callable
from dataclasses import replace

from failover.core import actions as a
from failover.core.observed import FenceState, Guarantee, Lease, Phase, Role, TaskKind, UnprotectedMode
from tests.unit.failover.simulated.agent import Agent, Effect
from tests.unit.failover.simulated.fences import Fences
from tests.unit.failover.simulated.records import claimed

PROMOTION_MS = (200, 900)
TAKE_OVER_MS = (50, 300)
DRAIN_MS = (50, 300)
START_MS = (800, 2500)
COPY_MS = (2000, 5000)
KILL_MS = (5, 100)


class Effects:
    """Carries actions out. `odd` is how often a step fails or takes much longer than it should."""

    def __init__(self, fences: Fences, odd: float) -> None:
        self.fences, self.odd = fences, odd
        self.accepted: set[int] = set()
        """Epochs claimed for an operator who accepted a loss."""

    def __call__(self, agent: Agent, action: a.Action) -> None:
        match action:
            case a.FenceSelf():
                self._fence_self(agent)
            case a.FencePeer(host=host):
                self._fence_peer(agent, host)
            case a.Promote() | a.TakeOver():
                kind = TaskKind.PROMOTE if isinstance(action, a.Promote) else TaskKind.TAKE_OVER
                agent.run(self._promote(agent, action), task=kind)
            case a.StartDatabase(guarantee=None):
                agent.run(self._start_standby(agent, action), task=TaskKind.START_STANDBY)
            case a.StartDatabase():
                agent.run(self._start_primary(agent, action), task=TaskKind.START_PRIMARY)
            case a.Rejoin():
                agent.run(self._rejoin(agent, action), task=TaskKind.REJOIN)
            case a.HandOver():
                agent.run(self._hand_over(agent, action), task=TaskKind.HAND_OVER)
            case a.Refuse(request=None):
                return
            case a.PowerOn():
                agent.run(self._power_on(agent, action))
            case _:
                agent.run(self._write(agent, action))

    # One write to etcd.

    def _write(self, agent: Agent, action: a.Action) -> Effect:
        match action:
            case a.ConfirmFenced():
                agent.fenced_epoch = max(agent.fenced_epoch, action.epoch)
                agent.lease = None
                agent.put_member()
                if action.revision is not None:
                    yield self._change(agent, action.revision, phase=Phase.FENCED)
            case a.AcquireLeaderLock():
                yield from self._claim(agent, action)
            case a.BeginHandover():
                yield self._change(
                    agent, action.revision, request=action.request, phase=Phase.HANDOVER, to=action.to
                )
            case a.ResumeLeading():
                yield self._change(
                    agent, action.revision, phase=Phase.RECOVERING, guarantee=Guarantee.SELF, to=None
                )
            case a.Serve():
                yield from self._serve(agent, action)
            case a.SetUnprotectedMode():
                yield self._change(
                    agent, action.revision, unprotected=action.unprotected, catch_up_scn=action.catch_up_scn
                )
            case a.Refuse(request=str() as request):
                yield lambda: agent.etcd.delete_request(request) or True
            case _:
                return

    def _change(
        self, agent: Agent, revision: int, request: str | None = None, **fields: object
    ) -> Callable[[], bool]:
        def write() -> bool:
            record = agent.etcd.leadership
            if record is None or record.revision != revision:
                return False
            return agent.etcd.write(revision, replace(record, **fields), request)  # type: ignore[arg-type]  # fields of the record

        return write

    def _claim(self, agent: Agent, action: a.AcquireLeaderLock) -> Effect:
        sent_at, etcd = agent.eyes.clock(), agent.etcd
        number = yield etcd.grant
        if number is None:
            return
        if action.accept_loss:
            self.accepted.add(action.epoch)

        def write() -> bool:
            etcd.expire()
            done = number in etcd.leases and etcd.write(
                action.revision, claimed(agent.me, action), action.request
            )
            if done:
                etcd.lease_key = number
                if action.automatic:
                    etcd.last_automatic_at = etcd.world.now
            return done

        done = yield write
        if done:
            agent.lease = Lease(epoch=action.epoch, renewed_at_ms=sent_at)
            agent.lease_number, agent.claimed_at = number, agent.eyes.clock()
            agent.reports.clear()

    def _serve(self, agent: Agent, action: a.Serve) -> Effect:
        database, instance = agent.database, agent.database.instance
        database.note.role, database.note.timeline = Role.PRIMARY, action.timeline
        database.note.epoch = action.epoch
        yield agent.world.chance.uniform(1, 10)
        if database.instance != instance or not database.writable():
            return
        database.table_epoch = action.epoch
        record = agent.etcd.leadership
        off = set(action.powered_off) | set(record.powered_off if record else ())
        yield self._change(
            agent,
            action.revision,
            phase=Phase.SERVING,
            guarantee=action.guarantee,
            timeline=action.timeline,
            primary=agent.me,
            unfenced=action.unfenced,
            final_scn=None,
            powered_off=tuple(sorted(off)),
        )

    # This host's database.

    def _fence_self(self, agent: Agent) -> None:
        """Takes effect up to a tenth of a second later, and cannot be given up."""
        dropped, agent.lease = agent.lease, None
        agent.give_up()
        agent.killing = True
        chance = agent.world.chance

        def killed() -> None:
            agent.database.kill()
            agent.killing = False
            if dropped is not None:
                agent.fenced_epoch = max(agent.fenced_epoch, dropped.epoch)
            agent.look()

        agent.on_me(chance.uniform(*KILL_MS), killed)

    def _promote(self, agent: Agent, action: a.Promote | a.TakeOver) -> Effect:
        database, chance = agent.database, agent.world.chance
        if not (yield from self._begin_to_lead(agent, action)):
            return
        database.drained = False
        instance = database.instance
        planned = isinstance(action, a.TakeOver)
        takes_ms = chance.uniform(*(TAKE_OVER_MS if planned else PROMOTION_MS))
        if chance.random() < self.odd:
            takes_ms += 2500 if chance.random() < 0.8 else 1e9
        if chance.random() >= self.odd / 2:
            agent.world.on_host(
                agent.host, takes_ms, lambda: database.become_primary(instance, fork=not planned) and None
            )
        yield takes_ms + 1

    def _begin_to_lead(self, agent: Agent, action: a.Promote | a.TakeOver | a.StartDatabase) -> Effect:
        assert action.revision is not None
        record = agent.etcd.leadership
        keeps = action.unprotected is UnprotectedMode.ENDING and record is not None
        done = yield self._change(
            agent,
            action.revision,
            guarantee=action.guarantee,
            timeline=action.timeline,
            primary=agent.me,
            unprotected=action.unprotected,
            catch_up_scn=record.catch_up_scn if keeps and record else None,
        )
        if done:
            agent.database.note.role, agent.database.note.timeline = Role.PRIMARY, action.timeline
        return done  # type: ignore[return-value]  # the result of `yield from`

    def _start_primary(self, agent: Agent, action: a.StartDatabase) -> Effect:
        if (yield from self._begin_to_lead(agent, action)):
            yield from self._start(agent)

    def _start_standby(self, agent: Agent, action: a.StartDatabase) -> Effect:
        if action.source is not None:
            agent.database.follows = action.source
        yield from self._start(agent)

    def _start(self, agent: Agent) -> Effect:
        database, chance = agent.database, agent.world.chance
        agent.eyes.started_at = agent.eyes.clock()
        instance = database.start()
        takes_ms = chance.uniform(*START_MS)
        fails = chance.random() < self.odd

        def up() -> None:
            if fails and database.instance == instance:
                database.kill()
            else:
                database.answer(instance)

        agent.world.on_host(agent.host, takes_ms, up)
        yield takes_ms + 1

    def _rejoin(self, agent: Agent, action: a.Rejoin) -> Effect:
        database, note, chance = agent.database, agent.database.note, agent.world.chance
        source = database.others[action.source]
        if action.request is not None:
            yield lambda: agent.etcd.delete_request(action.request or "") or True
        if action.keep_data:
            database.kill()
            database.follows, database.cannot_follow = action.source, False
            yield from self._start(agent)
            return
        note.role, note.timeline, note.rejoined_at = None, None, agent.world.now
        database.erase()
        agent.eyes.started_at = agent.eyes.clock()
        database.disk_role = Role.STANDBY
        instance = database.start()
        yield chance.uniform(*COPY_MS)
        if database.instance == instance and chance.random() >= self.odd and database.copy_of(source):
            database.answer(instance)
            note.role, note.timeline = Role.STANDBY, action.timeline
        elif database.instance == instance:
            database.erase()

    def _hand_over(self, agent: Agent, action: a.HandOver) -> Effect:
        database, chance = agent.database, agent.world.chance
        instance = database.instance
        yield chance.uniform(*DRAIN_MS) + (1e9 if chance.random() < self.odd / 4 else 0)
        if chance.random() < self.odd or not database.drain(instance):
            return
        database.note.role = Role.STANDBY
        yield self._change(agent, action.revision, phase=Phase.HANDED, final_scn=database.scn)

    # Other hosts.

    def _fence_peer(self, agent: Agent, host: str) -> None:
        agent.reports[host] = FenceState.ASKED
        claimed_at = agent.claimed_at

        def report(off: bool) -> None:
            if agent.claimed_at == claimed_at:
                agent.reports[host] = FenceState.CONFIRMED if off else FenceState.FAILED
                agent.look()

        self.fences.switch_off(host, lambda off: agent.on_me(0, lambda: report(off), timer=False))

    def _power_on(self, agent: Agent, action: a.PowerOn) -> Effect:
        yield 50.0
        if not self.fences.switch_on(action.host):
            return
        if action.host in agent.reports:
            agent.reports[action.host] = FenceState.RELEASED
        if action.revision is None:
            return
        record = agent.etcd.leadership
        left = tuple(h for h in (record.powered_off if record else ()) if h != action.host)
        yield self._change(agent, action.revision, powered_off=left)
