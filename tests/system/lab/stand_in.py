"""A program that stands in for those of the edge: ready, silent or dead."""

import argparse
import json
import os
import signal
import socket
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--behave", choices=["ready", "silent", "dead"], required=True)
    options = parser.parse_args()
    print("stand-in begins", flush=True)  # noqa: T201 - to the log
    if options.behave == "dead":
        print("the file is full of errors", file=sys.stderr)  # noqa: T201 - to the log
        return 3
    identity = {
        "uids": os.getresuid(),
        "gids": os.getresgid(),
        "groups": os.getgroups(),
        "capabilities": [line for line in Path("/proc/self/status").read_text().splitlines() if "CapEff" in line],
        "interfaces": sorted(name for _, name in socket.if_nameindex()),
        "code": str(Path.cwd()),
        "mounts": Path("/proc/self/mountinfo").read_text(),
    }
    print(json.dumps(identity), flush=True)  # noqa: T201 - to the log
    if options.behave == "ready":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as teller:
            teller.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    while True:
        signal.pause()


if __name__ == "__main__":
    sys.exit(main())
