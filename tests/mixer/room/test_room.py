"""A room as people meet it: doors, lobbies, hosts, the end; told by the commands that come out."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.layout import View
from mixer.room import (
    Arrival,
    Dial,
    Drop,
    Find,
    Guard,
    Kind,
    Log,
    Move,
    Over,
    Phase,
    Role,
    Room,
    RoomError,
    RoomSettings,
    Say,
    StartRecording,
    StopRecording,
    Voice,
)
from mixer.room.guard import WINDOW


class Pins:
    host = True

    def __init__(self, *, guest: bool = True) -> None:
        self.guest = guest

    def role(self, digits: str) -> Role | None:
        return {"1234": Role.HOST, "5678": Role.GUEST if self.guest else None}.get(digits)


MEETING = RoomSettings("1000", pins=Pins())
OPEN = RoomSettings("2000")


def arrival(who: str, **more: object) -> Arrival:
    return Arrival(who, who.title(), f"{who}@hospital.example", **more)  # type: ignore[arg-type]


def press(room: Room, who: str, keys: str, now: float = 1.0) -> None:
    for key in keys:
        room.digit(who, key, now)


def phases(room: Room) -> dict[str, Phase]:
    return {entry.participant: entry.phase for entry in room.roster}


def said(room: Room, who: str) -> list[str]:
    return [one.prompt for one in room.take() if isinstance(one, Say) and one.participant == who]


def meeting(*people: str, settings: RoomSettings = OPEN) -> Room:
    room = Room(settings, Guard(), 0.0)
    for number, who in enumerate(people):
        room.arrive(arrival(who), float(number))
    return room


def test_without_pins_everybody_is_a_host_and_inside_at_once() -> None:
    room = meeting("anna", "bo")
    assert phases(room) == {"anna": Phase.INSIDE, "bo": Phase.INSIDE}
    assert {entry.role for entry in room.roster} == {Role.HOST}


def test_a_guest_waits_for_the_host() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("gerda"), 0.0)
    assert said(room, "gerda") == ["enter_pin"]
    press(room, "gerda", "5678#")
    assert phases(room) == {"gerda": Phase.LOBBY}
    commands = room.take()
    assert Voice("gerda", muted=True, deaf=True) in commands
    room.arrive(arrival("hans"), 2.0)
    press(room, "hans", "1234#")
    assert phases(room) == {"gerda": Phase.INSIDE, "hans": Phase.INSIDE}
    assert Voice("gerda", muted=False, deaf=False) in room.take()


def test_a_pause_ends_an_entry_on_remotes_without_a_hash() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("hans"), 0.0)
    press(room, "hans", "1234", now=1.0)
    assert phases(room) == {"hans": Phase.PIN}
    due = room.next_timer()
    assert due is not None
    room.on_timer(due)
    assert phases(room) == {"hans": Phase.INSIDE}


def test_a_star_takes_an_entry_back() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("hans"), 0.0)
    press(room, "hans", "99*1234#")
    assert phases(room) == {"hans": Phase.INSIDE}


def test_guests_without_a_pin_come_in_with_a_hash() -> None:
    room = Room(RoomSettings("1", pins=Pins(guest=False)), Guard(), 0.0)
    room.arrive(arrival("gerda"), 0.0)
    assert said(room, "gerda") == ["enter_pin_or_hash"]
    press(room, "gerda", "#")
    assert phases(room) == {"gerda": Phase.LOBBY}


def test_after_three_wrong_pins_the_call_ends_and_then_the_source_is_locked_out() -> None:
    guard = Guard()
    room = Room(MEETING, guard, 0.0)
    for call in range(2):
        room.arrive(arrival("eve"), call * 10.0)
        press(room, "eve", "1111#2222#3333#", now=call * 10.0 + 1)
        assert phases(room) == {"eve": Phase.LEAVING}
        room.take()
        room.prompted("eve", "farewell", call * 10.0 + 2)
        assert Drop("eve", 403, "the PIN was wrong three times") in room.take()
    room.arrive(arrival("eve"), 30.0)
    commands = room.take()
    assert Log("source.locked", "eve", "eve@hospital.example") in commands
    assert phases(room) == {"eve": Phase.LEAVING}
    room.arrive(arrival("hans"), 31.0)
    assert phases(room)["hans"] is Phase.PIN
    assert not guard.locked("eve@hospital.example", 30.0 + WINDOW)


def test_no_digit_ever_reaches_the_log() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("hans"), 0.0)
    press(room, "hans", "8642#1234#")
    written = repr([one for one in room.take() if isinstance(one, Log)])
    assert "8642" not in written
    assert "1234" not in written


def test_whoever_enters_nothing_is_let_go() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("hans"), 0.0)
    due = room.next_timer()
    assert due is not None
    room.on_timer(due)
    assert phases(room) == {"hans": Phase.LEAVING}


def test_a_locked_room_lets_hosts_in_and_others_wait_until_they_are_admitted() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("hans"), 0.0)
    press(room, "hans", "1234#")
    room.lock(1.0, locked=True)
    for who, pin in (("gerda", "5678#"), ("grete", "5678#"), ("hilde", "1234#")):
        room.arrive(arrival(who), 2.0)
        press(room, who, pin, 3.0)
    assert phases(room)["hilde"] is Phase.INSIDE
    assert phases(room)["gerda"] is phases(room)["grete"] is Phase.KNOCKING
    room.take()
    room.admit("gerda", 4.0)
    assert phases(room)["gerda"] is Phase.INSIDE
    room.lock(5.0, locked=False)
    assert phases(room)["grete"] is Phase.INSIDE


def test_who_waits_hears_nothing_of_the_room() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.arrive(arrival("gerda"), 0.0)
    press(room, "gerda", "5678#")
    room.take()
    room.tell("recording_on")
    assert room.take() == []
    watched = dict(room.pictures().video)
    assert watched == {"gerda": "screen-lobby"}


def test_a_full_room_says_so() -> None:
    room = meeting("anna", "bo", settings=RoomSettings("1", limit=2))
    room.take()
    room.arrive(arrival("carl"), 3.0)
    assert phases(room)["carl"] is Phase.LEAVING
    assert said(room, "carl") == ["room_full"]


def test_encryption_is_demanded_in_words() -> None:
    room = meeting(settings=RoomSettings("1", force_encryption=True))
    room.arrive(arrival("anna", encrypted=True), 0.0)
    room.arrive(arrival("bo"), 0.0)
    assert phases(room) == {"anna": Phase.INSIDE, "bo": Phase.LEAVING}
    assert said(room, "bo") == ["encryption_required"]


def test_guests_are_muted_where_the_room_says_so_and_stay_so() -> None:
    room = Room(RoomSettings("1", pins=Pins(), mute_guests=True), Guard(), 0.0)
    room.arrive(arrival("hans"), 0.0)
    press(room, "hans", "1234#")
    room.arrive(arrival("gerda"), 0.0)
    press(room, "gerda", "5678#")
    press(room, "gerda", "*6")
    assert next(entry for entry in room.roster if entry.participant == "gerda").muted
    room.mute("gerda", muted=False)
    assert not next(entry for entry in room.roster if entry.participant == "gerda").muted


def test_keys_of_a_host_mute_lock_and_mute_all() -> None:
    room = meeting("anna", "bo")
    press(room, "anna", "*6")
    assert room.roster[0].muted
    press(room, "anna", "*5")
    assert room.locked
    room.set_role("bo", Role.GUEST, 1.0)
    press(room, "anna", "*9")
    assert room.roster[1].muted


def test_keys_of_a_bridge_are_for_the_other_end_and_mute_nobody() -> None:
    room = meeting("anna", "bo", settings=RoomSettings("1", kind=Kind.GATEWAY))
    assert not [one for one in room.take() if isinstance(one, Say)], "a bridge has no prompts"
    press(room, "anna", "*6")
    assert [(one.participant, one.prompt) for one in room.take()] == [("bo", "key_star"), ("bo", "key_6")]  # type: ignore[union-attr]
    assert not any(entry.muted for entry in room.roster)


def test_the_reception_takes_people_to_the_room_they_ask_for() -> None:
    room = Room(RoomSettings("0", kind=Kind.RECEPTION), Guard(), 0.0)
    room.arrive(arrival("anna"), 0.0)
    press(room, "anna", "1000#")
    assert Find("anna", "1000") in room.take()
    room.found("anna", "1000", 1.0, exists=False)
    assert said(room, "anna") == ["no_such_room", "enter_room"]
    press(room, "anna", "2000#")
    room.found("anna", "2000", 2.0, exists=True)
    assert Move("anna", "2000") in room.take()


def test_a_test_room_lets_one_hear_and_see_oneself() -> None:
    room = meeting("anna", "bo", settings=RoomSettings("test", kind=Kind.TEST))
    assert Voice("anna", muted=True, deaf=False, echo=True) in room.take()
    room.note("anna", "1280x720, loss 0 %")
    view = next(view for view in room.pictures().views if view.view == "anna")
    assert [tile.participant for tile in view.tiles] == ["anna"]
    assert view.banner == "1280x720, loss 0 %"


def test_small_rooms_show_nobody_himself_and_large_ones_share_a_picture() -> None:
    room = meeting("anna", "bo", "carl")
    pictures = room.pictures()
    watched = {who: next(view for view in pictures.views if view.view == name) for who, name in pictures.video}
    assert all(who not in {tile.participant for tile in view.tiles} for who, view in watched.items())
    room = meeting(*(f"p{number}" for number in range(9)))
    assert len(room.pictures().views) == 2  # the speaker's own, and everybody else's
    room.lay_out(View.NINE_MAINS_ZERO_PIPS, None)
    assert len(room.pictures().views) == 1


def test_where_processors_are_short_three_share_a_picture_and_two_see_each_other() -> None:
    room = meeting("anna", "bo", "carl")
    assert len(room.pictures().views) == 3
    room.cramped = True
    assert len({name for _, name in room.pictures().video}) == 2  # the speaker's own, and everybody else's
    room.lay_out(View.NINE_MAINS_ZERO_PIPS, None)
    assert len(room.pictures().views) == 1
    room.gone("carl", 1.0)
    assert [[tile.participant for tile in view.tiles] for view in room.pictures().views] == [["bo"], ["anna"]]


def test_who_presents_keeps_the_main_place_where_the_room_says_so() -> None:
    for forced, first in ((True, "bo"), (False, "carl")):
        room = meeting("anna", "bo", "carl", settings=RoomSettings("1", force_presenter=forced))
        room.present("bo")
        for step in range(20):
            room.hear({"anna": -80, "bo": -80, "carl": -20}, step * 0.2)
        assert room.order[0] == first


def test_guests_of_a_lecture_see_hosts_only() -> None:
    settings = RoomSettings("1", pins=Pins(), lecture=True, guest_view=View.ONE_MAIN_ZERO_PIPS)
    room = Room(settings, Guard(), 0.0)
    for who, pin in (("hans", "1234#"), ("gerda", "5678#"), ("grete", "5678#")):
        room.arrive(arrival(who), 0.0)
        press(room, who, pin)
    pictures = room.pictures()
    view = next(view for view in pictures.views if view.view == dict(pictures.video)["gerda"])
    assert [tile.participant for tile in view.tiles] == ["hans"]


def test_content_goes_to_a_stream_of_its_own_or_into_the_main_place() -> None:
    room = Room(OPEN, Guard(), 0.0)
    for who, content in (("anna", True), ("bo", True), ("carl", False)):
        room.arrive(arrival(who, content=content), 0.0)
    assert room.may_present("anna")
    room.present("anna")
    pictures = room.pictures()
    assert pictures.content == (("bo", "content"),)
    carl = next(view for view in pictures.views if view.view == dict(pictures.video)["carl"])
    assert (carl.tiles[0].participant, carl.tiles[0].content) == ("anna", True)
    room.gone("anna", 1.0)
    assert room.presenter == ""


def test_guests_present_only_where_they_may() -> None:
    room = Room(RoomSettings("1", guests_present=False), Guard(), 0.0)
    room.arrive(arrival("anna"), 0.0)
    assert room.may_present("anna")
    room.set_role("anna", Role.GUEST, 0.0)
    assert not room.may_present("anna")


def test_the_speaker_comes_into_the_main_place_and_a_spotlight_keeps_it() -> None:
    room = meeting("anna", "bo", "carl")
    for step in range(10):
        room.hear({"anna": -80, "bo": -80, "carl": -20}, step * 0.2)
    assert room.main_picture().tiles[0].participant == "carl"
    room.spotlight(["bo"])
    for step in range(10, 40):
        room.hear({"anna": -20, "bo": -80, "carl": -80}, step * 0.2)
    assert room.main_picture().tiles[0].participant == "bo"


def test_recording_is_allowed_heard_and_seen() -> None:
    with pytest.raises(RoomError, match="does not allow"):
        meeting("anna").record(on=True)
    room = meeting("anna", settings=RoomSettings("1", recording=True))
    room.take()
    room.record(on=True)
    commands = room.take()
    assert StartRecording() in commands
    assert Say("anna", "recording_on") in commands
    assert room.banner == "@recording"
    room.arrive(arrival("bo"), 0.5)
    assert Say("bo", "recording_on") in room.take(), "who comes later is told too"
    room.show("Pause", 10.0)
    assert room.banner == "@recording\nPause", "a message does not hide it"
    room.end(1.0, "enough")
    assert StopRecording() in room.take()


def test_a_meeting_ends_at_its_end_after_a_notice() -> None:
    room = meeting("anna", settings=RoomSettings("1", ends=1000.0))
    room.take()
    assert room.next_timer() == 700.0
    room.on_timer(700.0)
    assert said(room, "anna") == ["five_minutes"]
    assert room.next_timer() == 1000.0
    room.on_timer(1000.0)
    assert said(room, "anna") == ["meeting_ended"]
    room.prompted("anna", "farewell", 1004.0)
    assert [type(one) for one in room.take() if isinstance(one, Drop | Over)] == [Drop, Over]
    assert room.next_timer() is None


def test_somebody_dialled_has_no_door() -> None:
    room = Room(MEETING, Guard(), 0.0)
    room.dial("carl", "sip:carl@clinic.example", Role.GUEST, "Carl", 0.0)
    assert Dial("carl", "sip:carl@clinic.example", Role.GUEST) in room.take()
    assert phases(room) == {"carl": Phase.DIALLED}
    room.arrive(arrival("carl"), 1.0)
    assert phases(room) == {"carl": Phase.LOBBY}
    room.set_role("carl", Role.HOST, 2.0)
    assert phases(room) == {"carl": Phase.INSIDE}


def test_commands_about_nobody_say_so() -> None:
    room = meeting()
    for command in (room.kick, room.admit):
        with pytest.raises(RoomError, match="nobody called 'eve'"):
            command("eve", 0.0)


NAMES = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.one_of(
    st.tuples(st.just("arrive"), NAMES),
    st.tuples(st.just("gone"), NAMES),
    st.tuples(st.just("digit"), NAMES, st.sampled_from("0123456789*#")),
    st.tuples(st.just("pin"), NAMES, st.sampled_from(["1234#", "5678#", "9999#"])),
    st.tuples(st.just("kick"), NAMES),
    st.tuples(st.just("admit"), NAMES),
    st.tuples(st.just("lock"), st.booleans()),
    st.tuples(st.just("present"), NAMES),
    st.tuples(st.just("tick")),
)


def take(room: Room, step: str, rest: list[object], now: float) -> None:
    who = str(rest[0]) if rest else ""
    if step == "arrive" and who not in room:
        room.arrive(arrival(who), now)
    elif step in {"digit", "pin"}:
        press(room, who, str(rest[1]), now)
    elif step == "lock":
        room.lock(now, locked=bool(rest[0]))
    elif step == "present" and room.may_present(who):
        room.present(who)
    elif step in {"gone", "kick", "admit"}:
        getattr(room, step)(who, now)
    elif step == "tick":
        room.on_timer(now)


@given(st.lists(STEPS, max_size=60))
def test_whatever_happens_pictures_show_who_is_inside_and_nobody_outside_hears(steps: list[tuple[str, ...]]) -> None:
    room = Room(MEETING, Guard(), 0.0)
    voices: dict[str, Voice] = {}
    for number, (step, *rest) in enumerate(steps):
        with suppress(RoomError):
            take(room, step, list(rest), number * 5.0)
        voices |= {one.participant: one for one in room.take() if isinstance(one, Voice)}
        pictures = room.pictures()
        names = {view.view for view in pictures.views}
        inside = {entry.participant for entry in room.roster if entry.phase is Phase.INSIDE}
        assert {name for _, name in (*pictures.video, *pictures.content)} <= names
        assert {tile.participant for view in pictures.views for tile in view.tiles} <= inside
        assert all(voices[who].deaf != (who in inside) for who in phases(room))


def test_cameras_are_moved_by_those_who_may_and_only_of_whom_they_see_first() -> None:
    room = meeting("anna", "bo", "carl")
    steering = dict(room.steering())
    assert set(steering) == {"anna", "bo", "carl"}
    assert all(who != whose for who, whose in steering.items())
    room.spotlight(["bo"])
    assert dict(room.steering()) == {"anna": "bo", "bo": dict(room.steering())["bo"], "carl": "bo"}


def test_guests_move_no_camera_unless_everybody_may() -> None:
    for who_may, steerers in (("nobody", set()), ("hosts", {"hans"}), ("everybody", {"hans", "gerda"})):
        settings = RoomSettings("1", pins=Pins(), camera_control=who_may)  # type: ignore[arg-type]
        room = Room(settings, Guard(), 0.0)
        for who, pin in (("hans", "1234#"), ("gerda", "5678#"), ("lis", "")):
            room.arrive(arrival(who), 0.0)
            press(room, who, pin)
        assert {who for who, _ in room.steering()} == steerers
