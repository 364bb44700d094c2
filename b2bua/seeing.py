"""What `b2bua` shows of its calls: traces, records, numbers, and messages sent on to a collector.

One object for the control socket and for the wiring, so that neither has to know the parts.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from b2bua.call.gateway import Gateway
from b2bua.call.record import CallRecord
from b2bua.hep import HepSender
from b2bua.metrics import metrics
from b2bua.records import RecordBook, told
from b2bua.sip import Target
from b2bua.trace.reading import Reading
from b2bua.trace.view import Lens
from b2bua.transport import Shell
from vdx.metrics import MetricList, Metrics
from vdx.pinhole import Refused
from vdx.record import CallRecord as Record
from vdx.record import RecordList, Records, Seeing
from vdx.trace import Trace, TraceReport

WRITE_SECONDS = 0.05
"""How long the record of an ended call may wait for others: written together they cost half."""

log = logging.getLogger(__name__)

Asked = Trace | Records | Metrics
Answer = TraceReport | RecordList | MetricList | Refused


class Sight:
    """What is seen of the calls of a gateway; records are kept in `directory`, nowhere where it is None.

    `send` gets each of them too.
    """

    def __init__(
        self,
        gateway: Gateway,
        shell: Shell,
        clock: Callable[[], float],
        directory: Path | None,
        send: Callable[[Record], None] = lambda _: None,
    ) -> None:
        self._gateway = gateway
        self._shell = shell
        self._clock = clock
        self._reading = Reading(gateway.traces)
        self._hep = HepSender(gateway.traces, self._epoch, self._leaves_from)
        self._book = RecordBook(directory / "records", time.time) if directory else None
        self._send = send
        self._ended: list[CallRecord] = []
        self._writing: asyncio.TimerHandle | None = None

    def follow(self, rules: Seeing) -> None:
        """Follow what a site version says."""
        self._hep.follow(rules.hep)
        if self._book is not None:
            self._book.rules = rules.records

    def keep(self, record: CallRecord) -> None:
        """Log and write the record of an ended call, with those of others that end at about the same time."""
        self._ended.append(record)
        if self._writing is None:
            self._writing = asyncio.get_running_loop().call_later(WRITE_SECONDS, self._write)

    def _write(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
        ended, self._ended = self._ended, []
        for record in ended:
            log.info("call.ended", extra=record.fields())
        epoch = self._epoch()
        written = [told(record, epoch) for record in ended]
        if self._book is not None and written:
            self._book.add(*written)
        for each in written:
            self._send(each)

    async def answer(self, question: Asked) -> Answer:
        """Answer a question; long files are read beside the calls."""
        match question:
            case Trace():
                return self._reading.answer(question, self._clock(), Lens(self._epoch(), self._leaves_from))
            case Metrics(id):
                shell, lost = self._shell, self._book.lost if self._book is not None else 0
                return metrics(id, self._gateway, shell.queued, shell.connections, lost)
            case Records(id):
                if self._book is None:
                    return Refused(id, "unknown", "b2bua keeps no records: start it with --state-dir")
                self._write()
                return await asyncio.to_thread(self._book.read, question)

    def past(self, question: Records) -> RecordList:
        """Give records from the files, which may be long: in a thread; none where none are kept."""
        return self._book.read(question) if self._book is not None else RecordList(question.id, ())

    async def run(self) -> None:
        """Sync records until cancelled."""
        if self._book is None:
            await asyncio.Event().wait()
        else:
            await self._book.keep_synced()

    def close(self) -> None:
        """Close the files and the way to the collector."""
        self._write()
        self._hep.close()
        if self._book is not None:
            self._book.close()

    def _epoch(self) -> float:
        return time.time() - self._clock()

    def _leaves_from(self, target: Target) -> tuple[str, int]:
        listener = self._gateway.plan.listener(target.zone, target.transport, target.host)
        return (listener.address, listener.port) if listener else (target.source, 0)
