"""The pretended host of these tests."""

from tests.unit.hosttools.oceanbase.host import host

__all__ = ["host"]
