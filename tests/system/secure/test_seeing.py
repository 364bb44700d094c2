"""A call over TLS is seen as plainly as one over UDP: no key of ours has to be handed to a capture."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab.topology import SIP_PORT, TLS_PORT
from tests.system.calls.crossing import Crossing
from tests.system.calls.test_seeing import a_call, ctl, soon

pytestmark = pytest.mark.system

ENDS = ("-e", "ip.src", "-e", "ip.dst", "-e", "udp.dstport")


def test_both_legs_of_a_call_over_tls_are_plain(
    crossing: Crossing, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    call = a_call(crossing)
    text = soon(crossing.edge, capsys, lambda text: text.count("200 OK (BYE)") == 2, "trace", call)
    assert text.count("200 OK (INVITE)") == 2
    path = tmp_path / "call.pcap"
    ctl(crossing.edge, capsys, "trace", call, "--pcap", str(path))
    done = subprocess.run(
        [*("tshark", "-n", "-r", path, "-Y", 'sip.Method == "INVITE" && sdp', "-T", "fields"), *ENDS],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[:2] == [
        f"{crossing.left_address}\t{crossing.edge_left}\t{TLS_PORT}",
        f"{crossing.edge_right}\t{crossing.right_address}\t{SIP_PORT}",
    ]
