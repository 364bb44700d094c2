"""The dial plan of a site file: short forms, and what contradicts itself."""

from __future__ import annotations

import pytest

from tests.gatewayd.site import TEXT
from vdx.site import SiteError, parse
from vdx.site.dialplan import Alternative, Rule
from vdx.site.model import Site

BEFORE = '  - {alias: "*", refuse: 404}\n'


def site(*rules: str, more: str = "domains: [health.example]\n") -> Site:
    """Read the site with other rules, and more at its end."""
    text = TEXT.replace(BEFORE, "".join(f"  - {rule}\n" for rule in rules))
    return parse((text + more).encode()).site


def fault(*rules: str, more: str = "domains: [health.example]\n") -> str:
    with pytest.raises(SiteError) as error:
        site(*rules, more=more)
    return str(error.value)


def rule(text: str) -> Rule:
    return site(text).dialplan[1]


def test_one_destination_or_several() -> None:
    assert rule("{to: hospital}").to == (Alternative(peer="hospital"),)
    text = "peers:\n  second: {zone: sdn, target: {address: 10.0.0.8}}\n"
    found = parse(
        TEXT.replace("peers:\n", text).replace(BEFORE, "  - {to: [hospital, {peer: second, weight: 3}]}\n").encode()
    )
    assert found.site.dialplan[1].to == (Alternative(peer="hospital"), Alternative(peer="second", weight=3))


@pytest.mark.parametrize(
    ("written", "days", "hours"),
    [
        ("{days: mon-fri}", (0, 1, 2, 3, 4), ()),
        ("{days: [fri-mon, wed]}", (0, 2, 4, 5, 6), ()),
        ("{hours: '08:00-16:30'}", (), ((480, 990),)),
        ("{hours: ['22:00-06:00', '12:00-24:00']}", (), ((1320, 360), (720, 1440))),
    ],
)
def test_times(written: str, days: tuple[int, ...], hours: tuple[tuple[int, int], ...]) -> None:
    when = rule(f"{{to: hospital, when: {written}}}").when
    assert when is not None
    assert (when.days, when.hours) == (days, hours)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("{to: hospital, refuse: 404}", "a rule needs one of"),
        ("{alias: a}", "a rule needs one of"),
        ("{to: []}", "a rule needs one of"),
        ("{to: hospital, rewrite: a}", "a rule needs one of"),
        ("{to: nobody}", "no peer is called 'nobody'"),
        ("{to: silent}", "peer 'silent' has no `target`"),
        ("{to: [hospital, hospital]}", "a peer stands twice"),
        ("{to: [hospital, room]}", "`room` has no alternatives"),
        ("{to: dns}", "belong together"),
        ("{to: hospital, via: hospital}", "belong together"),
        ("{to: dns, via: nobody}", "no peer is called 'nobody'"),
        ("{refuse: 404, user: a}", "`user` goes with `to`"),
        ("{to: hospital, reason: Closed}", "`reason` goes with `refuse`"),
        ("{refuse: 200}", "greater than or equal to 400"),
        ("{alias: '**', to: hospital}", "two wildcards touch"),
        ("{alias: '{a}', to: hospital, user: '{b}'}", "asks for 'b'"),
        ("{alias: '{a}', rewrite: '{b}'}", "asks for 'b'"),
        ("{to: hospital, user: 'a b'}", "should match pattern"),
        ("{rewrite: 'a@b c'}", "should match pattern"),
        ("{to: hospital, when: {days: today}}", "names no days"),
        ("{to: hospital, when: {hours: '8-16'}}", "is no time of the day"),
        ("{to: hospital, when: {hours: '08:00-08:00'}}", "begins where it ends"),
        ("{to: hospital, when: {time_zone: Oslo}}", "is no time zone"),
        ("{to: hospital, when: {since: someday}}", "date"),
    ],
)
def test_what_is_wrong(written: str, says: str) -> None:
    assert says in fault(written)


