"""`vdx-lab`: a small installation on this machine, and real calls through it."""

import argparse
import dataclasses
import json
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from lab import report, status
from lab.call import Call, parties
from lab.capture import tcpdump
from lab.core import Core
from lab.errors import CallError, LabError, NoCoreError
from lab.lab import Lab, require_root
from lab.meeting import Meeting
from lab.programs import PROGRAMS, tail

PICTURE = Path("build/lab-room.png")
WATCH_S = 3600.0  # one turn of looking after a call that stays up


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0 if all is well, 1 if a call failed or carried nothing, 2 if nothing could be done."""
    options = _parser().parse_args(arguments)
    verbs = {
        "up": _up,
        "down": _down,
        "status": _status,
        "exec": _exec,
        "capture": _capture,
        "call": _call,
        "room": _room,
        "run": _run,
    }
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return verbs[options.verb](options)
    except LabError as error:
        print(f"vdx-lab: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130


def _up(options: argparse.Namespace) -> int:
    lab = Lab(options.name)
    lab.up(() if options.hosts_only else PROGRAMS, core=not (options.hosts_only or options.no_core))
    lab.leave()
    print(status.to_text(status.status(lab)))
    return 0


def _down(options: argparse.Namespace) -> int:
    Lab(options.name).down()
    return 0


def _status(options: argparse.Namespace) -> int:
    seen = status.status(Lab.running(options.name))
    print(seen.to_json() if options.json else status.to_text(seen))
    return 0


def _exec(options: argparse.Namespace) -> NoReturn:
    require_root()
    host = Lab.running(options.name).host(options.host)
    host.become(options.command or [os.environ.get("SHELL", "/bin/sh")])


def _capture(options: argparse.Namespace) -> NoReturn:
    require_root()
    host = Lab.running(options.name).host(options.host)
    host.become(tcpdump(options.interface, options.write, options.filter))


def _call(options: argparse.Namespace) -> int:
    require_root()
    lab = Lab.running(options.name)
    with Call(lab, options.caller, options.callee) as call:
        seen = call.hold(options.seconds)
    if options.json:
        print(json.dumps({**dataclasses.asdict(seen), "carried": seen.carried}, indent=2))
    else:
        print(report.to_text(seen, lab.topology))
    return 0 if seen.carried else 1


def _room(options: argparse.Namespace) -> int:
    require_root()
    lab = Lab.running(options.name)
    if "mixer" not in lab.state.programs():
        raise NoCoreError(f"Lab {lab.name} has no mixing server; take it down, and up without --no-core.")
    return _meet(lab, options)


def _meet(lab: Lab, options: argparse.Namespace) -> int:
    alias = Core(lab).some_room()
    with Meeting(lab, alias, options.hosts) as meeting:
        seen = meeting.hold(options.seconds, options.picture)
    print(json.dumps(dataclasses.asdict(seen), indent=2) if options.json else report.meeting_text(seen), flush=True)
    return 0 if seen.complete else 1


def _run(options: argparse.Namespace) -> int:
    lab = Lab(options.name)
    parties(lab, options.caller, options.callee)
    lab.up(PROGRAMS, core=not options.no_core, what="vdx-lab run")
    met = 0
    try:
        print(f"Lab {lab.name} is up: {', '.join(lab.namespaces)}.", flush=True)
        if not options.no_core:
            met = _meet(lab, options)
        with Call(lab, options.caller, options.callee) as call:
            seen = call.hold(options.seconds)
            print(f"\n{report.to_text(seen, lab.topology)}\n", flush=True)
            if not options.once:
                _stay(lab, call)
    except CallError:
        for name in lab.state.programs():
            for line in tail(lab.state.logs / f"{name}.log"):
                print(f"{name}: {line}", file=sys.stderr)
        raise
    else:
        return 0 if seen.carried and not met else 1
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not leave half a lab
        lab.down()


def _stay(lab: Lab, call: Call) -> None:
    print("The call stays up until Ctrl-C, which takes everything down. Look at it from another terminal:")
    ctl, me = _command("gatewayctl"), _command("vdx-lab")
    for what in ("status", "calls", "pinholes"):
        print(f"  {ctl} --run-dir {lab.state.run} {what}")
    if "mixer" in lab.state.programs():
        print(f"  {_command('mixerctl')} --run-dir {lab.state.mixer / 'run'} rooms\n  {me} room --name {lab.name}")
    print(f"  {me} status --name {lab.name}\n  {me} capture edge --name {lab.name}", flush=True)
    try:
        while call.talk(WATCH_S):
            pass
        print("The call ended; the lab stays up until Ctrl-C.", flush=True)
        while True:
            signal.pause()
    except KeyboardInterrupt:
        print("\nTaking the lab down.", flush=True)


def _command(name: str) -> str:
    """Say how a person starts one of our programs: by its name where PATH finds it, else by its path."""
    return name if shutil.which(name) else os.path.relpath(Path(sys.executable).parent / name)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """Turn a request to end into what Ctrl-C does, so that every lab is taken down on one path."""
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vdx-lab", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.add_argument("--name", default="lab", help="which lab (default: lab)")
        return added

    def call(added: argparse.ArgumentParser) -> None:
        added.add_argument(
            "--from", dest="caller", default="hospital", metavar="HOST", help="default: hospital; hospital6 speaks IPv6"
        )
        added.add_argument("--to", dest="callee", default="home", metavar="HOST", help="default: home, behind NAT")
        added.add_argument("--seconds", type=_seconds, default=10.0, metavar="N", help="of talk (default: 10)")

    def meeting(added: argparse.ArgumentParser) -> None:
        who = ("hospital", "municipality", "clinic")
        added.add_argument("--hosts", nargs="+", default=who, metavar="HOST", help=f"who meets ({', '.join(who)})")
        added.add_argument("--picture", type=Path, default=PICTURE, metavar="FILE", help="what they saw (%(default)s)")

    up = verb("up", "build a lab and leave it running")
    up.add_argument("--hosts-only", action="store_true", help="hosts and links, no programs")
    up.add_argument("--no-core", action="store_true", help="no bus and no mixing server")
    verb("down", "take a lab down, also after a crash")
    verb("status", "hosts, addresses, listeners, programs").add_argument("--json", action="store_true")
    execute = verb("exec", "run a command on a host (default: a shell)")
    execute.add_argument("host")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    capture = verb("capture", "watch the packets of a host")
    capture.add_argument("host")
    capture.add_argument("-w", dest="write", metavar="FILE", help="write them to a file instead")
    capture.add_argument("-i", dest="interface", default="any", metavar="INTERFACE", help="default: any")
    capture.add_argument("filter", nargs="*", help="as for tcpdump")
    placed = verb("call", "place a call between two hosts of a lab that is up")
    call(placed)
    placed.add_argument("--json", action="store_true")
    room = verb("room", "let hosts of a lab that is up meet in a room of its mixing server")
    meeting(room)
    room.add_argument("--seconds", type=_seconds, default=10.0, metavar="N", help="of talk (default: 10)")
    room.add_argument("--json", action="store_true")
    run = verb("run", "build a lab, show a meeting in a room and a call, and take everything down at the end")
    call(run)
    meeting(run)
    run.add_argument("--no-core", action="store_true", help="no bus, no mixing server and no meeting")
    run.set_defaults(json=False)
    run.add_argument("--once", action="store_true", help="end by itself after the call")
    return parser


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 86400:
        raise argparse.ArgumentTypeError("a call lasts more than 0 and at most 86400 seconds")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
