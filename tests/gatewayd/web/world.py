"""An appliance in memory behind the web program: real versions, answers about calls as a test says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from gatewayd import overview
from gatewayd.config.errors import DeclineError
from gatewayd.version import compute
from gatewayd.web import app, credentials
from gatewayd.web.credentials import Credentials
from gatewayd.web.errors import AwayError
from tests.gatewayd.config.bench import Bench, run
from tests.gatewayd.config.sites import BASE_TEXT, replaced
from vdx.control import BanList, CallInfo, CallList, FromGatewayd, LegInfo, Ok, StatusReport, ToGatewayd
from vdx.management import (
    AboutManagement,
    EndCall,
    ListRules,
    Look,
    SeeMachine,
    TakeIn,
    TakeOut,
    TendMachine,
)
from vdx.metrics import MetricText
from vdx.pinhole import Listed, OpenLease, Traffic, Usage
from vdx.versions import AboutVersions, Declined, Role

ORIGIN = "https://edge.example"
CALL = "abcdefghijklm"
PEOPLE = ("anna", "bo", "carl", "dora", "eve")

CHANGES = (
    ("{zone: mgmt, into: sdn, action: deny}", "{zone: sdn, into: internet, action: deny, services: [telnet]}"),
    ("policy:\n", "policy:\n  services:\n    telnet: {tcp: [23]}\n"),
    ("    networks: {sdn: [10.30.0.0/16]}", "    networks: {sdn: [10.30.0.0/16], internet: [203.0.113.32/28]}"),
    ("    carl: {role: operator}\n", "    carl: {role: operator}\n    siri: {role: owner, organisation: south}\n"),
)
SITE = replaced(BASE_TEXT, *CHANGES)

CALLS = CallList(
    1,
    (
        CallInfo(
            CALL,
            "up",
            LegInfo("sdn", "hospital", "10.0.0.7", "ward@<hospital>", "up"),
            LegInfo("internet", "citizen", "198.51.100.7", "kari", "up"),
            (),
            61.5,
        ),
    ),
)
LEASE = OpenLease(
    f"{CALL}.0",
    "b2bua",
    "rtp",
    "kernel",
    ("sdn", "internet"),
    ("hospital", "citizen"),
    ("10.0.0.1:40000", "198.51.100.1:50000"),
    ("10.0.0.7:5004", None),
    Usage(f"{CALL}.0", Traffic(1234567, 99), Traffic()),
    71.0,
)


@dataclass
class Appliance:
    """What gatewayd is to the web: answers as gatewayd does, and notes what was asked."""

    bench: Bench
    away: bool = False
    looks: dict[str, FromGatewayd] = field(
        default_factory=lambda: {
            "status": StatusReport(1, "gatewayd", "1", "serving", {"leases": 1, "draining": ""}, ()),
            "calls": CALLS,
            "pinholes": Listed(1, (LEASE,)),
            "bans": BanList(1, {"203.0.113.9": 59.0}),
            "metrics": MetricText(1, "vdx_calls 1\n"),
        }
    )
    asked: list[ToGatewayd] = field(default_factory=list)
    hits: tuple[int, int] = (0, 0)

    async def ask(self, request: ToGatewayd) -> FromGatewayd:
        """Answer."""
        self.asked.append(request)
        if self.away:
            raise AwayError("gatewayd cannot be asked")
        if isinstance(request, AboutVersions):
            return await self.bench.answers.ask(request, local=False)
        assert isinstance(request, AboutManagement)
        try:
            return self._managed(request)
        except DeclineError as declined:
            return Declined(request.id, declined.code, declined.reasons)

    def _managed(self, request: AboutManagement) -> FromGatewayd:
        asker = self.bench.answers.asker(request.principal, local=False)
        asker.require(request)
        if isinstance(request, Look):
            return self.looks[request.what]
        if isinstance(request, EndCall | TakeOut | TakeIn | SeeMachine | TendMachine):
            return Ok(request.id)
        version = compute(self.bench.keeper.running, {})
        if isinstance(request, ListRules):
            return overview.rules(request.id, version, self)
        return overview.agreements(request.id, version, asker, self.bench.now)

    def counters(self, _table: str) -> dict[str, tuple[int, int]]:
        """Give what rules have met, as the kernel does."""
        return dict.fromkeys(compute(self.bench.keeper.running, {}).ruleset.hits, self.hits)


@dataclass
class World:
    """The web program before an appliance, with a token for each person."""

    root: Path
    appliance: Appliance
    tokens: Mapping[str, str]
    client: TestClient
    now: float = 1_000.0

    @property
    def bench(self) -> Bench:
        """The appliance's versions."""
        return self.appliance.bench

    @property
    def file(self) -> Path:
        """The file of credentials."""
        return self.root / "credentials.json"

    def call(self, method: str, path: str, who: str = "anna", **more: Any) -> Any:
        """Ask the API in somebody's name."""
        headers = {"authorization": f"Bearer {self.tokens[who]}", **more.pop("headers", {})}
        return self.client.request(method, f"/api/v1{path}", headers=headers, **more)

    def push(self, text: str, who: str = "anna", fragment: str = "base", **more: Any) -> Any:
        """Push on top of what runs."""
        heads = {each["name"]: each["ref"] for each in self.call("GET", "/situation", who).json()["fragments"]}
        body = {"fragment": fragment, "text": text, "expected": heads.get(fragment), **more}
        return self.call("POST", "/candidates", who, json=body)

    def applied(self, text: str, who: str = "anna", fragment: str = "base") -> None:
        """Push and apply for good."""
        ref = self.push(text, who, fragment).json()["ref"]
        done = self.call("POST", f"/candidates/{ref}/apply", who, json={})
        assert done.status_code == 200, done.text

    def log_in(self, who: str) -> str:
        """Log in at the page; gives what its forms carry."""
        done = self.client.post("/login", data={"token": self.tokens[who]}, follow_redirects=False)
        assert done.status_code == 303, done.text
        page = self.client.get("/changes").text
        return page.split('name="forms" value="')[1].split('"')[0]


def world(root: Path, site: str = SITE, roles: Mapping[str, Role] | None = None) -> World:
    """Start it; `roles` are what tokens are worth at most."""
    bench = Bench(root, site)
    run(bench.start())
    file = root / "credentials.json"
    people = (*PEOPLE, "siri")
    tokens = {name: credentials.issue(file, name, (roles or {}).get(name, "admin"), None) for name in people}
    appliance = Appliance(bench)
    made = World(root, appliance, tokens, TestClient(_nothing, base_url=ORIGIN))
    application = app.build(appliance, Credentials(file), "1", lambda: made.now, lambda: bench.now)
    made.client = TestClient(application, base_url=ORIGIN)
    return made


async def _nothing(*_: Any) -> None:
    raise AssertionError("no application yet")
