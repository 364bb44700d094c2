from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from gatewayd.bans import Bans
from gatewayd.errors import RefusalError
from nft.errors import NftError
from tests.gatewayd.site import load


class Kernel:
    def __init__(self) -> None:
        self.banned: dict[IPv4Address | IPv6Address, float] = {}
        self.deaf = False

    def ban(self, address: IPv4Address | IPv6Address, seconds: float) -> None:
        if self.deaf:
            raise NftError("the set is full")
        self.banned[address] = seconds

    def unban(self, address: IPv4Address | IPv6Address) -> None:
        self.banned.pop(address, None)

    def bans(self) -> dict[IPv4Address | IPv6Address, float]:
        return self.banned


@pytest.fixture
def kernel() -> Kernel:
    return Kernel()


@pytest.fixture
def bans(kernel: Kernel) -> Bans:
    made = Bans(kernel)
    made.follow(load().site)
    return made


def test_a_stranger_is_banned_for_a_while(bans: Bans) -> None:
    bans.ban("9.9.9.9", 60, "scanner")
    bans.ban("2a00::7", 7 * 86400, "scanner")
    assert bans.listed() == {"9.9.9.9": 60, "2a00::7": 7 * 86400}


def test_a_ban_is_lifted_before_its_time(bans: Bans) -> None:
    bans.ban("9.9.9.9", 60, "a slip")
    bans.unban("9.9.9.9")
    bans.unban("9.9.9.9")
    assert bans.listed() == {}
    with pytest.raises(RefusalError):
        bans.unban("everybody")


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("10.1.2.3", "10.1.2.3 belongs to peer 'hospital': peers are not banned"),
        ("198.51.100.9", "198.51.100.9 is an address of this appliance"),
        ("203.0.113.1", "203.0.113.1 is an address of this appliance"),
        ("192.0.2.77", "192.0.2.77 may use service 'ssh' of zone 'mgmt': it is not banned"),
        ("nobody", "'nobody' is not an address"),
    ],
)
def test_who_is_never_banned(bans: Bans, kernel: Kernel, address: str, reason: str) -> None:
    with pytest.raises(RefusalError) as refusal:
        bans.ban(address, 60, "scanner")
    assert str(refusal.value) == reason
    assert kernel.banned == {}


@pytest.mark.parametrize("seconds", [0, -1, 7 * 86400 + 1])
def test_how_long_a_ban_lasts(bans: Bans, kernel: Kernel, seconds: int) -> None:
    with pytest.raises(RefusalError, match="a ban lasts from 1 second to 7 days"):
        bans.ban("9.9.9.9", seconds, "scanner")
    assert kernel.banned == {}


def test_a_kernel_that_refuses(bans: Bans, kernel: Kernel) -> None:
    kernel.deaf = True
    with pytest.raises(RefusalError) as refusal:
        bans.ban("9.9.9.9", 60, "scanner")
    assert refusal.value.code == "kernel"


def test_nobody_is_banned_before_a_site_says_who_is_spared(kernel: Kernel) -> None:
    with pytest.raises(RefusalError, match="no site version is active yet"):
        Bans(kernel).ban("9.9.9.9", 60, "scanner")
