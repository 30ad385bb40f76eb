"""Files and folders of components, rendered from `templates/`. Plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from inventory import places

TEMPLATES = places.PROJECT_ROOT / "templates"
AUTHORITY = "/etc/loanstack/ca.pem"
"""Path on hosts of the certificate of the authority that signed all others."""

_JINJA = Environment(
    loader=FileSystemLoader(TEMPLATES),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 - configuration files, not HTML
)


@dataclass(frozen=True, kw_only=True)
class ConfigFile:
    """Wanted state of a file on a host."""

    path: str
    content: str = field(repr=False)
    """Text with a newline at its end; left out of `repr`, so that no log of arguments shows it."""
    mode: int = 0o644
    user: str = "root"
    group: str = "root"
    secret: bool = False
    """Whether it is never shown in a diff; its mode must then exclude other users."""
    by: str = "root"
    """Who writes it: root, or the service's user to whom the folder belongs. Root refuses to write there."""

    def __post_init__(self) -> None:
        """Refuse content without a newline at its end, and a secret with too wide a mode."""
        if not self.content.endswith("\n"):
            raise ValueError(f"{self.path}: the content must end with a newline")
        if self.secret and self.mode & 0o077:
            raise ValueError(f"{self.path}: a secret file has mode {self.mode:04o}; allowed: 0600 or 0400")
        _check_owner(self)


@dataclass(frozen=True, kw_only=True)
class Folder:
    """Wanted state of a folder on a host."""

    path: str
    mode: int = 0o755
    user: str = "root"
    group: str = "root"
    by: str = "root"
    """Who makes it: root, or the service's user to whom the folder above it belongs."""

    def __post_init__(self) -> None:
        """Refuse an owner that its maker cannot give it."""
        _check_owner(self)


def _check_owner(wanted: ConfigFile | Folder) -> None:
    if wanted.by not in ("root", wanted.user):
        raise ValueError(
            f"{wanted.path}: {wanted.by} cannot give it to {wanted.user}; allowed: user={wanted.by!r}"
        )


def render(template: str, **data: Any) -> str:  # noqa: ANN401 - whatever the template asks for
    """Return `template` filled with `data`.

    + template: path below `templates/`, like `gateway/nginx.conf.j2`
    + data: every name the template uses

    Raises:
        jinja2.UndefinedError: the template uses a name that `data` lacks.
    """
    return _JINJA.get_template(template).render(**data)


def json_text(settings: Mapping[str, object]) -> str:
    """Return `settings` as the text of a JSON file that people read too."""
    return json.dumps(settings, indent=2, ensure_ascii=False) + "\n"
