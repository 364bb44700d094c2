"""Configuration and rooms of files: read whole, or refused with the field."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixer.agent.config import Sources, load
from mixer.agent.directory import Directory, KeyedPins, read_key, settings_of
from mixer.agent.directory import load as load_rooms
from mixer.errors import ConfigError
from mixer.room import Kind, Role
from vdx.rooms import Room, pin_digest

KEY = b"k" * 32
UUID = "00000000-0000-4000-8000-000000000001"
CONFIG = """
name: mixer1
sip: [{address: 192.0.2.1}]
edge: [192.0.2.2/32, "2001:db8::/64"]
media: {address: 192.0.2.1}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "file.yaml"
    path.write_text(text)
    return path


def test_a_short_configuration_is_enough(tmp_path: Path) -> None:
    config = load(written(tmp_path, CONFIG))
    assert (config.sip[0].port, config.media.first, config.bus) == (5060, 40_000, None)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("nam: x\n", "nam"),
        ("pins: key\n", r"\$\.pins"),
        ("capacity: -1\n", "capacity"),
        ("fps: 31\n", "fps"),
        ("edge: [everybody]\n", "edge"),
        ("edge: []\n", "edge"),
        ("media: {address: mixer.example}\n", "no IP address"),
        ("media: {address: 192.0.2.1, first: 5000, last: 5000}\n", "two ports"),
        ("sip: [{address: 192.0.2.1, transport: tls}]\n", "certificate"),
        ("proxy: {address: 192.0.2.2, transport: tls}\n", "proxy: transport tls"),
        ("name: [\n", "file.yaml"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field(tmp_path: Path, changed: str, said: str) -> None:
    key = changed.partition(":")[0]
    lines = [line for line in CONFIG.splitlines() if not line.startswith(f"{key}:")]
    with pytest.raises(ConfigError, match=said):
        load(written(tmp_path, "\n".join(lines) + "\n" + changed))


def test_only_the_edge_is_a_source() -> None:
    sources = Sources(("192.0.2.2/32", "2001:db8::/64"))
    assert "192.0.2.2" in sources
    assert "2001:db8::7" in sources
    assert "192.0.2.3" not in sources


def test_pins_of_a_file_are_kept_as_digests(tmp_path: Path) -> None:
    text = f'- room: {{uuid: {UUID}, aliases: ["1000"]}}\n  host_pin: "1234"\n  guest_pin: "5678"\n'
    room = load_rooms(written(tmp_path, text), KEY)[UUID]
    assert "1234" not in repr(room)
    pins = settings_of(room, KEY).pins
    assert [pins.role(entry) for entry in ("1234", "5678", "9999", "")] == [Role.HOST, Role.GUEST, None, None]
    with pytest.raises(ConfigError, match="pins"):
        load_rooms(written(tmp_path, text), b"")
    with pytest.raises(ConfigError, match="4 to 9 digits"):
        load_rooms(written(tmp_path, text.replace("1234", "12")), KEY)


def test_without_the_key_no_pin_fits() -> None:
    room = Room(uuid=UUID, aliases=("1000",), host_pin=pin_digest(KEY, UUID, "1234"))
    assert KeyedPins(room, b"").role("1234") is None


def test_the_key_is_long_and_not_for_everybody(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(KEY)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod"):
        read_key(path)
    path.chmod(0o600)
    assert read_key(path) == KEY
    path.write_bytes(b"short")
    with pytest.raises(ConfigError, match="at least 32"):
        read_key(path)


def test_rooms_of_the_bus_come_before_those_of_the_file() -> None:
    other = UUID[:-1] + "2"
    directory = Directory({UUID: Room(uuid=UUID, aliases=("1000",))})
    directory.put(Room(uuid=other, aliases=("1000",)))
    found = directory.find("1000")
    assert found is not None
    assert found.uuid == other
    directory.drop(other)
    found = directory.find("1000")
    assert found is not None
    assert found.uuid == UUID


def test_a_record_says_what_the_room_is() -> None:
    settings = settings_of(Room(uuid=UUID, aliases=("1000",), kind="lecture", most=7, ends=5.0, ends_hard=True), KEY)
    assert (settings.kind, settings.lecture, settings.limit, settings.ends) == (Kind.MEETING, True, 7, 5.0)
    assert settings_of(Room(uuid=UUID, aliases=("1000",), ends=5.0), KEY).ends is None


def test_nothing_is_recorded_where_recordings_have_no_place() -> None:
    room = Room(uuid=UUID, aliases=("1000",), may_record=True)
    assert not settings_of(room, KEY).recording
    assert settings_of(room, KEY, records=True).recording
