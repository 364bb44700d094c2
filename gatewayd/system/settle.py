"""At each start, once the gateway serves, and after each change or way back: what others read of the active site."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from gatewayd.pair import keepalived
from gatewayd.system import paths, place
from vdx import site
from vdx.errors import VdxError
from vdx.site.model import Site

WEB_PORT = 443
RESOLV = Path("/run/resolv.conf")
CLOCK = Path("/run/chrony/chronyd.sock")
"""Where chrony takes orders, once it runs."""


def chrony(told: Site) -> str:
    """Write the time servers of a site as chrony reads them; they are asked from the address of their zone."""
    if told.upstream is None:
        return ""
    return "".join(f"server {each} iburst\n" for each in told.upstream.ntp)


def resolv(told: Site) -> str:
    """Write the name servers of a site, resolv.conf(5)."""
    return "" if told.upstream is None else "".join(f"nameserver {each}\n" for each in told.upstream.dns[:3])


def web(told: Site) -> str:
    """Write where the management page listens; "" without a mgmt zone."""
    zone = told.zones.get("mgmt")
    if zone is None or not zone.own:
        return ""
    address = zone.own[0].ip
    return f"LISTEN={f'[{address}]' if address.version == 6 else address}:{WEB_PORT}\n"


def main() -> int:
    """Do it; a site file that cannot be read leaves everything as it is, and gatewayd says why."""
    active = paths.STATE / "active.yaml"
    try:
        told = site.load(active if active.exists() else paths.SITE / "site.yaml").site
    except VdxError as error:
        print(error, file=sys.stderr)  # noqa: T201 - to the journal
        return 0
    _tell(RESOLV, resolv(told))  # read anew by whoever resolves next
    socket.sethostname(told.name)
    listen = web(told)
    if listen and (paths.CREDENTIALS / "mgmt" / "certificate.pem").exists():
        place.put(paths.START / "web.env", listen.encode())
    if _tell(paths.HOME / "chrony" / "site.sources", chrony(told)) and CLOCK.exists():
        subprocess.run(["/usr/bin/chronyc", "-n", "reload", "sources"], check=False)
    _tell(paths.HOME / "keepalived" / "keepalived.conf", keepalived(told))  # empty: it is not started
    return 0


def _tell(file: Path, text: str) -> bool:
    if file.exists() and file.read_text() == text:
        return False
    try:
        place.put(file, text.encode())
    except OSError as error:  # a full disk keeps nobody from the management page
        print(f"{file}: {error.strerror}", file=sys.stderr)  # noqa: T201 - to the journal
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
