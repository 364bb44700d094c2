"""`gatewayctl trace`: what was said in a call, drawn, written as a capture, or sent to a collector."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec

from gatewayd.ctl.ask import Asking, ask_once
from gatewayd.ctl.ladder import ladder, line
from gatewayd.ctl.pcap import capture
from gatewayd.errors import VersionError
from vdx import hep
from vdx.pinhole import Call, Refused
from vdx.trace import Trace, TraceEntry, TraceReport

FOLLOW_SECONDS = 0.5
"""Between two questions of somebody who follows along."""

_HEP_PORT = 9060


def add(verbs: Any) -> None:  # noqa: ANN401 - argparse does not name the type of its subparsers
    """Add the verb to a parser."""
    trace = verbs.add_parser("trace", help="what was said in a call: both legs, its pinholes, why it ended")
    trace.add_argument("call", nargs="?", type=call_id, metavar="CALL", help="its id, as `calls` and the log show it")
    trace.add_argument(
        "--source", type=ipaddress.ip_address, metavar="ADDR", help="what this source sent that began no call"
    )
    trace.add_argument("--follow", action="store_true", help="go on as messages come; without CALL, of all calls")
    trace.add_argument("--pcap", type=Path, metavar="FILE", help="write a capture for Wireshark, tshark or sngrep")
    trace.add_argument("--hep", type=_collector, metavar="HOST[:PORT]", help="send it to Homer or sngrep as HEP3")


def run(options: argparse.Namespace) -> int:
    """Do what was asked for; raises `VdxError`."""
    if options.call is not None and options.source is not None:
        raise VersionError("a call or a source is traced: leave one of CALL and --source out")
    if options.follow and (options.pcap or options.source):
        raise VersionError("--follow writes lines or sends HEP: leave --pcap and --source out")
    if options.call is None and options.source is None and not options.follow:
        raise VersionError("say which call (`gatewayctl calls` lists them), which --source, or --follow")
    source = str(options.source) if options.source else None
    question = Trace(1, options.call, source)
    return asyncio.run(_follow(question, options) if options.follow else _once(question, options))


async def _once(question: Trace, options: argparse.Namespace) -> int:
    answer = await ask_once(options.run_dir, question)
    if isinstance(answer, Refused):
        return _refused(answer)
    report = _report(answer)
    if options.pcap:
        _write(options.pcap, capture(report.entries))
    if options.hep:
        _send(options.hep, report.entries)
    if options.json:
        print(msgspec.json.encode(report).decode())
    elif not options.pcap and not options.hep:
        print(ladder(report))
    return 0


async def _follow(question: Trace, options: argparse.Namespace) -> int:
    asking = await Asking.at(options.run_dir)
    try:
        while True:
            answer = await asking.ask(question)
            if isinstance(answer, Refused):
                return _refused(answer)
            report = _report(answer)
            if options.hep:
                _send(options.hep, report.entries)
            else:
                _print(report, as_json=options.json)
            if report.over:
                return 0
            question = Trace(1, question.call, None, report.last)
            await asyncio.sleep(FOLLOW_SECONDS)
    finally:
        asking.close()


def _print(report: TraceReport, *, as_json: bool) -> None:
    for entry in report.entries:
        print(msgspec.json.encode(entry).decode() if as_json else line(entry), flush=True)


def _report(answer: object) -> TraceReport:
    if isinstance(answer, TraceReport):
        return answer
    raise VersionError(f"gatewayd gave an odd answer: {type(answer).__name__}")


def _refused(answer: Refused) -> int:
    print(answer.reason, file=sys.stderr)
    return 1


def _write(path: Path, data: bytes) -> None:
    try:
        path.touch(mode=0o600)  # what people say to whom is nobody else's business
        path.write_bytes(data)
    except OSError as error:
        raise VersionError(f"{path} cannot be written: {error.strerror}") from error


def _send(to: tuple[str, int], entries: tuple[TraceEntry, ...]) -> None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(*to, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind, protocol) as out:
            for entry in entries:
                ends = (entry.theirs, entry.ours) if entry.inward else (entry.ours, entry.theirs)
                packet = hep.packet(hep.Captured(*ends, entry.transport, entry.at, entry.data, entry.call))
                if entry.transport and packet:
                    out.sendto(packet, address)
    except OSError as error:
        raise VersionError(f"nothing can be sent to {to[0]} port {to[1]}: {error.strerror}") from error


def _collector(text: str) -> tuple[str, int]:
    """Read HOST, HOST:PORT or [IPv6]:PORT."""
    host, colon, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", "")
    number = int(port) if port.isdecimal() else _HEP_PORT
    if not host or (colon and not port.isdecimal()) or not 0 < number < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is no HOST:PORT")
    return host.strip("[]"), number


def call_id(text: str) -> str:
    """Read the id of a call; raises ArgumentTypeError."""
    try:
        return msgspec.convert(text, Call)
    except msgspec.ValidationError:
        raise argparse.ArgumentTypeError(f"{text!r} is no call id: see `gatewayctl calls`") from None
