"""The right to present, as room systems ask for it over UDP and TCP."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixer.bfcp import FloorServer, Malformed, Message, Primitive, Status, parse, serialise
from mixer.bfcp.message import GROUPED, Attribute, Kind, number
from mixer.bfcp.server import TRIES

CONFERENCE = 77


def server(*, hosts: tuple[int, ...] = (), forbidden: tuple[int, ...] = (), udp: bool = True) -> FloorServer:
    one = FloorServer(CONFERENCE, lambda user: user not in forbidden)
    for user in (1, 2, 3):
        one.join(user, host=user in hosts, udp=udp)
    return one


def ask(one: FloorServer, primitive: Primitive, user: int, transaction: int, *attributes: Attribute) -> list[Message]:
    one.receive(Message(primitive, CONFERENCE, transaction, user, attributes), 0.0)
    return [parse(outgoing.data) for outgoing in one.take()]


def request(one: FloorServer, user: int, transaction: int = 1) -> list[Message]:
    return ask(one, Primitive.FLOOR_REQUEST, user, transaction, number(Kind.FLOOR_ID, 1))


def status(message: Message) -> Status:
    information = message.first(Kind.FLOOR_REQUEST_INFORMATION)
    assert information is not None
    overall = next(part for part in information.within if part.kind == Kind.OVERALL_REQUEST_STATUS)
    return Status(overall.within[0].value[0])


def test_a_hello_is_answered_with_what_we_know() -> None:
    answer = ask(server(), Primitive.HELLO, 1, 5)[0]
    assert (answer.primitive, answer.transaction, answer.response) == (Primitive.HELLO_ACK, 5, True)
    known = answer.first(Kind.SUPPORTED_PRIMITIVES)
    assert known is not None
    assert Primitive.FLOOR_REQUEST in known.value


def test_the_floor_is_granted_taken_over_and_released() -> None:
    one = server()
    assert status(request(one, 1)[0]) is Status.GRANTED
    assert one.presenter == 1
    said = request(one, 2)
    assert {(message.user, status(message)) for message in said} == {(1, Status.REVOKED), (2, Status.GRANTED)}
    assert one.presenter == 2
    information = next(message for message in said if message.user == 2).first(Kind.FLOOR_REQUEST_INFORMATION)
    assert information is not None
    released = ask(one, Primitive.FLOOR_RELEASE, 2, 9, number(Kind.FLOOR_REQUEST_ID, information.number))
    assert status(released[0]) is Status.RELEASED
    assert one.presenter == 0


def test_whoever_may_not_present_is_denied_and_a_host_keeps_the_floor_from_guests() -> None:
    one = server(hosts=(1,), forbidden=(3,))
    assert status(request(one, 3)[0]) is Status.DENIED
    request(one, 1)
    assert status(request(one, 2)[0]) is Status.DENIED
    assert one.presenter == 1


def test_watchers_hear_of_every_change_until_they_acknowledge() -> None:
    one = server()
    ask(one, Primitive.FLOOR_QUERY, 3, 1, number(Kind.FLOOR_ID, 1))
    told = next(message for message in request(one, 1) if message.user == 3)
    assert told.primitive == Primitive.FLOOR_STATUS
    due = one.next_timer()
    assert due is not None
    one.on_timer(due)
    assert [parse(outgoing.data) for outgoing in one.take()] == [told]
    ask(one, Primitive.FLOOR_STATUS_ACK, 3, told.transaction)
    assert one.next_timer() is None


def test_repeating_ends_with_somebody_who_never_acknowledges() -> None:
    one = server()
    request(one, 1)
    one.revoke(0.0)
    said = len(one.take())
    while (due := one.next_timer()) is not None:
        one.on_timer(due)
        said += len(one.take())
    assert said == TRIES


def test_a_repeated_request_is_answered_alike_and_done_once() -> None:
    one = server()
    first = request(one, 1)
    assert request(one, 1) == first


def test_over_tcp_nothing_is_repeated() -> None:
    one = server(udp=False)
    ask(one, Primitive.FLOOR_QUERY, 3, 1, number(Kind.FLOOR_ID, 1))
    told = next(message for message in request(one, 1) if message.user == 3)
    assert (told.version, told.transaction) == (1, 0)
    assert one.next_timer() is None


def test_the_floor_is_free_when_its_holder_leaves() -> None:
    one = server()
    request(one, 1)
    one.leave(1, 0.0)
    assert one.presenter == 0


def test_strangers_and_other_conferences_are_not_answered() -> None:
    one = server()
    one.receive(Message(Primitive.HELLO, CONFERENCE, 1, 99), 0.0)
    one.receive(Message(Primitive.HELLO, CONFERENCE + 1, 1, 1), 0.0)
    assert one.take() == []


@pytest.mark.parametrize("primitive", [Primitive.CHAIR_ACTION, 200])
def test_what_is_not_spoken_is_said(primitive: int) -> None:
    one = server()
    one.receive(Message(primitive, CONFERENCE, 1, 1), 0.0)
    assert parse(one.take()[0].data).primitive == Primitive.ERROR


PLAIN = st.builds(
    Attribute,
    st.integers(1, 127).filter(lambda kind: kind not in GROUPED),
    st.binary(max_size=40),
    st.just(()),
    st.booleans(),
)
GROUP = st.builds(
    Attribute,
    st.sampled_from(sorted(GROUPED)),
    st.binary(min_size=2, max_size=2),
    st.lists(PLAIN, max_size=3).map(tuple),
    st.booleans(),
)


@given(
    st.builds(
        Message,
        st.integers(0, 255),
        st.integers(0, 2**32 - 1),
        st.integers(0, 65535),
        st.integers(0, 65535),
        st.lists(PLAIN | GROUP, max_size=5).map(tuple),
        st.just(2),
        st.booleans(),
    )
)
def test_what_is_written_is_read_again(message: Message) -> None:
    assert parse(serialise(message)) == message


@given(st.binary(max_size=200), st.booleans())
def test_octets_of_strangers_give_a_message_or_an_error(data: bytes, framed: bool) -> None:
    if framed:
        data = data[: len(data) // 4 * 4]
        data = bytes((0x40, 1)) + (len(data) // 4).to_bytes(2) + (CONFERENCE).to_bytes(4) + bytes((0, 1, 0, 1)) + data
    try:
        message = parse(data)
    except Malformed:
        return
    one = server()
    one.receive(message, 0.0)
    for outgoing in one.take():
        parse(outgoing.data)
