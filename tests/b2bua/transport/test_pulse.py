"""When connections are pinged and given up, with the time as a parameter."""

from __future__ import annotations

from b2bua.transport.limits import FIRST_MESSAGE_SECONDS, HANDSHAKE_SECONDS, IDLE_SECONDS, PING_SECONDS, PONG_SECONDS
from b2bua.transport.pulse import Pulse

EVERY = PING_SECONDS["tcp"]
WEB = PING_SECONDS["wss"]


def opened(transport: str = "tcp", *, accepted: bool = False) -> Pulse:
    pulse = Pulse.of(transport, 0.0, accepted=accepted)
    pulse.opened(0.0)
    return pulse


def test_a_handshake_has_its_time() -> None:
    pulse = Pulse.of("tls", 5.0, accepted=True)
    assert pulse.due == 5.0 + HANDSHAKE_SECONDS
    pulse.heard(5.0 + HANDSHAKE_SECONDS - 1, message=False, pong=False)  # octets alone do not make it longer
    assert pulse.act(5.0 + HANDSHAKE_SECONDS - 1) == "wait"
    assert pulse.act(5.0 + HANDSHAKE_SECONDS) == "close"


def test_an_accepted_connection_has_to_say_something() -> None:
    pulse = opened(accepted=True)
    pulse.heard(FIRST_MESSAGE_SECONDS - 1, message=False, pong=False)
    assert pulse.act(FIRST_MESSAGE_SECONDS) == "close"
    talking = opened(accepted=True)
    talking.heard(20.0, message=True, pong=False)
    assert talking.act(20.0 + IDLE_SECONDS - 1) == "wait"
    talking.heard(100.0, message=False, pong=False)
    assert talking.due == 100.0 + IDLE_SECONDS
    assert talking.act(100.0 + IDLE_SECONDS) == "close"


def test_our_connection_is_pinged_while_nothing_comes() -> None:
    pulse = opened()
    assert pulse.due == EVERY
    assert pulse.act(EVERY - 1) == "wait"
    assert pulse.act(EVERY) == "ping"
    assert pulse.due == 2 * EVERY  # whoever never answered a ping may not know of them
    assert pulse.act(2 * EVERY) == "ping"
    pulse.heard(2 * EVERY + 5, message=True, pong=False)
    assert pulse.due == 3 * EVERY + 5


def test_a_peer_that_answered_one_ping_and_not_the_next_is_gone() -> None:
    pulse = opened()
    assert pulse.act(EVERY) == "ping"
    pulse.heard(EVERY + 1, message=False, pong=True)
    again = EVERY + 1 + EVERY
    assert pulse.act(again) == "ping"
    assert pulse.due == again + PONG_SECONDS
    assert pulse.act(again + PONG_SECONDS) == "close"


def test_anything_that_comes_answers_a_ping() -> None:
    pulse = opened()
    pulse.act(EVERY)
    pulse.heard(EVERY, message=False, pong=True)
    pulse.act(2 * EVERY)
    pulse.heard(2 * EVERY + 1, message=True, pong=False)
    assert pulse.act(2 * EVERY + PONG_SECONDS) == "wait"


def test_a_websocket_waits_for_its_user_as_long_as_the_browser_answers() -> None:
    pulse = opened("wss", accepted=True)
    now = 0.0
    for _ in range(100):
        now += WEB
        assert pulse.act(now) == "ping"
        pulse.heard(now, message=False, pong=True)
    now += WEB
    assert pulse.act(now) == "ping"
    assert pulse.act(now + PONG_SECONDS) == "close"
