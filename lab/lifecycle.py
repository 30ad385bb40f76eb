"""Brings the lab up and takes it down."""

import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from inventory import places, secrets
from inventory.model import Environment, Host
from lab import (
    build,
    cgroups,
    disks,
    frozen,
    kernel,
    keys,
    network_setup,
    preflight,
    residue,
    servers,
    state,
)
from lab import host as hosts
from lab.errors import LabError, RefusedError, ResidueError
from lab.interrupts import deaf, stoppable
from lab.network import NetworkPlan, namespace_of, plan_of
from lab.progress import Progress

BOOT_DEADLINE_S = 120.0
"""The objective is 60 s, and a boot usually takes 5 s; a busy machine may need longer than the objective."""


@dataclass(frozen=True, kw_only=True)
class Lab:
    """The lab of one environment on this machine."""

    environment: Environment
    lab_dir: Path
    cache: Path
    progress: Progress

    @property
    def plan(self) -> NetworkPlan:
        """Its network."""
        return plan_of(self.environment)

    @property
    def owner(self) -> state.Owner:
        """The machine's record if the lab is this one."""
        return state.Owner(checkout=str(places.PROJECT_ROOT), lab_dir=str(self.lab_dir))

    def up(self) -> None:
        """Bring the lab up, or complete it: afterwards every host accepts SSH and the depot is current.

        Raises:
            RefusedError: another lab runs here, or the running lab was made from another image.
            LabError: a host did not come up; everything that this call made is undone.
        """
        if problems := preflight.machine_problems():
            raise RefusedError("; ".join(problems))
        with state.machine_lock(), stoppable():
            state.refuse_another(self.owner, state.owner(), is_alive=bool(cgroups.processes()))
            found = state.load(self.lab_dir)
            left = bool(residue.find(self.plan, self.lab_dir))
            course = state.course(found, boot_id=state.boot_id(), anything_left=left)
            if course is state.Course.CONTINUE and found is not None:
                self._complete(found)
                return
            if course is state.Course.CLEAN_FIRST:
                with self.progress.step("Remove what an earlier lab left"):
                    self._take_down()
            supplies = build.ensure(self.environment, self.cache, self.progress)
            try:
                self._rise(supplies)
            except BaseException:
                with deaf(), self.progress.step("Undo what was half made"):
                    self._take_down()
                raise

    def down(self, *, any_owner: bool = False) -> bool:
        """Take the lab down, without leaving a process, mount, interface or namespace.

        + any_owner: also take down a lab that another checkout brought up

        Returns:
            Whether there was anything to take down.

        Raises:
            RefusedError: the running lab is another checkout's.
            ResidueError: something could not be removed.
        """
        with state.machine_lock(), stoppable():
            found = state.owner()
            if not any_owner:
                state.refuse_another(self.owner, found, is_alive=bool(cgroups.processes()))
            there = state.state_file(self.lab_dir).exists() or bool(residue.find(self.plan, self.lab_dir))
            if found is not None and found.lab_dir != str(self.lab_dir):
                self._take_down_at(Path(found.lab_dir))
                there = True
            with self.progress.step("Take the lab down"):
                self._take_down()
            return there

    def refresh_depot(self) -> None:
        """Build the changed parts of the depot, and serve it to the running lab."""
        with self.changing():
            supplies = build.ensure(self.environment, self.cache, self.progress)
            build.publish(supplies, self.lab_dir / "depot")

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock of the running lab, so that no other command changes it.

        Raises:
            RefusedError: the lab is not up, or another command is changing it.
        """
        with state.machine_lock():
            self.require_up()
            yield

    def require_up(self) -> state.LabState:
        """Return the state of the running lab.

        Raises:
            RefusedError: the lab is not up.
        """
        found = state.of_running(self.lab_dir)
        if found is None:
            raise RefusedError("the lab is not up; run: loanstack lab up")
        return found

    def _complete(self, found: state.LabState) -> None:
        if not build.is_current(found.image_key, self.environment):
            raise RefusedError(
                f"the running lab was made from image {found.image_key}, but the recipe has changed; "
                "run `loanstack lab down` first"
            )
        supplies = build.ensure(self.environment, self.cache, self.progress)
        build.publish(supplies, self.lab_dir / "depot")
        secrets.ensure(self.environment.secrets_file, fences=self.environment.fences)
        self._start_servers()
        self._fit_to_inventory(supplies)
        missing = [h for h in self.environment.hosts if not hosts.is_running(h.name)]
        for host in missing:
            hosts.switch_on(host.name, self.plan, self.lab_dir)
        for host in self.environment.hosts:
            # A frozen host would never accept SSH.
            frozen.thaw(host.name)
        title = f"Boot {', '.join(h.name for h in missing)}" if missing else "All hosts run: log in on each"
        with self.progress.step(title):
            self._wait(self.environment.hosts)

    def _fit_to_inventory(self, supplies: build.Supplies) -> None:
        """Make disks for new hosts of the inventory, and remove hosts that are no longer in it."""
        wanted = [host.name for host in self.environment.hosts]
        for name in disks.names_of_disks(self.lab_dir):
            # A disk that is not mounted was left by an interrupted call.
            if name not in wanted or not disks.has_disk(self.lab_dir, name):
                hosts.end(name)
                network_setup.remove_namespaces([namespace_of(name)])
                disks.remove_disk(self.lab_dir, name)
        new = [host for host in self.environment.hosts if not disks.has_disk(self.lab_dir, host.name)]
        if new:
            keys.ensure(self.environment, self.lab_dir)
        for host in new:
            disks.make_disk(self.environment, host, supplies.userlands[host.arch].image, self.lab_dir)

    def _rise(self, supplies: build.Supplies) -> None:
        present = kernel.read()
        raised = kernel.to_raise(present)
        rising = state.LabState(
            phase=state.Phase.RISING,
            image_key=supplies.image_key,
            boot_id=state.boot_id(),
            since_s=time.time(),
            settings_before={name: present[name] for name in raised},
        )
        state.claim(self.owner)
        state.save(self.lab_dir, rising)
        kernel.write(raised)
        with self.progress.step("Lay the network, fill the depot"):
            secrets.ensure(self.environment.secrets_file, fences=self.environment.fences)
            keys.ensure(self.environment, self.lab_dir)
            build.publish(supplies, self.lab_dir / "depot")
            network_setup.lay_common(self.plan)
            self._start_servers()
        with self.progress.step(f"Boot {len(self.environment.hosts)} hosts"):
            disks.make_room(self.lab_dir)
            for host in self.environment.hosts:
                network_setup.lay_host(self.plan.host(host.name))
                disks.make_disk(self.environment, host, supplies.userlands[host.arch].image, self.lab_dir)
                hosts.boot(host.name, self.lab_dir)
            self._wait(self.environment.hosts)
        state.save(self.lab_dir, rising.moved_to(state.Phase.UP))

    def _wait(self, wanted: tuple[Host, ...]) -> None:
        deadline = time.monotonic() + BOOT_DEADLINE_S

        def wait(host: Host) -> str | None:
            try:
                hosts.wait_for_ssh(host, self.lab_dir, deadline_s=deadline - time.monotonic())
            except LabError as error:
                return str(error)
            return None

        with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
            problems = [problem for problem in pool.map(wait, wanted) if problem is not None]
        if problems:
            raise LabError("\n".join(problems))

    def _start_servers(self) -> None:
        servers.start_depot(self.lab_dir, self.plan.depot_address)
        servers.start_power_switch(self.lab_dir, self.plan.depot_address)
        servers.start_alert_receiver(self.lab_dir, self.plan.depot_address)

    def _take_down(self) -> None:
        self._take_down_at(self.lab_dir)

    def _take_down_at(self, lab_dir: Path) -> None:
        found = _load_if_whole(lab_dir)
        if found is not None:
            state.save(lab_dir, found.moved_to(state.Phase.FALLING))
        cgroups.kill()
        cgroups.remove()
        # Hosts are found by their folders, because the lab of an older checkout may have had other hosts.
        names = disks.names_of_disks(lab_dir)
        for name in names:
            disks.remove_disk(lab_dir, name)
        disks.remove_room(lab_dir)
        network_setup.remove_namespaces(namespace_of(name) for name in names)
        network_setup.remove_common(self.plan)
        if found is not None and found.boot_id == state.boot_id():
            kernel.write(found.settings_before)
        left = residue.find(self.plan, lab_dir)
        if left:
            raise ResidueError("the lab is down, but this is still there: " + "; ".join(left))
        if lab_dir.exists():
            shutil.rmtree(lab_dir)
        state.release()


def _load_if_whole(lab_dir: Path) -> state.LabState | None:
    try:
        return state.load(lab_dir)
    except LabError:
        # A damaged record must not prevent `down` from removing everything that it finds.
        return None
