"""The pretended host of these tests."""

from tests.unit.hosttools.tongweb.host import host, product

__all__ = ["host", "product"]