@pytest.mark.parametrize(
    ("written", "more", "says"),
    [
        ("{to: dns, via: citizen}", "", "without `domains` every dialled domain counts as ours"),
        ("{to: hospital, domain: a.example}", "", "without `domains`"),
        ("{domain: '*', to: dns, via: branch}", "domains: [a.example]\n", "peer 'branch' has no `media`"),
        ("{to: room}", "rooms: {ward: {peer: nobody}}\n", "rooms.ward.peer: no peer is called 'nobody'"),
        ("{to: room}", "rooms: {ward: {peer: silent}}\n", "has no `target`"),
        ("{to: room}", "domains: ['Health example']\n", "domains.0"),
        ("{to: room}", "time_zone: Oslo\n", "is no time zone"),
        ("{to: room}", "", ""),
    ],
)
def test_what_does_not_fit_together(written: str, more: str, says: str) -> None:
    if says:
        assert says in fault(written, more=more)
    else:
        assert site(written, more=more).dialplan[1].leads_to == "room"


@pytest.mark.parametrize(
    ("peers", "rule"),
    [
        ("  far: {zone: internet, target: {host: a.example}}\n", "{to: far}"),
        ("", "{domain: '*', to: dns, via: citizen}"),
    ],
)
def test_names_want_somebody_to_ask(peers: str, rule: str) -> None:
    text = TEXT.replace("peers:\n", f"peers:\n{peers}").replace(BEFORE, f"  - {rule}\n")
    text = text.replace("dns: [192.0.2.53], ", "") + "domains: [health.example]\n"
    with pytest.raises(SiteError, match="say in `upstream` who answers"):
        parse(text.encode())


@pytest.mark.parametrize("name", ["room", "dns"])
def test_words_of_the_dial_plan_are_no_peers(name: str) -> None:
    text = TEXT.replace("peers:\n", f"peers:\n  {name}: {{zone: sdn}}\n")
    with pytest.raises(SiteError, match="has a meaning of its own"):
        parse(text.encode())


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ("target: {host: sip.clinic.example}", ""),
        ("target: {host: sip.clinic.example, address: 10.0.0.9}", "one of `address` and `host`"),
        ("target: {port: 5060}", "one of `address` and `host`"),
        ("headers: [{add: X-Site, value: north}]", ""),
        ("headers: [{add: Contact, value: north}]", "never passes"),
        ("headers: [{add: X-Site}]", "`value` goes with"),
        ("headers: [{remove: X-Site, value: a}]", "`value` goes with"),
        ("headers: [{remove: X-Site, add: X-Site}]", "one of `add`, `remove` and `rewrite`"),
        ("headers: [{rewrite: X-Site, match: '{a}', value: '{a}!'}]", ""),
        ("headers: [{rewrite: X-Site, value: '{a}!'}]", "`match` goes with"),
        ("headers: [{rewrite: X-Site, match: '{a}', value: '{b}'}]", "asks for 'b'"),
        ('headers: [{add: X-Site, value: "a\\r\\nVia: b"}]', "should match pattern"),
        ("pin: {header: X-Pin}", ""),
        ("pin: {header: X-Pin, parameter: pin}", "travels in one of"),
        ("pin: {header: Authorization}", "never passes"),
        ("pin: {separator: '**'}", ""),
        ("user_agent: Codec 1.0", ""),
        ('user_agent: "Codec\\n1"', "should match pattern"),
        ("limits: {calls: 10, calls_per_second: 2, bandwidth: 40000}", ""),
        ("limits: {calls: 0}", "greater than or equal to 1"),
        ("domain: clinic.example", ""),
    ],
)
def test_profiles_of_peers(keys: str, says: str) -> None:
    text = TEXT.replace("peers:\n", f"peers:\n  codec: {{zone: sdn, {keys}}}\n")
    if not says:
        assert "codec" in parse(text.encode()).site.peers
        return
    with pytest.raises(SiteError, match=says):
        parse(text.encode())
