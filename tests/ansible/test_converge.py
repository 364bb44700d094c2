"""Roles on throw-away Debian machines without internet: everything from one signed file, twice, then it works."""

import time
from pathlib import Path

import pytest

from tests.ansible.conftest import Boot, Bundle, Site

pytestmark = [pytest.mark.system, pytest.mark.deploy]

CORE = ("bus", "database", "hub")
HANG_S = 300.0
"""Until a program that hangs has been ended: its minute, and a busy machine's patience."""


@pytest.fixture(scope="module")
def one(site: Boot) -> Site:
    made = site({"core1": "192.0.2.20"}, {group: ["core1"] for group in CORE})
    made.play("site")
    return made


def test_a_second_run_changes_nothing(one: Site) -> None:
    assert one.play("site") == []


def test_check_mode_changes_nothing(one: Site) -> None:
    assert one.play("site", "--check") == []


def test_every_program_runs(one: Site) -> None:
    core = one.machines["core1"]
    units = "vdx-bus vdx-hub vdx-hub-provision nginx postgresql@15-main nftables prometheus-node-exporter"
    assert set(core.shell(f"systemctl is-active {units}").split()) == {"active"}
    assert core.shell("systemctl list-units --failed --no-legend 'vdx-*' postgresql*").strip() == ""


def test_the_hub_answers_over_tls_with_the_sites_certificate(one: Site) -> None:
    words = one.machines["core1"].shell(
        "printf 'GET /v2/openapi.json HTTP/1.0\\r\\nHost: hub.example.org\\r\\n\\r\\n' | "
        "openssl s_client -quiet -verify_return_error -CAfile /etc/vdx/tls/ca.pem -connect 127.0.0.1:443 2>/dev/null"
    )
    assert "200 OK" in words
    assert '"openapi"' in words


def test_buckets_and_streams_are_on_the_bus(one: Site) -> None:
    show = "vdx-bus show rooms --server tls://192.0.2.20:4222 --credentials /etc/vdx/bus/owner.secret"
    assert one.machines["core1"].shell(f"{show} --trust /etc/vdx/tls/ca.pem") == ""


def test_the_log_of_the_database_reaches_the_backup_folder(one: Site) -> None:
    one.play("backup")
    core = one.machines["core1"]
    assert core.shell("ls /var/backups/vdx/base").strip()
    assert _sql(one, "SELECT failed_count FROM pg_stat_archiver") == "0"
    assert _sql(one, "SELECT archived_count > 0 FROM pg_stat_archiver") == "t"


def test_sandboxes_hold(one: Site) -> None:
    core = one.machines["core1"]
    for unit in ("vdx-bus", "vdx-hub", "vdx-hub-provision", "vdx-base-backup"):
        core.shell(f"systemd-analyze security --threshold=20 --no-pager {unit}")


def test_what_hangs_is_ended_and_started_anew(one: Site) -> None:
    core = one.machines["core1"]
    workers = "pgrep --oldest --parent $(systemctl show --value --property=MainPID vdx-hub) --full spawn_main"
    worker = core.shell(workers).strip()
    provision = core.shell("systemctl show --value --property=MainPID vdx-hub-provision").strip()
    core.shell(f"kill -STOP {worker} {provision}")
    ends = time.monotonic() + HANG_S
    while core.shell(f"ps --no-headers -o pid= {worker} {provision} || true").strip():
        assert time.monotonic() < ends, core.shell("journalctl --no-pager --lines=50 -u vdx-hub -u vdx-hub-provision")
        time.sleep(1)
    assert core.shell("systemctl show --value --property=NRestarts vdx-hub").strip() == "0"  # the others went on
    wait = "until [ $(systemctl show --value --property=ActiveState vdx-hub-provision) = active ]; do sleep 1; done"
    core.shell(wait)
    get = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/v2/openapi.json').status)"
    assert core.shell(f'/usr/lib/vdx/bin/python -c "{get}"').strip() == "200"


def test_programs_get_their_secrets_from_systemd_alone(one: Site) -> None:
    core = one.machines["core1"]
    names = {"bus.secret", "pins.key", "pgpass"}
    assert set(core.shell("ls /etc/vdx/hub/credentials").split()) == names
    for unit in ("vdx-hub", "vdx-hub-provision"):
        assert set(core.shell(f"ls /run/credentials/{unit}.service").split()) == names
        pid = core.shell(f"systemctl show --value --property=MainPID {unit}").strip()
        told = core.shell(f"tr '\\0' '\\n' </proc/{pid}/environ; tr '\\0' ' ' </proc/{pid}/cmdline")
        for name in names:
            last = core.shell(f"tail --lines=1 /etc/vdx/hub/credentials/{name}").strip()
            assert last
            assert last not in told
    refused = core.shell("runuser -u vdx-hub -- cat /etc/vdx/hub/credentials/pgpass 2>&1 || true")
    assert "Permission denied" in refused


def test_secrets_are_closed_to_others(one: Site) -> None:
    loose = one.machines["core1"].shell(
        "find /etc/vdx /var/lib/vdx-* /var/backups/vdx -perm /o+r -type f ! -name '*.pem' ! -name '*.yaml'"
    )
    assert loose == ""


def test_what_was_booked_is_there_after_a_restore(one: Site, tmp_path: Path) -> None:
    _sql(one, "CREATE TABLE kept (word text)")
    one.play("backup")
    _sql(one, "INSERT INTO kept VALUES ('after the copy')")
    one.play("backup", "-e", f"backup_fetch={tmp_path}")
    _sql(one, "DROP TABLE kept")
    (saved,) = tmp_path.glob("*.tar.gz")
    one.play("restore", "-e", f"restore_from={saved}", "-e", "restore_confirmed=yes")
    assert _sql(one, "SELECT word FROM kept") == "after the copy"
    assert one.play("site") == []


def test_a_bundle_of_somebody_else_is_refused(one: Site, bundle: Bundle, tmp_path: Path) -> None:
    other = tmp_path / "vdx-9.tar"
    other.write_bytes(b"not ours")
    (tmp_path / "vdx-9.tar.sig").write_bytes(bundle.file.with_suffix(".tar.sig").read_bytes())
    with pytest.raises(AssertionError, match="BAD signature"):
        one.play("site", "-e", f"bundle_file={other}", "-e", "bundle_version=9")
    assert one.machines["core1"].shell("readlink /usr/lib/vdx").strip().endswith(one.bundle.file.stem[4:])


def _sql(site: Site, query: str) -> str:
    return site.machines["core1"].shell(f'cd / && runuser -u postgres -- psql -XAtq -d hub -c "{query}"').strip()
