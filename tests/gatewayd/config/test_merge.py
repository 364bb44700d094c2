from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
import yaml

from gatewayd import transit
from gatewayd.config.merge import merge, named_lists
from gatewayd.config.whole import Source
from gatewayd.version import compute
from tests.gatewayd.config.sites import BASE_TEXT, NORTH, base, north, replaced
from tests.gatewayd.site import TEXT
from vdx import site
from vdx.site import SiteError


def test_a_base_alone_is_the_site_file_it_was_read_from() -> None:
    merged = merge(base(TEXT), [])
    assert merged.alone
    assert merged.loaded == site.parse(TEXT.encode())


def test_a_fragment_is_part_of_the_whole_and_keeps_its_lines() -> None:
    loaded = merge(base(), [north()]).loaded
    assert loaded.site.peers["north"].sources == (ip_network("10.20.1.0/24"),)
    assert loaded.origin("peers", "north", "sources") == "north.yaml:2"
    assert loaded.origin("rooms", "north.ward") == "north.yaml:7"
    assert loaded.origin("agreements", "clients", "north.pcs", "files", 0) == "north.yaml:10"
    assert loaded.origin("peers", "hospital") == site.parse(BASE_TEXT.encode()).origin("peers", "hospital")


def test_rules_of_fragments_come_before_those_of_the_base_and_every_rule_keeps_its_line() -> None:
    alone = site.parse(BASE_TEXT.encode())
    loaded = merge(base(), [north()]).loaded
    assert [rule.leads_to for rule in loaded.site.dialplan] == ["north", "hospital", None]
    assert [loaded.origin("dialplan", index) for index in range(3)] == [
        "north.yaml:5",
        alone.origin("dialplan", 0),
        alone.origin("dialplan", 1),
    ]
    assert loaded.site.domains == ("hub.example", "north.example")


def test_what_need_not_be_said_is_written_out() -> None:
    loaded = merge(base(), [north()]).loaded
    assert loaded.site.agreements.clients["north.pcs"].organisation == "north"
    assert loaded.site.agreements.organisations["north"].title == "North hospital"
    assert set(loaded.site.agreements.organisations) == {"old", "north"}
    assert loaded.site.peers["north"].limits.calls == 10


def test_lists_of_organisations_do_not_meet() -> None:
    loaded = merge(base(), [north()]).loaded
    assert loaded.site.agreements.clients["north.pcs"].files == ("north.pcs.txt",)
    assert loaded.lists["north.pcs.txt"] == b"# PCs\n10.20.3.0/24\n"
    clients = {client.name: client for client in transit.policy(loaded).agreements.clients}
    assert [str(prefix) for prefix in clients["north.pcs"].prefixes] == ["10.20.2.0/24", "10.20.3.0/24"]
    assert str(clients["north.pcs"].prefixes[1].origin) == "north.pcs.txt:2"


def test_the_whole_is_a_version_of_its_own() -> None:
    one = merge(base(), [north()])
    assert not one.alone
    assert one.loaded.version != merge(base(), []).loaded.version
    compute(one.loaded, {})


@pytest.mark.parametrize(
    ("answer", "approved", "rejected"),
    [
        ("approves: {south.a: {client: south.pcs, service: north.images}}", True, ""),
        ("approves: {south.a: {client: south.pcs, service: north.other}}", False, ""),
        ("rejects: {south.a: {client: south.pcs, service: north.images, why: closed}}", False, "closed"),
        ("rejects: {south.a: {client: south.other, service: north.images, why: closed}}", False, ""),
    ],
)
def test_a_provider_answers_an_agreement_as_it_is(answer: str, approved: bool, rejected: str) -> None:
    asked = "agreements:\n  clients:\n    south.pcs: {zone: sdn, prefixes: [10.30.0.0/24]}\n  agreements:\n"
    asked += "    south.a: {client: south.pcs, service: north.images, starts: 2026-01-01}\n"
    parts = [
        Source("north", "north.yaml", f"{NORTH}  {answer}\n".encode(), {"pcs.txt": b""}),
        Source("south", "south.yaml", asked.encode()),
    ]
    found = merge(base(), parts).loaded.site.agreements.agreements["south.a"]
    assert (found.approved, found.rejected) == (approved, rejected)


