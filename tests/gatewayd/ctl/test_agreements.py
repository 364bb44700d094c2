"""`gatewayctl agreements`: a table out of a site file, and back into a fragment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatewayd.ctl.command import main
from vdx.site.exchange import KINDS
from vdx.site.source import read

SITE = """\
name: edge-1
agreements:
  organisations: [north, hub]
  services:
    sip: {organisation: hub, zone: core, endpoints: [10.9.2.9/32], tcp: [5061]}
  clients:
    clinic: {organisation: north, zone: sdn, prefixes: [10.2.0.0/16]}
  agreements:
    a-1: {client: clinic, service: sip, starts: 2026-01-01, ends: 2030-12-31, approved: true}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.yaml").write_text(SITE)
    return tmp_path / "site.yaml"


def exported(site: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main(["agreements", "export", "--site", str(site), *more]) == 0
    return capsys.readouterr().out


def test_what_is_exported_and_imported_is_the_same(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fragment = tmp_path / "new.yaml"
    for kind in KINDS:
        table = tmp_path / f"{kind}.csv"
        table.write_text(exported(site, capsys, "--kind", kind))
        assert main(["agreements", "import", str(table), "--into", str(fragment)]) == 0
        capsys.readouterr()
    assert exported(fragment, capsys) == exported(site, capsys)


def test_an_import_adds_and_changes_and_removes_only_when_told(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site.write_text(SITE.replace("  clients:\n", "  clients:  # who asks\n"))
    table = tmp_path / "more.csv"
    table.write_text(
        "agreement,client,service,starts,ends,approved\n"
        "a-1,clinic,sip,2026-01-01,2030-12-31,true\na-2,clinic,sip,2027-01-01,,\n"
    )
    assert main(["agreements", "import", str(table), "--into", str(site)]) == 0
    assert capsys.readouterr().out == "agreements: 1 added, 0 changed, 0 removed\n"
    table.write_text("agreement,client,service,starts\na-2,clinic,sip,2027-02-01\n")
    assert main(["agreements", "import", str(table), "--into", str(site), "--replace"]) == 0
    assert capsys.readouterr().out == "agreements: 0 added, 1 changed, 1 removed\n"
    data = read(site.read_bytes(), "site.yaml").data
    assert "  clients:  # who asks\n" in site.read_text()
    assert list(data["agreements"]["agreements"]) == ["a-2"]
    assert data["name"] == "edge-1"
    assert list(data["agreements"]["clients"]) == ["clinic"]


def test_a_link_stays_one_and_what_is_no_file_is_not_replaced(
    site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, link, pipe = tmp_path / "more.csv", tmp_path / "link.yaml", tmp_path / "pipe"
    table.write_text("agreement,client,service,starts\na-2,clinic,sip,2027-01-01\n")
    link.symlink_to(site)
    assert main(["agreements", "import", str(table), "--into", str(link)]) == 0
    assert link.is_symlink()
    assert "a-2" in site.read_text()
    os.mkfifo(pipe)
    assert main(["agreements", "import", str(table), "--into", str(pipe)]) == 2
    assert f"{pipe}: is no file that could be replaced" in capsys.readouterr().err
    assert pipe.is_fifo()


def test_a_table_at_fault_changes_nothing(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "wrong.csv"
    table.write_text("agreement,client,service,starts\na-9,clinic,sip,soon\n")
    assert main(["agreements", "import", str(table), "--into", str(site)]) == 2
    assert f"{table}:2: agreements.a-9.starts: 'soon' is no date" in capsys.readouterr().err
    assert site.read_text() == SITE
    assert main(["agreements", "import", str(tmp_path / "none.json"), "--into", str(site)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    for odd in ("- a\n", "agreements: [a]\n", "agreements: {agreements: x}\n"):
        (tmp_path / "odd.yaml").write_text(odd)
        assert main(["agreements", "export", "--site", str(tmp_path / "odd.yaml")]) == 2
        assert "no site file or fragment" in capsys.readouterr().err
