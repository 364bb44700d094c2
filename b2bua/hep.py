"""Every message to a HEP collector as it comes, where the site file names one. Over UDP: nobody waits for it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable

from b2bua.sip import Flow, Target
from b2bua.trace import Entry, Message, Traces
from vdx import hep
from vdx.ids import CallId
from vdx.record import HepRules

log = logging.getLogger(__name__)


class HepSender:
    """A tap of traces. `epoch` gives what to add to their times, `ours` where messages to a target leave from."""

    def __init__(self, traces: Traces, epoch: Callable[[], float], ours: Callable[[Target], tuple[str, int]]) -> None:
        self._traces = traces
        self._epoch = epoch
        self._ours = ours
        self._rules: HepRules | None = None
        self._socket: socket.socket | None = None
        self._failing = False

    def follow(self, rules: HepRules | None) -> None:
        """Send to this collector from now on, None to nobody."""
        if rules == self._rules:
            return
        self.close()
        self._rules = rules
        if rules is None:
            return
        family = socket.AF_INET6 if ":" in rules.address else socket.AF_INET
        out = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            out.bind((rules.source, 0))
            out.connect((rules.address, rules.port))
        except OSError as error:
            log.warning("hep.unusable: %s from %s: %s", rules.address, rules.source, error.strerror)
            out.close()
            return
        self._socket = out
        self._traces.taps.append(self._tap)
        log.info("hep.sending: to %s port %d", rules.address, rules.port)

    def close(self) -> None:
        """Send nothing more."""
        if self._socket is not None:
            self._socket.close()
            self._socket, self._rules = None, None
            self._traces.taps = [tap for tap in self._traces.taps if tap != self._tap]

    def _tap(self, call: CallId | None, entry: Entry) -> None:
        if not isinstance(entry, Message) or self._socket is None or self._rules is None:
            return
        path = entry.path
        ours = path.local if isinstance(path, Flow) else self._ours(path)
        theirs = path.remote if isinstance(path, Flow) else (path.host, path.port)
        ends = (theirs, ours) if entry.inward else (ours, theirs)
        at = entry.at + self._epoch()
        packet = hep.packet(hep.Captured(*ends, path.transport, at, entry.data, call or ""), self._rules.agent)
        if packet is None:
            return
        try:
            self._socket.send(packet)
            self._failing = False
        except OSError as error:  # nobody listens there, or the buffer is full: the next one may arrive
            if not self._failing:
                log.warning("hep.unsent: to %s: %s", self._rules.address, error.strerror)
            self._failing = True
