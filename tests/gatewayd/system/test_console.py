"""The console's menu and the desks behind it, over their sockets and a real pseudo-terminal."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from gatewayd.system import console, desk, paths, words
from vdx.desks import BUNDLE

ROOT = Path(__file__).parents[3]


@pytest.fixture
def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "LANGUAGE", tmp_path / "language")
    return tmp_path


@contextmanager
def at(path: Path, answers: Callable[[socket.socket], None], connections: int = 1) -> Iterator[None]:
    """Have a desk that serves so many connections."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            for _ in range(connections):
                connected, _ = listening.accept()
                with connected:
                    answers(connected)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


class Terminal:
    """Who sits in front: what he types, and what he was shown."""

    def __init__(self) -> None:
        self._master, self.slave = os.openpty()
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def show(self, text: str) -> None:
        self.shown += text

    def echoed(self) -> str:
        """Give what the terminal itself showed of what was typed."""
        os.set_blocking(self._master, False)
        seen = b""
        with suppress(BlockingIOError):
            while True:
                seen += os.read(self._master, 4096)
        return seen.decode()

    def close(self) -> None:
        os.close(self._master)
        os.close(self.slave)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


def _number(entry: str) -> str:
    return str([each for each, _ in console.ENTRIES].index(entry) + 1)


def _state(connected: socket.socket) -> None:
    with connected.makefile("rb") as lines:
        assert lines.readline() == b"state en\n"
    connected.sendall(b"  state: the gateway runs\n")


def test_every_entry_is_at_a_desk_and_has_words() -> None:
    assert {entry for entry, where in console.ENTRIES if entry not in desk.DESKS[where]} == set()
    hidden = {"state", BUNDLE, "sealed", "unsealed"}
    assert {each for entries in desk.DESKS.values() for each in entries} - {
        each for each, _ in console.ENTRIES
    } == hidden
    assert {entry for entry, _ in console.ENTRIES} <= set(words.WORDS)


def test_state_comes_first_and_an_answer_is_passed_on_until_the_desk_is_done(desks: Path, terminal: Terminal) -> None:
    asked: list[bytes] = []

    def tell(connected: socket.socket) -> None:
        with connected.makefile("rb") as lines:
            asked.append(lines.readline())
            connected.sendall("Opkald afbrydes. Er det så?: ".encode())
            asked.append(lines.readline())
        connected.sendall(b"nothing was changed\n")

    terminal.type(f"{_number('off')}\nno\n")
    with at(desks / "look.sock", _state), at(desks / "tell.sock", tell):
        console.Menu(terminal.slave, terminal.show, desks).turn()
    assert asked == [b"off en\n", b"no\n"]
    state, menu, answer = (terminal.shown.find(each) for each in ("the gateway runs", "Power off", "nothing was"))
    assert -1 < state < menu < answer
    assert "Er det så?" in terminal.shown


def test_what_the_setup_says_later_is_shown_without_a_key(
    desks: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "START", desks)
    monkeypatch.setattr(console, "LOOK_SECONDS", 0.01)

    def show(text: str) -> None:
        terminal.show(text)
        if text.endswith("then Enter: "):
            (desks / "setup").write_text("no network card is called sdn0")

    (desks / "setup").write_text("this appliance is new")
    with at(desks / "look.sock", _state):
        console.Menu(terminal.slave, show, desks).turn()  # which ends though nothing was typed
    (desks / "look.sock").unlink()
    terminal.type("99\n")
    with at(desks / "look.sock", _state):
        console.Menu(terminal.slave, terminal.show, desks).turn()
    assert terminal.shown.count("the gateway runs") == 2


def test_what_the_setup_says_while_its_state_is_asked_draws_no_second_menu(
    desks: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "START", desks)
    (desks / "setup").write_text("this appliance is new")

    def look(connected: socket.socket) -> None:
        _state(connected)
        connected.sendall((desks / "setup").read_bytes())
        if (desks / "setup").read_text() != "done":
            (desks / "setup").write_text("done")

    terminal.type("99\n")
    with at(desks / "look.sock", look, 2):
        console.Menu(terminal.slave, terminal.show, desks).turn()
    assert terminal.shown.count("Power off") == 1
    assert "the gateway runs\ndone\n" in terminal.shown
    assert "is new" not in terminal.shown


