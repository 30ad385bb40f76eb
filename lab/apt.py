"""Fetches Debian packages with apt in our own folders, so that this machine's apt state does not change."""

from dataclasses import dataclass
from pathlib import Path

from lab.architecture import NATIVE
from lab.commands import run
from lab.debian import sources

_UPDATE_DEADLINE_S = 180
_DOWNLOAD_DEADLINE_S = 600


@dataclass(frozen=True, kw_only=True)
class Apt:
    """apt with its lists and downloads below `folder`."""

    folder: Path
    architecture: str = NATIVE.debian
    """Debian's name of the packages' architecture."""

    def update(self) -> None:
        """Fetch the package lists.

        Raises:
            LabError: a source does not answer, or its signature is wrong.
        """
        for name in ("lists/partial", "cache/partial"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self._sources.write_text("".join(f"{line}\n" for line in sources(self.architecture)))
        self._empty_status.touch()
        run(
            [
                "apt-get",
                *self._options(self._empty_status, self.folder / "cache"),
                "update",
                "--error-on=any",
            ],
            doing="fetch Debian's package lists",
            deadline_s=_UPDATE_DEADLINE_S,
        )

    def fetch_closure(self, names: tuple[str, ...], *, dpkg_status: Path, into: Path) -> list[Path]:
        """Download the packages `names` and their dependencies that are not installed; return the files.

        + dpkg_status: dpkg's status file, which lists the installed packages
        + into: apt's folder of downloads

        Raises:
            LabError: the packages cannot be installed together, or a download failed.
        """
        (into / "partial").mkdir(parents=True, exist_ok=True)
        command = ["install", "--download-only", "--no-install-recommends", "--yes", "--quiet"]
        run(
            ["apt-get", *self._options(dpkg_status, into), *command, *names],
            doing=f"download {', '.join(names)} and what they need",
            deadline_s=_DOWNLOAD_DEADLINE_S,
        )
        return sorted(into.glob("*.deb"))

    @property
    def _sources(self) -> Path:
        return self.folder / "sources.list"

    @property
    def _empty_status(self) -> Path:
        return self.folder / "dpkg-status"

    def _options(self, dpkg_status: Path, archives: Path) -> list[str]:
        settings = {
            "Dir::Etc::sourcelist": self._sources,
            "Dir::Etc::sourceparts": "-",
            "Dir::State::lists": self.folder / "lists",
            "Dir::State::status": dpkg_status,
            "Dir::State::extended_states": self.folder / "extended_states",
            "Dir::Cache::archives": archives,
            # Parallel fetches share the lists read-only; the caller holds the cache's lock.
            "Debug::NoLocking": "1",
            "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture,
            "APT::Sandbox::User": "root",
            "APT::Keep-Downloaded-Packages": "1",
        }
        return [option for name, value in settings.items() for option in ("-o", f"{name}={value}")]