@pytest.mark.parametrize(("key", "more"), [("approves", ""), ("rejects", ", why: closed")])
def test_the_base_answers_for_who_has_no_fragment(key: str, more: str) -> None:
    said = f"agreements:\n  {key}: {{north.a: {{client: north.pcs, service: old.journal{more}}}}}\n"
    loaded = merge(base(replaced(BASE_TEXT, ("agreements:\n", said))), [north()]).loaded
    found = loaded.site.agreements.agreements["north.a"]
    assert (found.approved, found.rejected) == (key == "approves", "closed" if more else "")
    told = transit.policy(loaded).agreements
    assert [each.id for each in told.effective()] == (["north.a"] if key == "approves" else [])


def test_an_answer_is_one_of_two() -> None:
    both = "approves: {x.a: {client: c, service: north.images}}"
    both += "\n  rejects: {x.a: {client: c, service: north.images, why: closed}}"
    with pytest.raises(SiteError, match="both approved and rejected"):
        merge(base(), [Source("north", "north.yaml", f"{NORTH}  {both}\n".encode(), {"pcs.txt": b""})])


def test_who_is_not_delegated_anything_does_not_count() -> None:
    assert merge(base(TEXT), [north()]).alone


def test_an_empty_fragment_says_nothing() -> None:
    assert (
        merge(base(), [Source("north", "north.yaml", b"")]).loaded.site.peers.keys()
        == site.parse(TEXT.encode()).site.peers.keys()
    )


def test_the_base_leaves_the_names_of_organisations_alone() -> None:
    text = replaced(BASE_TEXT, ("  silent: {zone: sdn}", "  south.x: {zone: sdn}"))
    with pytest.raises(SiteError, match=r"site\.yaml:\d+: peers\.south\.x: .* belong to that organisation"):
        merge(base(text), [])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("zone: sdn, sources", "zone: sdn, souces"),
            r"^north\.yaml:2: peers\.north\.souces: unknown key; did you mean",
        ),
        (("to: north}", "to: northh}"), r"^north\.yaml:5: dialplan\.0\.to: 'northh' is neither of this organisation"),
        (("peers:\n", "zones: {}\npeers:\n"), r"^north\.yaml:1: zones: unknown key"),
        (("{peer: north}", "{peer: hospital, x: 1}"), r"^north\.yaml:7: rooms\.north\.ward\.x: unknown key"),
    ],
)
def test_faults_of_a_fragment_are_told_by_its_own_lines(change: tuple[str, str], message: str) -> None:
    with pytest.raises(SiteError, match=message):
        merge(base(), [north(change)])


def test_faults_that_only_the_whole_shows_name_the_fragment_too() -> None:
    with pytest.raises(SiteError, match=r"^north\.yaml:2: peers\.north\.certificate: no listener of zone 'sdn' asks"):
        merge(base(), [north(("sources: [10.20.1.0/24]", "certificate: {names: [sip.north.example]}"))])


def test_a_list_that_was_not_pushed_is_missed_where_it_is_named() -> None:
    with pytest.raises(SiteError, match=r"^north\.yaml:10: .*pcs\.txt is not there: push it"):
        merge(base(), [north(lists={})])
    text = replaced(BASE_TEXT, ("  rules:\n", "  networks: {far: {zone: sdn, files: [far.txt]}}\n  rules:\n"))
    with pytest.raises(SiteError, match=r"^site\.yaml:\d+: policy\.networks\.far\.files\.0: far\.txt is not there"):
        merge(base(text), [])


def test_lists_are_found_before_anything_is_judged() -> None:
    assert named_lists(north()) == ["pcs.txt"]
    assert named_lists(Source("north", "n.yaml", b"agreements: {clients: {x: {files: [1, a.txt]}, y: 3}}")) == ["a.txt"]


def test_what_runs_as_one_file_is_the_same_site() -> None:
    merged = merge(base(), [north()])
    again = site.parse(yaml.safe_dump(merged.data, sort_keys=False).encode())
    assert again.site == merged.loaded.site
    assert again.site.zones["sdn"].sip[0].address == ip_address("10.0.0.1")
