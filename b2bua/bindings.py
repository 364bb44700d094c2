"""Registrations on disk, in SQLite: what was answered 200 is there after a power cut, whole or not at all.

Each batch of changes is one transaction, written ahead and synced before it counts (journal_mode=WAL, synchronous=FULL;
sqlite.org/pragma.html). A thread of its own does it, so that a slow disk holds up no call. A database that cannot be
read is put aside and begun anew: devices register again within their hour, while a gateway that does not start serves
nobody. A full disk is no reason to end either: what can be read is, and each change tries anew to be stored.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import msgspec

from b2bua.call.registrar import Binding, Change
from b2bua.call.registrations import Registrations
from vdx.errors import VdxError

FILE = "registrations.db"

VERSION = 1
"""Of the table's form; another one is begun anew."""

UNWRITABLE = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR}
"""What SQLite says of a disk that is full, read-only or failing."""

_FORM = f"""
    CREATE TABLE IF NOT EXISTS binding (
        peer TEXT NOT NULL, user TEXT NOT NULL, key TEXT NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (peer, user, key)
    ) STRICT, WITHOUT ROWID;
    PRAGMA user_version = {VERSION};
"""
_PUT = "INSERT OR REPLACE INTO binding VALUES (?, ?, ?, ?)"
_DROP = "DELETE FROM binding WHERE peer = ? AND user = ? AND key = ?"

log = logging.getLogger(__name__)


class BindingsError(VdxError):
    """Registrations cannot be stored where they should be."""


class BindingStore:
    """The database in `directory`. Used by one thread at a time."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / FILE
        self._encode = msgspec.json.Encoder().encode
        self._decoder = msgspec.json.Decoder(Binding)
        self._database: sqlite3.Connection | None = None

    def open(self) -> list[Binding]:
        """Open the database and give what it holds. Raises BindingsError where none can be made there."""
        try:
            return self._open()
        except (sqlite3.DatabaseError, msgspec.MsgspecError) as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in UNWRITABLE:
                self.close()
                log.error("registrations.unwritable: %s: %s: make room on the disk", self.path, error)  # noqa: TRY400 - a sentence
                return self._read()
            if isinstance(error, sqlite3.OperationalError) and not self.path.exists():
                raise BindingsError(f"{self.path} cannot be made: {error}") from error
            self.close()
            aside = self.path.with_suffix(".broken")
            log.error("registrations.broken: %s is kept as %s, and begun anew: %s", self.path, aside.name, error)  # noqa: TRY400 - a sentence
        try:
            self.path.replace(aside)
            for rest in ("-wal", "-shm"):
                self.path.with_name(FILE + rest).unlink(missing_ok=True)
            return self._open()
        except (sqlite3.DatabaseError, OSError) as error:
            raise BindingsError(f"{self.path} cannot be made: {error}") from error

    def save(self, changes: Iterable[Change]) -> None:
        """Carry out changes in one transaction; they are on disk when this returns. Raises sqlite3.Error."""
        if self._database is None:
            try:
                self._open()
            except sqlite3.Error:
                self.close()
                raise
        database = self._database
        if database is None:
            raise sqlite3.ProgrammingError("the database is closed")
        with database:
            database.execute("BEGIN IMMEDIATE")
            for change in changes:
                key = (change.peer, change.user, change.key)
                if change.binding is None:
                    database.execute(_DROP, key)
                else:
                    database.execute(_PUT, (*key, self._encode(change.binding)))

    def close(self) -> None:
        """Close the database."""
        if self._database is not None:
            self._database.close()
            self._database = None

    def _open(self) -> list[Binding]:
        database = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        self._database = database
        self.path.chmod(0o600)  # who is registered where is nobody's business
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version not in {0, VERSION}:
            raise sqlite3.DatabaseError(f"its form is number {version}, and not {VERSION}")
        database.executescript(_FORM)
        return self._rows(database)

    def _read(self) -> list[Binding]:
        """Give what can be read without writing a single octet: all but the last changes."""
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                return self._rows(database)
        except (sqlite3.DatabaseError, msgspec.MsgspecError):
            return []

    def _rows(self, database: sqlite3.Connection) -> list[Binding]:
        return [self._decoder.decode(body) for (body,) in database.execute("SELECT body FROM binding")]


class Keeper:
    """Stores what the registrar changes, beside the event loop; `flush` sends what was answered then."""

    def __init__(
        self,
        store: BindingStore,
        registrations: Registrations,
        clock: Callable[[], float],
        flush: Callable[[], None],
    ) -> None:
        self._store = store
        self._registrations = registrations
        self._clock = clock
        self._flush = flush
        self._thread = ThreadPoolExecutor(1, "bindings")
        self._work: asyncio.Future[None] | None = None
        self._failing = False

    def start(self) -> None:
        """Load what is stored. Raises BindingsError."""
        self._registrations.load(self._store.open())
        self._registrations.stores = True

    def look(self) -> None:
        """Store what has changed, unless a batch is being stored; it is looked again after that."""
        changes = self._registrations.to_store()
        if changes:
            loop = asyncio.get_running_loop()
            self._work = loop.run_in_executor(self._thread, self._store.save, changes)
            self._work.add_done_callback(self._done)

    async def close(self) -> None:
        """Store what is left and close."""
        while self._work is not None:
            await asyncio.wait({self._work})
            await asyncio.sleep(0)  # its callback runs, and may begin the next one
        self._thread.shutdown()
        self._store.close()

    def _done(self, work: asyncio.Future[None]) -> None:
        self._work = None
        error = None if work.cancelled() else work.exception()
        if error is not None:
            log.error("registrations.unstored: %s: they are known until this program ends", error)
        elif self._failing:
            log.warning("registrations.stored: again")
        self._failing = error is not None
        self._registrations.stored(self._clock())
        self._flush()
        self.look()
