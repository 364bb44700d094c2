"""Every fault of a site file: one sentence with file, line and the way out."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from vdx.site import source
from vdx.site.block import Model
from vdx.site.source import SiteError, load, parse

TEXT = """\
name: edge-1
zones:
  sdn:
    interface: sdn0
    addresses: [10.0.0.1/24, "2001:db8::1/64"]
    routes:
      - {to: default, via: 10.0.0.254}
    media: {addresses: [10.0.0.1], ports: 40000-40099}
    sip:
      - {transport: udp, address: 10.0.0.1}
      - {transport: tcp, address: 10.0.0.1}
  internet:
    interface: net0
    addresses: [198.51.100.1/24]
peers:
  hospital:
    zone: sdn
    sources: [10.0.0.0/8]
    target: {address: 10.0.0.7}
dialplan:
  - {alias: "*", to: hospital}
limits: {calls: 100}
upstream: {zone: sdn, dns: [10.0.0.53]}
"""


def faults(text: str) -> list[str]:
    with pytest.raises(SiteError) as error:
        parse(text.encode(), "site.yaml")
    return str(error.value).splitlines()


FAULTS: list[tuple[str, str, tuple[str, ...] | int]] = [
    ("name: edge-1", "nam: edge-1", ("1: nam: unknown key; did you mean 'name'?", "1: name: is required")),
    ("name: edge-1", "name: Edge One", 1),
    ("  sdn:\n", "  dmz:\n", 3),
    ("    interface: sdn0\n", "", ("3: zones.sdn.interface: is required",)),
    ("interface: net0", "interface: sdn0", ("13: zones.internet.interface: 'sdn0' already belongs to zone 'sdn'",)),
    ("interface: sdn0", "interface: ../sdn0", 4),
    ("10.0.0.1/24", "10.0.0.300/24", 5),
    (
        "via: 10.0.0.254",
        "via: 10.9.0.254",
        ("7: zones.sdn.routes.0.via: 10.9.0.254 is not reachable: no address of zone 'sdn' lies in its network",),
    ),
    (
        "to: default, via",
        "to: 2001:db8:5::/48, via",
        ("7: zones.sdn.routes.0.to: `to` and `via` are of different families",),
    ),
    (
        "media: {addresses: [10.0.0.1]",
        "media: {addresses: [10.0.0.2]",
        ("8: zones.sdn.media.addresses.0.address: 10.0.0.2 is no address of zone 'sdn': add it to `addresses`",),
    ),
    (
        "addresses: [10.0.0.1], ports",
        "addresses: [{address: 10.0.0.1, advertise: 2001:db8::5}], ports",
        ("8: zones.sdn.media.addresses.0.advertise: advertise an address of the same family",),
    ),
    ("ports: 40000-40099", "ports: 40000", 8),
    ("ports: 40000-40099", "ports: 40099-40000", 8),
    ("ports: 40000-40099", "ports: 80-40000", 8),
    (
        "ports: 40000-40099",
        "ports: 5000-5100",
        ("10: zones.sdn.sip.0.port: port 5060 lies in the media range 5000-5100",),
    ),
    (
        "transport: udp, address: 10.0.0.1",
        "transport: udp, address: 10.0.0.9",
        ("10: zones.sdn.sip.0.address: 10.0.0.9 is no address of zone 'sdn': add it to `addresses`",),
    ),
    (
        "transport: tcp",
        "transport: udp",
        ("11: zones.sdn.sip.1: another listener has this address and port: remove one",),
    ),
    ("transport: tcp", "transport: sctp", 11),
    ("transport: tcp", "transport: []", 11),
    (
        "198.51.100.1/24",
        "10.0.0.1/8",
        ("14: zones.internet.addresses.0: 10.0.0.1 is already an address of zone 'sdn'",),
    ),
    (
        "    zone: sdn\n",
        "    zone: core\n",
        ("17: peers.hospital.zone: zone 'core' is not configured: add it under `zones`",),
    ),
    ("sources: [10.0.0.0/8]", "sources: [10.0.0.1/8]", 18),
    (
        "target: {address: 10.0.0.7}",
        "learn: yes",
        ("21: dialplan.0.to: peer 'hospital' has no `target`: say where its calls go",),
    ),
    ("target: {address: 10.0.0.7}", "target: {address: room.example}", 19),
    ("to: hospital", "to: hospitl", ("21: dialplan.0.to: no peer is called 'hospitl': add it under `peers`",)),
    ("to: hospital", "refuse: 200", 21),
    (
        "to: hospital",
        "refuse: 404, to: hospital",
        ("21: dialplan.0: a rule needs one of `to` (a peer), `refuse` (a SIP status from 400 to 699) and `rewrite`",),
    ),
    ("calls: 100", "calls: 0", 22),
    ("calls: 100", "calls: many", 22),
    ("calls: 100", "call: 100", ("22: limits.call: unknown key; did you mean 'calls'?",)),
    (
        "zone: sdn, dns",
        "zone: mgmt, dns",
        ("23: upstream.zone: this zone is not configured: add it under `zones`",),
    ),
    ("name: edge-1\n", "name: edge-1\nname: edge-2\n", ("2: 'name' stands here and on line 1: remove one",)),
    (
        "name: edge-1\n",
        "name: edge-1\ninterfaces: {v: {vlan: 5}}\n",
        ("2: interfaces.v: a VLAN needs both `vlan` (its number) and `parent` (the interface it runs on)",),
    ),
    (
        "name: edge-1\n",
        "name: edge-1\ninterfaces: {v: {vlan: 5, parent: v}}\n",
        ("2: interfaces.v: an interface cannot stand on itself",),
    ),
    ("name: edge-1\n", "name: edge-1\ninterfaces: {v: {mtu: 100}}\n", 2),
    ("name: edge-1\n", "name: edge-1\n? [a]\n: 5\n", ("2: a key must be a plain word",)),
    ("name: edge-1\n", "name: [edge-1\n", 2),
    (
        "name: edge-1",
        "name: 2026-02-30",
        ("1: '2026-02-30' is no date or time (day is out of range for month): correct it, or quote it if it is text",),
    ),
    ("name: edge-1", "name: 2030-01-01T25:00:00", 1),
    ("name: edge-1\n", "name: edge-1\n2030-13-45: x\n", 2),
    (
        "calls: 100",
        "calls: !!int many",
        ("22: 'many' is no whole number: correct it, or quote it if it is text",),
    ),
    ("calls: 100", "calls: !!bool many", 22),
    (
        "calls: 100",
        f"calls: {'9' * 5000}",
        (f"22: '{'9' * 40}' is no whole number: it has more than 100 characters; quote it if it is text",),
    ),
    ("name: edge-1\n", "name: !!python/object/apply:os.system [id]\n", 1),
]
"""What is replaced, by what, and what is told; a number alone is the line, where the words are pydantic's or YAML's."""


@pytest.mark.parametrize(("old", "new", "told"), FAULTS)
def test_a_fault_has_its_line(old: str, new: str, told: tuple[str, ...] | int) -> None:
    assert old in TEXT
    found = faults(TEXT.replace(old, new, 1))
    if isinstance(told, int):
        assert any(line.startswith(f"site.yaml:{told}: ") for line in found), found
    else:
        assert found == [f"site.yaml:{line}" for line in told]


def test_the_text_without_a_fault_is_a_site() -> None:
    assert parse(TEXT.encode()).site.name == "edge-1"


def test_every_fault_is_told_at_once_in_the_order_of_the_file() -> None:
    text = TEXT.replace("interface: sdn0", "interfce: sdn0").replace("calls: 100", "cals: 100")
    assert [line.split(": ")[0] for line in faults(text)] == ["site.yaml:3", "site.yaml:4", "site.yaml:22"]


@pytest.mark.parametrize("text", ["", "[]", "5", "just words", "- a\n- b\n", "null"])
def test_what_is_no_site_file(text: str) -> None:
    assert faults(text)[0].startswith("site.yaml:1: ")


@pytest.mark.parametrize("data", [b"\x00", b"\xff\xfe\x00", b"a: \x80", b"\t- x"])
def test_what_is_not_yaml(data: bytes) -> None:
    with pytest.raises(SiteError, match="not YAML"):
        parse(data)


def test_aliases_that_explode() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert "aliases expand to more than 2,000,000 values" in faults("\n".join(levels))[0]


def test_aliases_that_never_end() -> None:
    found = faults("a: &a [*a]")
    assert len(found) == 1
    assert found[0].startswith("site.yaml:1: ")


def test_nesting_without_end() -> None:
    assert "nested deeper than 32 levels" in faults("[" * 500 + "]" * 500)[0]
    assert len(faults("[" * 100_000)) == 1


def test_a_file_of_a_gigabyte_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "site.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 30)
    with pytest.raises(SiteError, match=r"file is larger than 16 MiB: is this a site file?"):
        load(path)
    monkeypatch.setattr(source, "MAX_BYTES", 1 << 20)
    with pytest.raises(SiteError, match="longer than 1 MiB"):
        parse(b" " * ((1 << 20) + 1))


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"^.*site\.yaml: cannot be read: No such file or directory$"):
        load(tmp_path / "site.yaml")
    with pytest.raises(SiteError, match=r"cannot be read: Is a directory$"):
        load(tmp_path)


def test_a_value_remembers_its_line(tmp_path: Path) -> None:
    path = tmp_path / "edge.yaml"
    path.write_text(TEXT)
    loaded = load(path)
    assert loaded.origin("zones", "sdn", "sip", 1) == "edge.yaml:11"
    assert loaded.origin("zones", "sdn", "sip", 1, "port") == "edge.yaml:11"  # a default stands where its block is
    assert loaded.origin("nowhere") == "edge.yaml:1"


def test_a_version_changes_with_the_content() -> None:
    assert parse(TEXT.encode()).version == parse(TEXT.encode()).version
    assert parse(TEXT.encode()).version != parse(TEXT.replace("calls: 100", "calls: 101").encode()).version


@given(st.binary(max_size=300))
def test_any_bytes_are_a_site_or_a_site_error(data: bytes) -> None:
    try:
        parse(data)
    except SiteError as error:
        told = str(error)
        assert told.startswith("site.yaml:")


YAML = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(10**90, 10**110)
    | st.floats()
    | st.dates()
    | st.datetimes(timezones=st.sampled_from([None, UTC]))
    | st.binary(max_size=4)
    | st.text(max_size=8)
    | st.sampled_from(["sdn", "10.0.0.1/24", "default"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["interface", "addresses", "routes", "media", "sip", "to", "via", "x"]), inner
        )
    ),
    max_leaves=12,
)


@given(YAML)
def test_any_yaml_in_a_zone_is_a_site_or_a_site_error(value: object) -> None:
    text = yaml.safe_dump({"name": "edge", "zones": {"sdn": value}})
    try:
        parse(text.encode())
    except SiteError as error:
        assert error.faults  # noqa: PT017 - both ends are right


TAGS = ["", "!", "!!str ", "!!null ", *(f"!!{tag} " for tag in ("int", "float", "bool", "timestamp", "binary", "set"))]
SCALARS = (
    st.text("0123456789-+:.TZ_exob infa", max_size=24)
    | st.from_regex(
        r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(T[0-9]{1,2}:[0-9]{2}:[0-9]{2}([+-][0-9]{1,2}(:[0-9]{2})?)?)?", fullmatch=True
    )
    | st.integers(1, 400).map(lambda groups: "1" + ":1" * groups + ".5")
    | st.integers(1, 6000).map(lambda digits: "9" * digits)
)


@given(st.sampled_from(TAGS), SCALARS)
@example("", "2026-02-30")
@example("", "2030-13-45")
@example("", "2030-01-01T25:00:00")
@example("", "2030-01-01T00:00:00+99:59")
@example("", "9" * 5000)
@example("!!int ", "abc")
@example("!!int ", "''")
@example("!!bool ", "x")
@example("!!timestamp ", "x")
@example("", "1" + ":1" * 400 + ".5")
def test_any_scalar_is_read_or_told_with_its_line(tag: str, scalar: str) -> None:
    try:
        source.read(f"a: 1\nb: {tag}{scalar}\n".encode(), "site.yaml")
    except SiteError as error:
        assert str(error).startswith("site.yaml:")  # noqa: PT017 - both ends are right


def models(model: type[Model] = Model) -> Iterator[type[Model]]:
    for each in model.__subclasses__():
        yield each
        yield from models(each)


ODD: list[object] = [
    *(
        None,
        True,
        -1,
        0,
        10**99,
        math.inf,
        math.nan,
        "",
        "x",
        "\u0663",
        b"\xff",
        [],
        {},
        [[1]],
        [None],
        {1: 2},
        {"x": []},
    ),
    *(
        date.min,
        date.max,
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
    ),
]


def test_whatever_a_field_of_any_block_holds_is_taken_or_told() -> None:
    tried = 0
    for model in models():
        for field, value in itertools.product(model.model_fields, ODD):
            for entry in ({field: value}, {field: [value]}, {field: {"x": value}}):
                tried += 1
                with contextlib.suppress(ValidationError):
                    model.model_validate(entry)
    assert tried > 10_000
