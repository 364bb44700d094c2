"""The verbs of `gatewayctl`. Exit status: 0 done, 1 refused, 2 it cannot be asked or the file is at fault."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from gatewayd import pair, transit
from gatewayd.admin import program_version
from gatewayd.ctl import agreements, dns, packet, prove, records, remote, route, system, tables, trace, versions
from gatewayd.ctl.ask import ask_once
from gatewayd.errors import VersionError
from gatewayd.version import compute
from nft.policy.lint import lint
from vdx import control, site
from vdx.control import BanList, CallList, FromGatewayd, RegistrationList, StatusReport, ToGatewayd
from vdx.drain import MAX_DEADLINE, Drain, Undrain
from vdx.errors import VdxError
from vdx.metrics import Metrics, MetricText
from vdx.pinhole import Ban, Listed, Refused
from vdx.versions import BASE, Declined

RUN_DIR = Path("/run/vdx")
BAN_SECONDS = 3600
ACTIVE_FILE = Path("/var/lib/vdx/active.yaml")
"""Where gatewayd keeps the site file that is active."""

OF_SITE = {
    "dns": "the DNS records to publish for every domain, as zone-file text",
    "pair": "what keepalived of a pair reads; nothing where the site is of none",
}
"""Verbs that tell something of a site file."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(packet.spelled(sys.argv[1:] if arguments is None else arguments))
    run = OWN_VERBS.get(options.verb)
    try:
        if options.host and options.verb in LOCAL_VERBS:
            raise VersionError(f"`{options.verb}` is for the appliance itself: use it there")
        if run:
            return run(options)
        if options.host:
            answer = asyncio.run(remote.connection(options).ask(_request(options)))
        else:
            answer = asyncio.run(ask_once(options.run_dir, _request(options)))
    except VdxError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return _show(answer, as_json=options.json)


def _version(options: argparse.Namespace) -> int:
    found = program_version()
    print(json.dumps({"program": "gatewayctl", "version": found}) if options.json else f"gatewayctl {found}")
    return 0


def _dns(options: argparse.Namespace) -> int:
    print(dns.records(site.load(options.file).site))
    return 0


def _pair(options: argparse.Namespace) -> int:
    print(pair.keepalived(site.load(options.file).site), end="")
    return 0


def _check(options: argparse.Namespace) -> int:
    """Check a whole site file here; gatewayd checks a candidate, or a fragment, with what runs beside it."""
    file = Path(options.what)
    if options.host or options.organisation != BASE or (not file.exists() and versions.REF.fullmatch(options.what)):
        return versions.run(options)
    version = compute(site.load(file), {})
    transit.stated(version.transit, time.time())
    findings = lint(version.transit, int(time.time()))
    proof = prove.run(version.loaded, options) if options.prove else None
    holds = proof is None or proof.holds
    if options.json:
        told = [{"severity": each.severity, "code": each.code, "text": str(each)} for each in findings]
        answer = {"file": str(file), "version": version.name, "ok": holds, "findings": told}
        print(json.dumps(answer if proof is None else {**answer, "proof": msgspec.to_builtins(proof)}))
        return 0 if holds else 2
    for each in findings:
        print(f"{each.severity}: {each}")
    for line in proof.sentences() if proof else ():
        print(line, file=sys.stdout if holds else sys.stderr)
    if holds:
        print(f"{file}: version {version.name} can be applied")
    return 0 if holds else 2


def _request(options: argparse.Namespace) -> ToGatewayd:
    requests: dict[str, Callable[[], ToGatewayd]] = {
        "status": lambda: control.Status(1),
        "calls": lambda: control.Calls(1),
        "pinholes": lambda: control.Pinholes(1),
        "registrations": lambda: control.Registrations(1),
        "metrics": lambda: Metrics(1),
        "reload": lambda: control.Reload(1),
        "hangup": lambda: control.Hangup(1, options.call),
        "ban": lambda: Ban(1, str(options.address), options.seconds, options.reason),
        "bans": lambda: control.Bans(1),
        "drain": lambda: Drain(1, options.deadline),
        "undrain": lambda: Undrain(1),
        "unban": lambda: control.Unban(1, str(options.address)),
    }
    return requests[options.verb]()


