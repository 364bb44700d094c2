from __future__ import annotations

from pathlib import Path

import pytest

from gatewayd import rights
from gatewayd.errors import StartError
from nft.errors import NftError


def test_rights_are_read_from_the_effective_set(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000001000\n")
    rights.require_net_admin(status)
    status.write_text("Name:\tpython\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffefff\n")
    with pytest.raises(StartError, match="run it as root or with CAP_NET_ADMIN"):
        rights.require_net_admin(status)


def test_a_kernel_without_netfilter(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise OSError(93, "Protocol not supported")

    monkeypatch.setattr(rights, "Netlink", none)
    with pytest.raises(StartError) as error:
        rights.open_nftables()
    assert str(error.value) == (
        "this kernel has no nftables: load the module nf_tables, or boot a kernel that has it (Protocol not supported)"
    )


def test_a_kernel_without_nftables(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = []

    class Deaf:
        def declarations(self, table: str) -> dict[str, object]:
            raise NftError(f"sets of {table}: Invalid argument")

        def close(self) -> None:
            closed.append(self)

    monkeypatch.setattr(rights, "Netlink", Deaf)
    with pytest.raises(StartError, match="this kernel has no nftables"):
        rights.open_nftables()
    assert closed
