"""The supplies of hosts: the image, the yum repository and the artifacts.

All supplies come from the cache. Missing ones are built, in parallel if they do not need each other.
Building is the only part of the lab that contacts package registries.
"""

import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inventory.model import Environment, OsRelease
from inventory.validation import ARTIFACTS_OF_ROLE
from lab import architecture, bundle, emulation, image, locks, preflight, rpm_repo, seekdb, tarballs
from lab.apt import Apt
from lab.architecture import NATIVE, Architecture
from lab.commands import end_children
from lab.errors import LabError, RefusedError
from lab.interrupts import deaf
from lab.progress import Progress
from lab.tongweb import distribution, jdbc_driver, jdk, license_file, portal

_LOCK_DEADLINE_S = 600.0
_POLL_S = 0.1
TONGWEB_ARTIFACTS = (distribution, license_file, jdbc_driver, jdk, portal)
"""Modules that make an artifact of role tongweb, each with its `NAME`."""


@dataclass(frozen=True, kw_only=True)
class Userland:
    """The supplies of hosts of one architecture, in the cache."""

    image: image.Image
    repository: rpm_repo.Repository


@dataclass(frozen=True, kw_only=True)
class Supplies:
    """All supplies of one lab, in the cache."""

    userlands: Mapping[str, Userland]
    """By architecture."""
    artifacts: tuple[Path, ...]

    @property
    def image_key(self) -> str:
        """Key of these supplies in the lab's record."""
        return "+".join(userland.image.key for userland in self.userlands.values())


def architectures(environment: Environment) -> tuple[Architecture, ...]:
    """Return the architectures of the hosts of `environment`, this machine's own first."""
    found = {host.arch for host in environment.hosts}
    return tuple(architecture.of(arch) for arch in sorted(found, key=lambda arch: arch != NATIVE.arch))


def is_current(image_key: str, environment: Environment) -> bool:
    """Say whether a lab with `image_key` in its record was made from images of the current recipes."""
    release = environment.hosts[0].os
    return set(image_key.split("+")) <= {image.recipe_key(release, each) for each in architecture.ALL}


def ensure(environment: Environment, cache: Path, progress: Progress) -> Supplies:
    """Return the supplies of `environment`; build those that the cache lacks.

    Raises:
        LabError: a registry does not answer, or a build failed.
    """
    kinds = architectures(environment)
    release = environment.hosts[0].os
    bundles = {each: bundle.checkout_sources(names=artifacts_of(environment, each.arch)) for each in kinds}
    for each in kinds:
        emulation.ensure(each.arch)
    with locked(cache):
        apts = {each: Apt(folder=_apt_folder(cache, each), architecture=each.debian) for each in kinds}
        there = {each: image.image_at(cache, release, each) for each in kinds}
        wanting = [
            each for each in kinds if not rpm_repo.is_built(rpm_repo.repository_at(cache, there[each]))
        ]
        wants_others = not seekdb.archive_at(cache).exists() or any(
            bundle.needs_registries(cache, sources, each) for each in kinds for sources in bundles[each]
        )
        # Check now, for one clear message before any build begins instead of an error within a build.
        if (wanting or wants_others) and (problems := preflight.registry_problems()):
            raise RefusedError("; ".join(problems))
        for each in wanting:
            with progress.step(f"Fetch Debian's package lists ({each.arch})"):
                apts[each].update()

        def hosts_side() -> dict[str, Userland]:
            found = {}
            for each in kinds:
                with progress.step(f"Image of the hosts ({each.arch})"):
                    built = image.build(cache, release, each)
                with progress.step(f"Yum repository ({each.arch})"):
                    repository = rpm_repo.build(cache, built, apts[each])
                found[each.arch] = Userland(image=built, repository=repository)
            return found

        def artifacts_side() -> tuple[Path, ...]:
            names = dict.fromkeys(sources.name for each in kinds for sources in bundles[each])
            with progress.step(f"Database, {' and '.join(names)} as tarballs"):
                built = [seekdb.build(cache)]
                for each in kinds:
                    built += [bundle.build(cache, one, each) for one in bundles[each]]
            with progress.step("TongWeb stand-in, Java runtime, JDBC driver and channel portal"):
                return (*built, *tongweb_artifacts(cache))

        with ThreadPoolExecutor(max_workers=2) as pool:
            hosts_job, artifacts_job = pool.submit(hosts_side), pool.submit(artifacts_side)
            finish_together(hosts_job, artifacts_job)
        supplies = Supplies(userlands=hosts_job.result(), artifacts=artifacts_job.result())
        forget_others(cache, current_keys(cache, release))
    return supplies


