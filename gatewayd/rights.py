"""What this process and this kernel must allow before anything is touched."""

from __future__ import annotations

from pathlib import Path

from gatewayd import guard
from gatewayd.errors import StartError
from nft.errors import NftError
from nft.netlink import Netlink

CAP_NET_ADMIN = 12  # linux/capability.h


def require_net_admin(status: Path = Path("/proc/self/status")) -> None:
    """Raise `StartError` unless this process may change the network."""
    for line in status.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "CapEff" and int(value, 16) >> CAP_NET_ADMIN & 1:
            return
    raise StartError("gatewayd changes the network of this machine and may not: run it as root or with CAP_NET_ADMIN")


def open_nftables() -> tuple[Netlink, bool]:
    """Open the socket to nf_tables and tell whether our tables are there; raises `StartError` without nftables."""
    text = "this kernel has no nftables: load the module nf_tables, or boot a kernel that has it"
    try:
        netlink = Netlink()
    except OSError as error:
        raise StartError(f"{text} ({error.strerror})") from error
    try:
        return netlink, guard.present(netlink)
    except NftError as error:
        netlink.close()
        raise StartError(f"{text} ({error})") from error
