"""What hosts are made of and install from: the image, the yum repository and the artifacts.

All of it comes from the cache; what the cache lacks is built, in parallel where one does not need the
other. Building is the only part of the lab that reaches package registries.
"""

import fcntl
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inventory.model import Environment
from inventory.validation import ARTIFACTS_OF_ROLE
from lab import bundle, image, preflight, rpm_repo, seekdb, tarballs
from lab.apt import Apt
from lab.commands import end_children
from lab.errors import LabError, RefusedError
from lab.interrupts import deaf
from lab.progress import Progress

_LOCK_DEADLINE_S = 600.0
_POLL_S = 0.1


@dataclass(frozen=True, kw_only=True)
class Supplies:
    """Everything that one lab is made of, in the cache."""

    image: image.Image
    repository: rpm_repo.Repository
    artifacts: tuple[Path, ...]


def ensure(environment: Environment, cache: Path, progress: Progress) -> Supplies:
    """Return the supplies of `environment`, building what the cache lacks.

    Raises:
        LabError: a registry does not answer, or a build failed.
    """
    sources = bundle.checkout_sources(names=artifacts_of(environment))
    release = environment.hosts[0].os
    with _locked(cache):
        apt = Apt(folder=cache / "apt")
        there = image.image_at(cache, release)
        wants_debian = bundle.needs_apt(cache) or not rpm_repo.is_built(rpm_repo.repository_at(cache, there))
        wants_index = not seekdb.archive_at(cache).exists() or any(
            bundle.needs_index(cache, each) for each in sources
        )
        # Said in one sentence before anything is begun, instead of in a build's words in its middle.
        if (wants_debian or wants_index) and (problems := preflight.registry_problems()):
            raise RefusedError("; ".join(problems))
        if wants_debian:
            with progress.step("Fetch Debian's package lists"):
                apt.update()

        def hosts_side() -> tuple[image.Image, rpm_repo.Repository]:
            with progress.step("Image of the hosts"):
                built = image.build(cache, release)
            with progress.step("Yum repository"):
                return built, rpm_repo.build(cache, built, apt)

        def artifacts_side() -> tuple[Path, ...]:
            with progress.step(f"Database, {' and '.join(each.name for each in sources)} as tarballs"):
                return (seekdb.build(cache), *(bundle.build(cache, each, apt) for each in sources))

        with ThreadPoolExecutor(max_workers=2) as pool:
            hosts_job, artifacts_job = pool.submit(hosts_side), pool.submit(artifacts_side)
            finish_together(hosts_job, artifacts_job)
        built, repository = hosts_job.result()
        artifacts = artifacts_job.result()
        forget_others(cache, built, repository)
    return Supplies(image=built, repository=repository, artifacts=artifacts)


def artifacts_of(environment: Environment) -> tuple[str, ...]:
    """Return the names of the artifacts that hosts of `environment` run."""
    return tuple(name for role, name in ARTIFACTS_OF_ROLE if environment.hosts_with(role))


def publish(supplies: Supplies, folder: Path) -> None:
    """Lay the depot's served tree at `folder`, or bring it up to date.

    The yum repository stays as it is while a lab runs; artifacts are added and the hash list replaced whole.
    """
    artifacts = folder / "artifacts"
    artifacts.mkdir(parents=True, exist_ok=True)
    if not (folder / rpm_repo.KEY_FILE).exists():
        shutil.copytree(supplies.repository.folder, folder, copy_function=_link, dirs_exist_ok=True)
    for path in supplies.artifacts:
        if not (artifacts / path.name).exists():
            _link(str(path), str(artifacts / path.name))
    sums = artifacts / "SHA256SUMS"
    unfinished = artifacts / ".SHA256SUMS"
    unfinished.write_text(tarballs.sums_of([artifacts / path.name for path in supplies.artifacts]))
    unfinished.rename(sums)
    for path in artifacts.glob("*.tar.gz"):
        if path.name not in {p.name for p in supplies.artifacts}:
            path.unlink()


def wait_until_served(url: str, *, deadline_s: float) -> None:
    """Wait until `url` is handed out.

    + deadline_s: seconds from now

    Raises:
        LabError: it was not, within the deadline.
    """
    deadline = time.monotonic() + deadline_s
    # Proxies of this machine's environment do not lead into the lab.
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


def forget_others(cache: Path, built: image.Image, repository: rpm_repo.Repository) -> None:
    """Delete what interrupted builds left, and older recipes' images unless hosts still run on them."""
    mounted = Path("/proc/self/mounts").read_text()
    kept = {built.key, repository.folder.name}
    for kind in ("images", "repositories", "debs"):
        for folder in (cache / kind).glob("*"):
            if folder.name not in kept and f"={folder}/" not in mounted:
                shutil.rmtree(folder)
    # The cache is ours alone now, so whatever is still being built is so for ever.
    for leftover in (*cache.glob("building-*"), *cache.glob("*/building-*")):
        shutil.rmtree(leftover)
    for leftover in cache.glob("artifacts/.*.tar.gz"):
        leftover.unlink()


def finish_together(*jobs: Future[Any]) -> None:
    """Wait for all of `jobs`; when one fails or we are asked to stop, end the others' programs at once.

    Raises:
        LabError: what the first to fail said.
    """
    try:
        # In short waits: a request to stop that another thread was given is heard between them.
        while not all(job.done() for job in jobs):
            done, _ = wait(jobs, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
            for job in done:
                # Raised here, because the others are about to fail too, of being ended.
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
def _locked(cache: Path) -> Iterator[None]:
    """Hold the cache alone: two builds of the same thing would spoil each other's."""
    cache.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + _LOCK_DEADLINE_S
    with (cache / "lock").open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LabError(
                        f"another build holds {cache}/lock for over {_LOCK_DEADLINE_S:g} s"
                    ) from None
                time.sleep(_POLL_S)
            else:
                break
        yield