def test_a_new_appliance_is_shown_with_the_first_word_of_its_setup(
    desks: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "START", desks)
    monkeypatch.setattr(paths, "SITE", desks)
    monkeypatch.setattr(console, "LOOK_SECONDS", 0.01)
    asked = iter((None, None, None, 1, 1, 1))
    monkeypatch.setattr(console, "_told", lambda: next(asked))

    def show(text: str) -> None:
        terminal.show(text)
        terminal.type("99\n")

    with at(desks / "look.sock", _state):
        console.Menu(terminal.slave, show, desks).turn()
    assert terminal.shown.count("Power off") == 1
    assert list(asked) == []  # it was not drawn before


def test_a_line_that_is_secret_is_not_shown(desks: Path, terminal: Terminal) -> None:
    answers = {"Passphrase: ": "correct horse\n", "Sure: ": "yes\n"}
    got: list[bytes] = []

    def tell(connected: socket.socket) -> None:
        with connected.makefile("rb") as lines:
            assert lines.readline() == b"backup en\n"
            for secret, sentence in (("\x0e", "Passphrase: "), ("", "Sure: ")):
                connected.sendall((secret + sentence).encode())
                got.append(lines.readline())

    def show(text: str) -> None:
        terminal.show(text)
        terminal.type(answers.get(text, ""))

    terminal.type(f"{_number('backup')}\n")
    with at(desks / "look.sock", _state), at(desks / "disk.sock", tell):
        console.Menu(terminal.slave, show, desks).turn()
    assert got == [b"correct horse\n", b"yes\n"]
    assert terminal.echoed().split() == [_number("backup"), "yes"]
    assert "Passphrase: \nSure: " in terminal.shown


def test_a_terminal_shows_again_what_is_typed_where_nobody_typed_the_secret(desks: Path, terminal: Terminal) -> None:
    def tell(connected: socket.socket) -> None:
        with connected.makefile("rb") as lines:
            lines.readline()
        connected.sendall(b"\x0ePassphrase: ")

    terminal.type(f"{_number('backup')}\n")
    with at(desks / "look.sock", _state), at(desks / "disk.sock", tell):
        console.Menu(terminal.slave, terminal.show, desks).turn()
    assert termios.tcgetattr(terminal.slave)[3] & termios.ECHO


def test_a_desk_that_is_away_is_said_and_the_menu_stays(desks: Path, terminal: Terminal) -> None:
    terminal.type("6\n")
    console.Menu(terminal.slave, terminal.show, desks).turn()
    assert terminal.shown.count("does not answer: No such file") == 2
    assert "Restart" in terminal.shown


def test_a_number_that_is_no_entry_reaches_nobody(desks: Path, terminal: Terminal) -> None:
    terminal.type("99\n")
    with at(desks / "look.sock", _state):
        console.Menu(terminal.slave, terminal.show, desks).turn()
    assert terminal.shown.endswith("there is no such entry\n")


def test_a_terminal_that_hangs_up_ends_the_menu(desks: Path) -> None:
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read, "rb") as typed, at(desks / "look.sock", _state), pytest.raises(EOFError):
        console.Menu(typed.fileno(), lambda _: None, desks).turn()


