"""`gatewayctl --host`: the verbs of the appliance from elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.gatewayd.edge import CHECKOUT
from tests.system.management.conftest import Managed
from tests.system.management.test_push import NORTH, changed

pytestmark = pytest.mark.system


def ctl(managed: Managed, token: Path, *arguments: str) -> tuple[int, str]:
    command = [
        sys.executable, "-m", "gatewayd.ctl", "--host", f"{managed.web.address}:{managed.web.port}",
        "--ca", str(managed.web.authority.path), "--token-file", str(token), *arguments,
    ]  # fmt: skip
    environment = {name: value for name, value in os.environ.items() if name != "SUDO_USER"}
    done: subprocess.CompletedProcess[str] = managed.edge.on(
        "right",
        lambda: subprocess.run(
            command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=60, check=False
        ),
    )
    return done.returncode, done.stdout + done.stderr


def test_the_verbs_of_the_appliance_work_from_elsewhere(managed: Managed, tmp_path: Path) -> None:
    files: dict[str, Any] = {name: tmp_path / name for name in ("anna", "bo", "dora")}
    for name, file in files.items():
        file.write_text(managed.web.token(name) + "\n")
    site = tmp_path / "site.yaml"
    site.write_text(changed(managed))
    status, said = ctl(managed, files["anna"], "check", str(site))
    assert (status, "can be applied" in said) == (0, True), said
    status, said = ctl(managed, files["anna"], "apply", str(site), "--confirm-within", "60", "--why", "more")
    assert (status, "confirm it within" in said) == (0, True), said
    status, said = ctl(managed, files["dora"], "confirm")
    assert (status, "may not ask for 'confirm'" in said) == (1, True), said
    assert ctl(managed, files["anna"], "confirm")[0] == 0
    assert ctl(managed, files["anna"], "rollback", "1", "--no-confirm")[0] == 0
    north = tmp_path / "north.yaml"
    north.write_text(NORTH)
    assert ctl(managed, files["bo"], "apply", str(north), "--organisation", "north", "--no-confirm")[0] == 0
    for verb in (("status",), ("history",), ("journal", "verify")):
        assert ctl(managed, files["dora"], *verb)[0] == 0, verb
    assert ctl(managed, files["anna"], "cut", "peer", "north", "--why", "stolen")[0] == 0
    assert ctl(managed, files["anna"], "uncut", "peer", "north")[0] == 0
    status, said = ctl(managed, files["dora"], "drain")
    assert (status, "may not ask for" in said) == (1, True), said
    for change in ("drain", "undrain"):
        assert ctl(managed, files["anna"], change)[0] == 0, change
    status, said = ctl(managed, files["anna"], "reload")
    assert (status, "for root on the appliance" in said) == (2, True), said
    status, said = ctl(managed, files["anna"], "records")
    assert (status, "for the appliance itself" in said) == (2, True), said
    status, said = ctl(managed, files["anna"], "system", "factory-reset", "--yes")
    assert (status, "its console does it" in said) == (2, True), said
    update = tmp_path / "new.update"
    update.write_bytes(b"x" * (1 << 20))
    status, said = ctl(managed, files["dora"], "system", "update", str(update))
    assert (status, "may not ask for 'tend-machine'" in said) == (2, True), said
    for verb in (("update", str(update)), ("doctor",), ("rollback",), ("support-bundle", str(tmp_path / "bundle"))):
        status, said = ctl(managed, files["anna"], "system", *verb)  # this edge is none that started from an image
        assert (status, "an edge on plain Debian" in said) == (2, True), said


def test_what_is_not_trusted_gets_no_token(managed: Managed, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(managed.web.token("anna"))
    command = [sys.executable, "-m", "gatewayd.ctl", "--host", f"{managed.web.address}:{managed.web.port}"]
    done = managed.edge.on(
        "right",
        lambda: subprocess.run(
            [*command, "--token-file", str(token), "status"],
            cwd=CHECKOUT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        ),
    )
    assert done.returncode == 2
    assert "--ca" in done.stderr
    token.write_text("wrong")
    assert ctl(managed, token, "status") == (
        2,
        "this token is unknown, over or was taken back: `gatewayd-web token` makes one\n",
    )
