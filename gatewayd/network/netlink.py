"""rtnetlink of pyroute2, and nothing else of it: its package imports all that it has, a tenth of gatewayd's start.

The package is put in its place without what it imports; its parts find each other by their own names.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec, module_from_spec


def _package() -> None:
    spec = find_spec("pyroute2")
    if "pyroute2" not in sys.modules and spec is not None:
        sys.modules["pyroute2"] = module_from_spec(spec)


_package()

from pyroute2.iproute.linux import IPRoute  # noqa: E402 - after its package
from pyroute2.netlink.exceptions import NetlinkError  # noqa: E402 - as above

sys.modules["pyroute2"].IPRoute = IPRoute  # type: ignore[attr-defined]  # for who imports it by the package's name

__all__ = ["IPRoute", "NetlinkError"]