def test_a_desk_does_its_own_entries_alone(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    monkeypatch.setitem(desk.DESKS, "tell", {"language": lambda terminal: done.append(terminal.lang)})
    for known in (True, False):
        monkeypatch.setattr(desk, "_of_the_house", lambda known=known: known)
        for line in ("language da\n", "install en\n", "\n", ""):
            monkeypatch.setattr(desk, "_read", lambda line=line: line.strip())
            assert desk.main(["tell"]) == 0
    assert done == ["da"]
    assert capsys.readouterr().out == ""


class Desk:
    """A desk as systemd starts it: a process with the connection as its standard input and output."""

    def __init__(self, path: Path, home: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        self._listening.listen()
        patch = (
            f"from pathlib import Path; from gatewayd.system import backup, paths, desk; home = Path({str(home)!r}); "
        )
        patch += "make, restore = backup.make, backup.restore; "
        patch += "backup.make = lambda words: make(words, home=home / 'appliance', state=home / 'vdx'); "
        patch += "backup.restore = lambda content, words: restore(content, words, home / 'restored'); "
        self._command = [sys.executable, "-c", patch + "desk.main(['tell'])"]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connected, _ = self._listening.accept()
                with connected:
                    subprocess.run(
                        self._command, stdin=connected.fileno(), stdout=connected.fileno(), check=True, cwd=ROOT
                    )

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()


@pytest.fixture
def plugged(desks: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Have a disk plugged in, and an appliance that was told something."""
    (desks / "home/appliance/site").mkdir(parents=True)
    (desks / "home/appliance/site/site.yaml").write_text("name: edge1\n")
    disk = desks / "disk"
    disk.mkdir()
    monkeypatch.setattr(paths, "DESKS", desks)

    @contextmanager
    def mounted(label: str, _: object, mode: str) -> Iterator[Path]:
        assert (label, mode) in {("VDX-BACKUP", "rw"), ("VDX-BACKUP", "ro"), ("VDX-SUPPORT", "rw")}
        yield disk

    monkeypatch.setattr(desk, "_disk", mounted)
    tell = Desk(desks / "tell.sock", desks / "home")
    yield disk
    tell.close()


def _entry(name: str, *typed: str) -> str:
    """Have an entry of the disk's desk carried out; gives what was shown."""
    lines, shown = iter(typed), list[str]()
    desk.carry_out(desk.DESKS["disk"][name], desk.Terminal(lambda: next(lines), shown.append, lambda *_: 0))
    assert list(lines) == []
    return "".join(shown)


def test_a_backup_goes_to_a_disk_and_comes_back_from_it(desks: Path, plugged: Path) -> None:
    home = desks / "home"
    assert "fewer than 12 characters" in _entry("backup", "short", "short")
    assert "two different passphrases" in _entry("backup", "correct horse battery", "correct horse batery")
    assert list(plugged.iterdir()) == []
    assert ".backup: keep it and its passphrase in different places\n" in _entry(
        "backup", *["correct horse battery"] * 2
    )
    (made,) = plugged.iterdir()
    assert b"edge1" not in made.read_bytes()
    wrong = _entry("restore", "correct horse bakery", "yes")
    assert "the passphrase is another one" in wrong
    assert not (home / "restored").exists()
    assert "nothing was changed" in _entry("restore", "correct horse battery", "no")
    assert "the next start takes it over\nCalls that are up end." in _entry(
        "restore", "correct horse battery", "yes", "no"
    )
    assert (home / "restored/appliance/site/site.yaml").read_text() == "name: edge1\n"
    made.unlink()
    assert "there is no .backup file on it" in _entry("restore")


@pytest.mark.parametrize(("said", "kept"), [(b"\x1f\x8bpacked", 1), (b"the journal cannot be read\n", 0), (b"", 0)])
def test_a_support_bundle_is_written_whole_or_not_at_all(desks: Path, plugged: Path, said: bytes, kept: int) -> None:
    def look(connected: socket.socket) -> None:
        with connected.makefile("rb") as asked:
            assert asked.read() == f"{BUNDLE} en\n".encode()
        connected.sendall(said)

    with at(desks / "look.sock", look):
        shown = _entry("support")
    assert [path.read_bytes() for path in plugged.iterdir()] == [said] * kept
    assert ("secrets were removed" in shown) == bool(kept)
    assert kept or said.decode() in shown


def test_what_is_wrong_is_shown() -> None:
    def broken(_: desk.Terminal) -> None:
        raise OSError(28, "No space left on device")

    shown: list[str] = []
    desk.carry_out(broken, desk.Terminal(str, shown.append, lambda *_: 0, "da"))
    assert shown == ["[Errno 28] No space left on device\nintet blev ændret\n"]
