"""The configuration of user agents."""

from dataclasses import replace
from pathlib import Path

from lab.baresip import CALLER_PORT, AgentPlan, Secure, accounts, config

PLAN = AgentPlan("home", "198.19.0.10", Path("/there"), Path("/there/scale.wav"))


def _settings(plan: AgentPlan) -> dict[str, list[str]]:
    settings: dict[str, list[str]] = {}
    for line in config(plan).splitlines():
        key, _, value = line.partition("\t")
        settings.setdefault(key, []).append(value)
    return settings


def test_it_listens_on_its_address_only_and_is_steered_on_its_loopback() -> None:
    settings = _settings(PLAN)
    assert settings["sip_listen"] == ["198.19.0.10:5060"]
    assert settings["ctrl_tcp_listen"] == ["127.0.0.1:4444"]


def test_one_that_calls_leaves_room_for_one_that_is_called() -> None:
    called, caller = _settings(PLAN), _settings(replace(PLAN, port=CALLER_PORT))
    for key in ("sip_listen", "ctrl_tcp_listen"):
        assert called[key] != caller[key]


def test_codecs_are_loaded_before_the_account_that_names_them() -> None:
    modules = _settings(PLAN)["module"]
    assert max(modules.index(f"{codec}.so") for codec in ("opus", "g722", "g711", "avcodec")) < modules.index(
        "account.so"
    )


def test_it_records_only_where_asked() -> None:
    assert "sndfile.so" not in _settings(PLAN)["module"]
    recording = _settings(replace(PLAN, record=True))
    assert "sndfile.so" in recording["module"]
    assert recording["snd_path"] == ["/there"]


def test_the_account_registers_nowhere_and_answers_by_itself() -> None:
    account = accounts(PLAN)
    assert account.startswith("<sip:home@198.19.0.10>;")
    assert {"regint=0", "answermode=auto"} <= set(account.strip().split(";"))


def test_ipv6_addresses_stand_in_brackets() -> None:
    plan = replace(PLAN, address="2001:db8::1")
    assert _settings(plan)["sip_listen"] == ["[2001:db8::1]:5060"]
    assert accounts(plan).startswith("<sip:home@[2001:db8::1]>;")


def test_one_that_is_secure_speaks_tls_and_encrypts() -> None:
    plan = replace(PLAN, secure=Secure(Path("/k/home.pem"), Path("/k/home.key"), Path("/k/root.pem"), "srtp-mand"))
    settings = _settings(plan)
    assert (settings["sip_certificate"], settings["sip_cafile"]) == (["/there/pair.pem"], ["/there/root.pem"])
    assert "srtp.so" in settings["module"]
    assert accounts(plan).startswith("<sip:home@198.19.0.10;transport=tls>;regint=0;mediaenc=srtp-mand;")
