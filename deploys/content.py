"""What a component puts on a host: files rendered from `templates/`, and folders. Plain values."""

from dataclasses import dataclass, field
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from inventory import places

TEMPLATES = places.PROJECT_ROOT / "templates"
AUTHORITY = "/etc/loanstack/ca.pem"
"""Where hosts have the certificate of the authority that signed the others'."""

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
    """A file as it shall be on a host."""

    path: str
    content: str = field(repr=False)
    """Text with a newline at its end; kept out of `repr`, so no log of arguments can show it."""
    mode: int = 0o644
    user: str = "root"
    group: str = "root"
    secret: bool = False
    """Never shown in a diff; its mode must keep others out."""

    def __post_init__(self) -> None:
        """Refuse what would be written wrongly."""
        if not self.content.endswith("\n"):
            raise ValueError(f"{self.path}: the content must end with a newline")
        if self.secret and self.mode & 0o077:
            raise ValueError(f"{self.path}: a secret file has mode {self.mode:04o}; allowed: 0600 or 0400")


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder as it shall be on a host."""

    path: str
    mode: int = 0o755
    user: str = "root"
    group: str = "root"


def render(template: str, **data: Any) -> str:  # noqa: ANN401 - whatever the template asks for
    """Return `template` filled with `data`.

    + template: path below `templates/`, like `gateway/nginx.conf.j2`
    + data: every name the template uses

    Raises:
        jinja2.UndefinedError: the template uses a name that `data` lacks.
    """
    return _JINJA.get_template(template).render(**data)