def _apt_folder(cache: Path, kind: Architecture) -> Path:
    return cache / ("apt" if kind is NATIVE else f"apt-{kind.debian}")


def tongweb_artifacts(cache: Path) -> tuple[Path, ...]:
    """Return the artifacts of role tongweb; make missing ones from this machine's OpenJDK and Tomcat."""
    return tuple(each.build(cache) for each in TONGWEB_ARTIFACTS)


def artifacts_of(environment: Environment, arch: str = NATIVE.arch) -> tuple[str, ...]:
    """Return the names of the architecture-specific artifacts that hosts of `environment` run."""
    return tuple(
        name
        for role, name in ARTIFACTS_OF_ROLE
        if any(host.arch == arch for host in environment.hosts_with(role))
    )


def publish(supplies: Supplies, folder: Path) -> None:
    """Make the depot's tree of served files at `folder`, or update it.

    The yum repository does not change while a lab runs; artifacts are added, and the hash list is replaced.
    """
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    for arch, userland in supplies.userlands.items():
        if not (folder / "repo" / arch).exists():
            shutil.copytree(userland.repository.folder, folder, copy_function=_link, dirs_exist_ok=True)
    for path in supplies.artifacts:
        if not (artifacts / path.name).exists():
            _link(str(path), str(artifacts / path.name))
    sums = artifacts / "SHA256SUMS"
    unfinished = artifacts / ".SHA256SUMS"
    unfinished.write_text(tarballs.sums_of([artifacts / path.name for path in supplies.artifacts]))
    unfinished.rename(sums)
    for path in artifacts.iterdir():
        if path not in (sums, *(artifacts / p.name for p in supplies.artifacts)):
            path.unlink()


def wait_until_served(url: str, *, deadline_s: float) -> None:
    """Wait until `url` is served.

    + deadline_s: seconds from now

    Raises:
        LabError: it was not served within the deadline.
    """
    deadline = time.monotonic() + deadline_s
    # Ignore proxies from this machine's environment: they cannot reach the lab.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            opener.open(url, timeout=2).close()
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise LabError(f"the lab does not hand out {url} within {deadline_s:g} s: {error}") from error
            time.sleep(_POLL_S)
        else:
            return


def current_keys(cache: Path, release: OsRelease) -> frozenset[str]:
    """Return the keys of the images and repositories of the current recipes, for all architectures."""
    images = [image.image_at(cache, release, each) for each in architecture.ALL]
    return frozenset(key for each in images for key in (each.key, rpm_repo.recipe_key(each)))


def forget_others(cache: Path, kept: Collection[str]) -> None:
    """Delete remains of interrupted builds, and images of older recipes that no host runs on.

    + kept: keys of images and repositories
    """
    mounted = Path("/proc/self/mounts").read_text()
    for kind in ("images", "repositories", "debs"):
        for folder in (cache / kind).glob("*"):
            if folder.name not in kept and f"={folder}/" not in mounted:
                shutil.rmtree(folder)
    # We hold the cache's lock, so any unfinished build was interrupted.
    for leftover in (*cache.glob("building-*"), *cache.glob("*/building-*")):
        shutil.rmtree(leftover)
    for leftover in cache.glob("artifacts/.*.tar.gz"):
        leftover.unlink()


def finish_together(*jobs: Future[Any]) -> None:
    """Wait for all `jobs`; if one fails or a signal asks us to stop, end the programs of the others at once.

    Raises:
        LabError: the error of the job that failed first.
    """
    try:
        # Wait in short intervals, so that a signal that another thread received is noticed in between.
        while not all(job.done() for job in jobs):
            done, _ = wait(jobs, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
            for job in done:
                # Raise this error now, because the other jobs will fail too when they are ended.
                job.result()
    finally:
        with deaf():
            while not all(job.done() for job in jobs):
                end_children()
                wait(jobs, timeout=_POLL_S)


def _link(source: str, target: str) -> str:
    # The cache and the lab may be on different file systems.
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
    return target


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Hold the cache's lock: two builds of the same supply would damage each other.

    Raises:
        LabError: another build holds it for too long.
    """
    cache.mkdir(parents=True, exist_ok=True)
    busy = f"another build holds {cache}/lock for over {_LOCK_DEADLINE_S:g} s"
    with locks.held(cache / "lock", within_s=_LOCK_DEADLINE_S, refusal=busy):
        yield