def _show(answer: FromGatewayd, *, as_json: bool) -> int:
    refused = isinstance(answer, Refused | Declined)
    if as_json:
        print(msgspec.json.encode(answer).decode())
        return 1 if refused else 0
    if isinstance(answer, Refused | Declined):
        reasons = answer.reasons if isinstance(answer, Declined) else (answer.reason,)
        print("\n".join(reasons), file=sys.stderr)
        return 1
    if isinstance(answer, StatusReport):
        print(tables.status(answer))
    elif isinstance(answer, CallList):
        print(tables.calls(answer.calls))
    elif isinstance(answer, RegistrationList):
        print(tables.registrations(answer.bindings))
    elif isinstance(answer, BanList):
        print(tables.bans(answer.bans))
    elif isinstance(answer, Listed):
        print(tables.pinholes(answer.leases))
    elif isinstance(answer, MetricText):
        print(answer.text, end="")
    else:
        print("done")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gatewayctl", description="Ask and steer the edge appliance.")
    parser.add_argument("--run-dir", type=Path, default=RUN_DIR, help=f"directory of the sockets (default: {RUN_DIR})")
    parser.add_argument("--json", action="store_true", help="print the answer as JSON, for programs")
    remote.add(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("status", help="how gatewayd and b2bua are")
    verbs.add_parser("calls", help="calls that are up, with their streams")
    verbs.add_parser("pinholes", help="open media ports, with packets from each end")
    verbs.add_parser("bans", help="addresses from which everything is dropped, and for how long")
    verbs.add_parser("registrations", help="devices that are registered, and where")
    hangup = verbs.add_parser("hangup", help="end one call")
    hangup.add_argument("call", type=trace.call_id, metavar="CALL", help="its id, as `calls` shows it")
    trace.add(verbs)
    records.add(verbs)
    verbs.add_parser("metrics", help="the numbers of the appliance as Prometheus reads them")
    route.add(verbs)
    packet.add(verbs, ACTIVE_FILE)
    agreements.add(verbs, ACTIVE_FILE)
    versions.add(verbs)
    system.add(verbs)
    for name, words in OF_SITE.items():
        told = verbs.add_parser(name, help=words)
        told.add_argument(
            "file", type=Path, nargs="?", default=ACTIVE_FILE, metavar="FILE", help="(default: %(default)s)"
        )
    drain = verbs.add_parser("drain", help="take no new calls, and say so")
    drain.add_argument(
        "--deadline", type=_duration, metavar="TIME", help="end calls that are up after 90s, 30m, 2h (default: never)"
    )
    verbs.add_parser("undrain", help="take calls again")
    ban = verbs.add_parser("ban", help="drop everything from an address for a while")
    ban.add_argument("address", type=ipaddress.ip_address, metavar="ADDR")
    ban.add_argument("--seconds", type=int, default=BAN_SECONDS, help=f"how long (default: {BAN_SECONDS})")
    ban.add_argument("--reason", default="no reason given", help="for the log")
    unban = verbs.add_parser("unban", help="lift a ban before its time")
    unban.add_argument("address", type=ipaddress.ip_address, metavar="ADDR")
    check = verbs.add_parser("check", help="say whether a site file could be applied")
    check.add_argument("what", metavar="FILE|CANDIDATE")
    versions.of_fragment(check)
    prove.add(check, ACTIVE_FILE)
    verbs.add_parser("reload", help="read the site file again and apply it, or change nothing")
    verbs.add_parser("version", help="the version of this program")
    return parser


def _duration(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    if not number.isdecimal() or unit not in _UNITS:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write it as in 90s, 30m or 2h")
    seconds = int(number) * _UNITS[unit]
    if seconds > MAX_DEADLINE:
        raise argparse.ArgumentTypeError(f"{text!r} is longer than a week")
    return float(seconds)


OWN_VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    **dict.fromkeys(versions.VERBS, versions.run),
    "agreements": agreements.run,
    "check": _check,
    "dns": _dns,
    "explain": packet.run,
    "pair": _pair,
    "records": records.run,
    "route": route.run,
    "system": system.run,
    "trace": trace.run,
    "version": _version,
}
"""Verbs that are more than one question and its answer."""

LOCAL_VERBS = frozenset(("records", "route", "trace"))
"""Verbs of which the management API knows nothing."""

_UNITS = {"s": 1, "m": 60, "h": 3600}
