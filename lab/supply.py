"""What hosts are made of and install from: the image, the yum repository and the artifacts."""

import shutil
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from inventory.model import Environment
from lab import image
from lab.errors import LabError
from lab.progress import Progress


@dataclass(frozen=True, kw_only=True)
class Supplies:
    """Everything that the cache holds for one lab."""

    image: image.Image


def ensure(environment: Environment, cache: Path, progress: Progress) -> Supplies:
    release = environment.hosts[0].os
    with progress.step("Build the hosts' image"):
        built = image.build(cache, release)
    return Supplies(image=built)


def publish(supplies: Supplies, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


def wait_until_served(url: str, *, deadline_s: float) -> None:
    deadline = time.monotonic() + deadline_s
    while True:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError as error:
            if time.monotonic() > deadline:
                raise LabError(f"the depot at {url} does not answer: {error}") from error
            time.sleep(0.1)
