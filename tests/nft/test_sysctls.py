from __future__ import annotations

from pathlib import Path

import pytest

from nft.model import FIRST_PORT
from nft.sysctls import INTERFACE_SYSCTLS, REQUIRED_SYSCTLS

SETTINGS = {setting.name: setting for setting in REQUIRED_SYSCTLS}


@pytest.mark.parametrize("name", SETTINGS)
def test_each_setting_exists_in_the_kernel_and_has_a_reason(name: str) -> None:
    assert Path(SETTINGS[name].path).exists()
    assert SETTINGS[name].reason


def test_own_ports_lie_below_the_media_ports() -> None:
    low, high = map(int, SETTINGS["net.ipv4.ip_local_port_range"].value.split())
    assert low < high < FIRST_PORT


def test_interface_settings_name_their_interface() -> None:
    assert all("{interface}" in setting.path for setting in INTERFACE_SYSCTLS)
