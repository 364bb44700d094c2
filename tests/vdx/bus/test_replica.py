"""A bucket in memory follows the server whatever is lost on the way, and in whatever order it comes."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from vdx.bus.errors import BadRecord
from vdx.bus.limits import GRACE_SECONDS
from vdx.bus.replica import Change, Entry, Gone, Put, Replica, Synced


class Thing(msgspec.Struct, frozen=True):
    size: int


complaints: list[str] = []


def replica() -> Replica[Thing]:
    complaints.clear()

    def complain(key: str, error: BadRecord) -> None:
        complaints.append(f"{key}: {error}")

    return Replica(Thing, complain)


def entry(key: str, size: int | None, revision: int, lease: float | None = None) -> Entry:
    return Entry(key, None if size is None else msgspec.json.encode(Thing(size)), revision, lease)


class Server:
    """What a bucket is on the server: the last write of each key, deletions included."""

    def __init__(self) -> None:
        self.last = 0
        self.stored: dict[str, Entry] = {}

    def write(self, key: str, size: int | None) -> Entry:
        self.last += 1
        self.stored[key] = entry(key, size, self.last)
        return self.stored[key]

    def walk(self, start: int) -> list[Entry]:
        found = [each for each in self.stored.values() if each.revision >= start]
        return sorted(found, key=lambda each: each.revision)

    @property
    def things(self) -> dict[str, Thing]:
        held = {key: each.value for key, each in self.stored.items() if each.value is not None}
        return {key: msgspec.json.decode(value, type=Thing) for key, value in held.items()}


def compare(mine: Replica[Thing], server: Server) -> list[Change[Thing]]:
    """Walk from the start, as with a new connection."""
    to = 0
    for each in server.walk(1):
        assert mine.apply(each, 0.0, walked=True) == []
        to = each.revision
    return mine.finish(to, 0.0)


def audit(mine: Replica[Thing], server: Server) -> list[Change[Thing]]:
    """Ask for what was missed."""
    told: list[Change[Thing]] = []
    to = mine.seen
    for each in server.walk(to + 1):
        told += mine.apply(each, 0.0, walked=True)
        to = each.revision
    mine.caught_up(to)
    return told


WRITES = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.none() | st.integers(0, 3), st.sampled_from(("told", "lost", "away", "asked"))
    ),
    max_size=30,
)


@given(WRITES)
def test_after_an_audit_it_is_as_the_server_whatever_was_lost(writes: list[tuple[str, int | None, str]]) -> None:
    server, mine = Server(), replica()
    seen: dict[str, Thing] = {}
    told: list[Change[Thing]] = []
    mine.begin()
    told += compare(mine, server)
    for key, size, fate in writes:
        change = server.write(key, size)
        if fate == "told":
            told += mine.apply(change, 0.0, walked=False)
        elif fate == "asked":
            told += audit(mine, server)
        elif fate == "away":
            mine.begin()
            told += mine.apply(change, 0.0, walked=False)  # told while the walk goes on
            told += compare(mine, server)
    told += audit(mine, server)
    assert mine.records == server.things
    for each in told:  # who only listens knows the same
        if isinstance(each, Put):
            seen[each.key] = each.record
        elif isinstance(each, Gone):
            assert seen.pop(each.key) == each.record
    assert seen == server.things
    assert not mine.gap


def test_a_gap_is_known_and_closed() -> None:
    server, mine = Server(), replica()
    mine.begin()
    compare(mine, server)
    mine.apply(server.write("a", 1), 0.0, walked=False)
    assert not mine.gap
    server.write("b", 2)  # lost
    mine.apply(server.write("c", 3), 0.0, walked=False)
    assert mine.gap
    assert "c" in mine.records  # what came is used all the same
    audit(mine, server)
    assert not mine.gap
    assert mine.records == server.things


def test_a_change_that_should_be_known_is_doubtful() -> None:
    server, mine = Server(), replica()
    mine.begin()
    compare(mine, server)
    first = server.write("a", 1)
    assert not mine.doubtful(first)
    mine.apply(first, 0.0, walked=False)
    assert mine.doubtful(entry("z", 1, 1))


def test_a_lease_ends_by_our_own_clock_when_the_server_says_nothing() -> None:
    mine = replica()
    mine.begin()
    mine.apply(entry("n", 1, 1, lease=15.0), 100.0, walked=True)
    mine.finish(1, 100.0)
    assert mine.next_expiry == 100.0 + 15.0 + GRACE_SECONDS
    assert mine.expire(116.9) == []
    mine.apply(entry("n", 1, 2, lease=15.0), 110.0, walked=False)  # renewed: the same record, and nothing to tell
    assert mine.expire(126.9) == []
    assert mine.expire(127.0) == [Gone("n", Thing(1), "expired")]
    assert mine.records == {}
    assert mine.next_expiry is None


def test_the_state_from_disk_serves_until_the_server_has_spoken() -> None:
    mine = replica()
    mine.restore([entry("a", 1, 7), entry("b", 2, 8)])
    mine.begin()
    mine.apply(entry("b", 5, 3), 0.0, walked=True)  # another server, whose revisions begin anew
    assert mine.records == {"a": Thing(1), "b": Thing(2)}
    assert mine.finish(3, 0.0) == [Gone("a", Thing(1), "deleted"), Put("b", Thing(5), 3), Synced(1)]
    assert mine.revision("b") == 3
    assert mine.revision("a") == 0


def test_what_cannot_be_read_is_left_out_and_said() -> None:
    mine = replica()
    mine.begin()
    mine.finish(0, 0.0)
    assert mine.apply(Entry("a", b'{"size": "large"}', 1), 0.0, walked=False) == []
    mine.apply(entry("a", 1, 2), 0.0, walked=False)
    assert mine.apply(Entry("a", b"{", 3), 0.0, walked=False) == [Gone("a", Thing(1), "unreadable")]
    assert len(complaints) == 2
    assert complaints[0].startswith("a: no Thing: Expected `int`")
