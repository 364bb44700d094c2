"""Kamailio in the middle, as Debian builds it: a transaction-stateful proxy that stays in the path of the dialog."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.signalling.way import Way, address_edge
from bench.signalling.way import way as through
from lab.lab import Lab

START_SECONDS = 2.0
STOP_SECONDS = 10.0

# One process a socket, as what it is compared with has one. It sends everything to the callee, as Sippy does.
CONFIGURATION = """
debug=0
log_stderror=yes
children=1
disable_tcp=yes
auto_aliases=no
mhomed=1
listen=udp:{inside}:5060
listen=udp:{outside}:5060
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
request_route {{
  if (!mf_process_maxfwd_header("10")) exit;
  if (is_method("INVITE")) record_route();
  $du = "sip:{callee}:5060";
  t_relay();
}}
"""


@contextmanager
def way(lab: Lab) -> Iterator[Way]:
    """Run it on the edge of a lab whose programs were not started."""
    address_edge(lab)
    inside, outside = (str(lab.topology.zone(zone).addresses[0].ip) for zone in ("sdn", "internet"))
    with tempfile.TemporaryDirectory() as directory:
        work = Path(directory)
        text = CONFIGURATION.format(inside=inside, outside=outside, callee=lab.host("clinic").address())
        (work / "kamailio.cfg").write_text(text)
        command = ["kamailio", "-f", str(work / "kamailio.cfg"), "-DD", "-E", "-m", "256", "-Y", directory]
        with (work / "log").open("w+") as log:
            process = lab.host("edge").popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
            time.sleep(START_SECONDS)
            if process.poll() is not None:
                raise RuntimeError(f"Kamailio did not start: {(work / 'log').read_text(errors='replace')[-1000:]}")
            try:
                yield through(lab, (process.pid,))
            finally:
                process.terminate()
                process.wait(STOP_SECONDS)
