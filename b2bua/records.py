"""Records of calls on disk: one JSON object a line, a file a day or as often as one is full.

What is handed in is written before `add` returns, so a program that is killed loses none of it; files are synced every
SYNC_SECONDS, so a power cut loses what came after the last time. A line that was cut off is left out when records are
read.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from b2bua.call.record import CallRecord as Ended
from vdx.record import MAX_ANSWER, CallRecord, PartyRecord, RecordList, RecordRules, Records

SYNC_SECONDS = 1.0
"""What a power cut may take; a sync takes milliseconds and is done beside the calls."""

MAX_FILE = 16 * 1024 * 1024
"""Octets of a file: twenty thousand calls; small enough to look into."""

MAX_LINE = 64 * 1024
"""Octets of a line that is read: a record with all its streams has under four thousand."""

MAX_SCAN = 200_000
"""Lines looked at for one answer: a tenth of a second or two, beside the calls."""

_SUFFIX = ".jsonl"

log = logging.getLogger(__name__)


def told(ended: Ended, epoch: float) -> CallRecord:
    """Put a record into the words of `vdx.record`; `epoch` is added to its times to give seconds since 1970."""
    details = ended.details
    nobody = PartyRecord("", "", "", "")

    def moment(at: float | None) -> str | None:
        return None if at is None else utc(at + epoch)

    return CallRecord(
        ended.call,
        details.caller if details else nobody,
        details.callee if details else nobody,
        moment(details.began if details else None) or "",
        moment(details.rang if details else None),
        moment(details.answered if details else None),
        moment(details.ended if details else None) or "",
        None if ended.setup is None else round(ended.setup, 3),
        ended.status,
        ended.ended_by,
        ended.why,
        details.streams if details else (),
        ended.half or "",
    )


def utc(at: float) -> str:
    """Write a moment as RFC 3339, UTC to the millisecond: texts that sort as times do."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


