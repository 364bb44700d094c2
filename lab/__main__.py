"""`vdx-lab`: a small installation on this machine, and real calls through it."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from lab import status
from lab.errors import LabError
from lab.lab import Lab, require_root
from lab.programs import PROGRAMS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0 well, 1 the call carried nothing, 2 nothing could be done."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        verb = options.verb
        if verb == "up":
            return _up(options)
        if verb == "down":
            Lab(options.name).down()
            return 0
        if verb == "status":
            return _status(options)
        if verb == "exec":
            return _exec(options)
        raise AssertionError(verb)
    except LabError as error:
        print(f"vdx-lab: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        return 130


def _up(options: argparse.Namespace) -> int:
    lab = Lab(options.name)
    lab.up(() if options.hosts_only else PROGRAMS)
    lab.state.let_go()
    print(status.to_text(status.status(lab)))
    return 0


def _status(options: argparse.Namespace) -> int:
    seen = status.status(Lab.running(options.name))
    print(seen.to_json() if options.json else status.to_text(seen))
    return 0


def _exec(options: argparse.Namespace) -> NoReturn:
    require_root()
    Lab.running(options.name).host(options.host).become(options.command or [os.environ.get("SHELL", "/bin/sh")])


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

    up = verb("up", "build a lab and leave it running")
    up.add_argument("--hosts-only", action="store_true", help="hosts and links, no programs on the edge")
    verb("down", "take a lab down, also after a crash")
    verb("status", "hosts, addresses, listeners, programs").add_argument("--json", action="store_true")
    execute = verb("exec", "run a command on a host (default: a shell)")
    execute.add_argument("host")
    execute.add_argument("command", nargs=argparse.REMAINDER)
    return parser


if __name__ == "__main__":
    sys.exit(main())
