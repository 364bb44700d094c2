"""The menu on the serial and VGA console: what somebody in front of the machine needs, and no shell.

Whoever sits here can pull the plug as well, so nothing asks for a password; what loses calls or data asks twice.
The menu itself has no rights and no files: each entry is carried out at a desk (`desk`), a program of root's that has
the rights of its own entries and no others; the terminal is passed on to it until it is done.
"""

from __future__ import annotations

import codecs
import math
import os
import select
import socket
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from gatewayd.system import paths
from gatewayd.system.words import Language, say
from vdx import service

MAX_LINE = 200
"""Octets somebody types at once."""

HIDDEN = "\x0e"
"""In what a desk says: the next line that is typed is not to be seen."""

STATE_SECONDS = 60.0
"""For the state of this machine: an emulated one that starts beside others needs most of it."""

WORD_SECONDS = 20.0
"""For the first word of the setup on a new appliance: it belongs to the state, and comes a little later."""

LOOKS = 3
"""At the state, where the setup says something else meanwhile; what changes that often is shown as it is."""

LOOK_SECONDS = 2.0
"""Between two looks whether the setup says something else: whoever sits here is to see it without a key."""

ENTRIES = (
    ("doctor", "look"),
    ("address", "tell"),
    ("update", "disk"),
    ("rollback", "disk"),
    ("support", "disk"),
    ("restart", "tell"),
    ("off", "tell"),
    ("reset", "tell"),
    ("install", "disk"),
    ("token", "tell"),
    ("backup", "disk"),
    ("restore", "disk"),
    ("language", "tell"),
)
"""What can be chosen, and at which desk it is done."""


@dataclass(frozen=True, slots=True)
class Menu:
    """The menu over two streams: what is typed, a line at a time, and what is shown."""

    typed: int
    show: Callable[[str], None]
    desks: Path = paths.DESKS

    @property
    def language(self) -> Language:
        """The language that was chosen last."""
        with suppress(OSError):
            if paths.LANGUAGE.read_text() == "da":
                return "da"
        return "en"

    def turn(self) -> None:
        """Show the menu, have one choice carried out; raises EOFError where the terminal hung up.

        Where the setup says something else meanwhile, nothing is carried out: the next turn shows it.
        """
        lang = self.language
        told, state = self._state(lang)
        entries = "".join(f"  {number}  {say(lang, word)}\n" for number, (word, _) in enumerate(ENTRIES, 1))
        self.show(f"\n{state}\n{entries}\n{say(lang, 'choose')}: ")
        if self._ready(otherwise=lambda: _told() != told) is None:
            self.show("\n")
            return
        typed = self._line().decode(errors="replace").strip()
        if not typed:
            return
        if not typed.isdecimal() or not 1 <= int(typed) <= len(ENTRIES):
            self.show(f"{say(lang, 'odd')}\n")
            return
        entry, desk = ENTRIES[int(typed) - 1]
        try:
            self._at(desk, entry, lang, self.show)
        except OSError as error:
            self.show(f"{say(lang, 'no desk')}: {error.strerror}\n{say(lang, 'stopped')}\n")

    def _state(self, lang: Language) -> tuple[int | None, str]:
        """Give how this machine is, and when the setup last said something, which the state holds."""
        if _told() is None and not (paths.SITE / "site.yaml").exists():
            self._ready(otherwise=lambda: _told() is not None, seconds=WORD_SECONDS)
        for _ in range(LOOKS):
            told, said = _told(), list[str]()
            try:
                self._at("look", "state", lang, said.append, STATE_SECONDS)
            except TimeoutError:
                said.append(f"{say(lang, 'slow')}\n")
            except OSError as error:
                said.append(f"{say(lang, 'no desk')}: {error.strerror}\n")
            if _told() == told:
                break
        return told, "".join(said)

    def _at(
        self, desk: str, entry: str, lang: Language, show: Callable[[str], None], seconds: float | None = None
    ) -> None:
        """Pass on what a desk says, and what is typed to it, until it is done; with `seconds` it only has to say."""
        said = codecs.getincrementaldecoder("utf-8")("replace")
        with socket.socket(socket.AF_UNIX) as asked, self._echo() as echo:
            asked.settimeout(seconds)
            asked.connect(str(self.desks / f"{desk}.sock"))
            asked.sendall(f"{entry} {lang}\n".encode())
            while True:
                if seconds is None and self._ready(asked) is not asked:
                    asked.sendall(self._line())
                    if not echo(on=True):
                        show("\n")
                elif got := asked.recv(4096):
                    text = said.decode(got)
                    if HIDDEN in text:
                        echo(on=False)
                    show(text.replace(HIDDEN, ""))
                else:
                    return

    @contextmanager
    def _echo(self) -> Iterator[Callable[..., bool]]:
        """Give what has the terminal show what is typed, or not, and tells how it was; at the end it does."""

        def echo(*, on: bool) -> bool:
            try:
                modes = termios.tcgetattr(self.typed)
                was = bool(modes[3] & termios.ECHO)
                if was != on:
                    modes[3] ^= termios.ECHO
                    termios.tcsetattr(self.typed, termios.TCSADRAIN, modes)
            except termios.error:  # no terminal, or one that hung up, which reading tells
                return True
            return was

        try:
            yield echo
        finally:
            echo(on=True)

    def _line(self) -> bytes:
        """Read a line, and tell meanwhile that this program lives."""
        self._ready()
        try:
            line = os.read(self.typed, MAX_LINE)
        except OSError as error:  # EIO of a terminal that is gone
            raise EOFError from error
        if not line:
            raise EOFError
        return line

    def _ready(
        self, *also: socket.socket, otherwise: Callable[[], bool] = lambda: False, seconds: float = math.inf
    ) -> socket.socket | int | None:
        """Give what there is to read from, or None once it is `otherwise` or the time is over."""
        every: list[socket.socket | int] = [*also, self.typed]
        end = time.monotonic() + seconds
        while True:
            service.tell("WATCHDOG=1")
            ready, _, _ = select.select(every, [], [], LOOK_SECONDS)
            if ready:
                return ready[0]
            if otherwise() or time.monotonic() >= end:
                return None


def _told() -> int | None:
    """Say when the setup last said something."""
    try:
        return (paths.START / "setup").stat().st_mtime_ns
    except OSError:
        return None


def _show(text: str) -> None:
    sys.stdout.write("".join(char if char.isprintable() or char == "\n" else "?" for char in text))
    sys.stdout.flush()


def main() -> int:
    """Serve the terminal until it hangs up; systemd starts it anew."""
    menu = Menu(sys.stdin.fileno(), _show)
    service.tell("READY=1")
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            menu.turn()
    return 0


if __name__ == "__main__":
    sys.exit(main())