class RecordBook:
    """The files in `directory`; `wall` gives seconds since 1970. A disk that fails raises nothing here: calls go on."""

    def __init__(self, directory: Path, wall: Callable[[], float], rules: RecordRules | None = None) -> None:
        self.rules = rules or RecordRules()
        self.lost = 0
        self._directory = directory
        self._wall = wall
        self._encode = msgspec.json.Encoder().encode
        self._file: int | None = None
        self._name = ""
        self._size = 0
        self._unsynced = False
        self._left: list[int] = []  # files that are full, to be synced and closed
        self._begun = False  # a file was made that the directory has not been synced with
        self._torn = False

    def add(self, *records: CallRecord) -> None:
        """Write records, at once; where that fails they are counted, and it is said once until it goes again."""
        lines = b"".join([self._encode(record) + b"\n" for record in records])
        try:
            file = self._open(len(lines))
            self._write(file, b"\n" + lines if self._torn else lines)
            self._torn = False
            self._unsynced = True
        except OSError as error:
            if not self._torn:
                log.error("record.unwritten: %s in %s", error.strerror, self._directory)  # noqa: TRY400 - one sentence
            self._torn = True
            self.lost += len(records)

    def _write(self, file: int, data: bytes) -> None:
        while data:
            written = os.write(file, data)
            self._size += written
            data = data[written:]

    def _open(self, more: int) -> int:
        """Give the file of today that has room."""
        day = f"{datetime.fromtimestamp(self._wall(), UTC):%Y-%m-%d}"
        if self._file is not None and self._name.startswith(day) and self._size + more <= MAX_FILE:
            return self._file
        self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        number = self._last(day)
        path = self._directory / f"{day}.{number:03}{_SUFFIX}"
        if path.exists() and path.stat().st_size + more > MAX_FILE:
            path = self._directory / f"{day}.{min(number + 1, 999):03}{_SUFFIX}"
        if self._file is not None:
            self._left.append(self._file)
            self._file = None
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._name, self._size = path.name, os.fstat(self._file).st_size
        self._torn = self._torn or _is_torn(path)
        self._begun = True
        return self._file

    def _last(self, day: str) -> int:
        """Give the number of a day's last file; only a day before ours, or the first one, has to be looked up."""
        if self._name.startswith(day):
            return int(self._name[11:14])
        if self._name and self._name < day:
            return 0
        return max((int(path.name[11:14]) for path in self._files() if path.name.startswith(day)), default=0)

    def _files(self) -> list[Path]:
        """Give the files, oldest first; whatever else lies there is not ours."""
        return sorted(self._directory.glob(f"????-??-??.[0-9][0-9][0-9]{_SUFFIX}"))

    def _drop_old(self) -> None:
        files = [path for path in self._files() if path.name != self._name]
        oldest = datetime.fromtimestamp(self._wall(), UTC) - timedelta(days=self.rules.days)
        room = self.rules.megabytes * 1_000_000 - MAX_FILE
        total = 0
        for path in reversed(files):
            total += path.stat().st_size
            if path.name[:10] < f"{oldest:%Y-%m-%d}" or total > room:
                path.unlink(missing_ok=True)
                log.info("record.dropped: %s is older than the site file keeps", path.name)

    def _sync_directory(self) -> None:
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    async def keep_synced(self) -> None:
        """Sync what was written and drop what is too old, beside the calls, until cancelled."""
        while True:
            await asyncio.sleep(SYNC_SECONDS)
            files, begun = self._due()
            if files or begun:
                await asyncio.to_thread(self._settle, files, begun=begun)

    def _due(self) -> tuple[list[int], bool]:
        """Give the files to sync and close, and whether there is a new one."""
        files, self._left = self._left, []
        begun, self._begun = self._begun, False
        if self._unsynced and self._file is not None:
            self._unsynced = False
            files.append(os.dup(self._file))
        return files, begun

    def _settle(self, files: list[int], *, begun: bool) -> None:
        """Do what takes the disk's time."""
        try:
            for file in files:
                _sync_and_close(file)
            if begun:
                self._sync_directory()
                self._drop_old()
        except OSError as error:
            log.error("record.unsynced: %s", error.strerror)  # noqa: TRY400 - one sentence

    def close(self) -> None:
        """Sync and close the file."""
        files, begun = self._due()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._settle(files, begun=begun)

    def read(self, question: Records) -> RecordList:
        """Answer a question from the files; they may be long, so in a thread of its own."""
        since = utc(question.since)
        until = "~" if question.until is None else utc(question.until)
        found: list[CallRecord] = []
        decoder = msgspec.json.Decoder(CallRecord)
        damaged = 0
        place = question.cursor
        for number, (place, line) in enumerate(self._lines(since[:10], question.cursor)):
            if len(found) >= MAX_ANSWER or number >= MAX_SCAN:
                return RecordList(question.id, tuple(found), place, damaged)
            try:
                record = decoder.decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError):
                damaged += 1
                continue
            if since <= record.ended <= until:
                found.append(record)
        return RecordList(question.id, tuple(found), "", damaged)

    def _lines(self, day: str, cursor: str) -> Iterator[tuple[str, bytes]]:
        """Give lines from a day, or a cursor, on, each with the cursor that leads to it."""
        name, _, offset = cursor.partition(":")
        for path in self._files():
            stem = path.name.removesuffix(_SUFFIX)
            if stem < (name or day):
                continue
            try:
                with path.open("rb") as file:
                    at = file.seek(int(offset) if stem == name else 0)
                    while line := file.readline(MAX_LINE):
                        if line != b"\n":
                            yield f"{stem}:{at}", line
                        at += len(line)
            except FileNotFoundError:  # dropped meanwhile
                continue


def _sync_and_close(file: int) -> None:
    try:
        os.fsync(file)
    except OSError as error:
        log.error("record.unsynced: %s", error.strerror)  # noqa: TRY400 - one sentence
    finally:
        os.close(file)


def _is_torn(path: Path) -> bool:
    """Tell whether a file ends in the middle of a line."""
    with path.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
