"""Where secrets of the configuration stand: files, or what systemd hands in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hub import settings
from hub.errors import SettingsError

BASE = {"tokens": {"issuer": "https://login.example", "jwks": "keys.json"}}
MAIL = {"host": "mail.example", "sender": "video@hub.example"}


def load(folder: Path, password: object) -> Path | None:
    config = folder / "hub.yaml"
    config.write_text(yaml.safe_dump({**BASE, "post": {"mail": {**MAIL, "password": password}}}))
    mail = settings.load(config).post.mail
    assert mail is not None
    return mail.password


def test_a_credential_is_where_systemd_put_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/vdx-hub-provision.service")
    assert load(tmp_path, {"credential": "mail"}) == Path("/run/credentials/vdx-hub-provision.service/mail")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    assert load(tmp_path, {"credential": "mail"}) == Path("/run/credentials/vdx-hub.service/mail")


def test_a_file_is_where_it_is_said_to_be(tmp_path: Path) -> None:
    assert load(tmp_path, "/etc/mail.password") == Path("/etc/mail.password")


@pytest.mark.parametrize(
    "odd", [{"credential": "../x"}, {"credential": ""}, {"file": "/x"}, {"credential": "a", "b": 1}]
)
def test_what_is_neither_is_told(tmp_path: Path, odd: object) -> None:
    with pytest.raises(SettingsError, match=r"post\.mail\.password: .*\{credential: NAME\}"):
        load(tmp_path, odd)
