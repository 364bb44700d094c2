"""What ends soon, by dates and a time handed in."""

from __future__ import annotations

import pytest

from b2bua.transport.expiry import DAY, Alarm, Dated, alarms

NOW = 1_000_000_000.0
CERTIFICATE = "certificate"


@pytest.mark.parametrize(
    ("kind", "days", "step", "said"),
    [
        (CERTIFICATE, 61.0, None, ""),
        (CERTIFICATE, 60.0, 60, "certificate /a.pem ends in 60 days: renew it"),
        (CERTIFICATE, 30.5, 60, "certificate /a.pem ends in 30 days: renew it"),
        (CERTIFICATE, 30.0, 30, "certificate /a.pem ends in 30 days: renew it"),
        (CERTIFICATE, 7.0, 7, "certificate /a.pem ends in 7 days: renew it"),
        (CERTIFICATE, 1.5, 7, "certificate /a.pem ends in 36 hours: renew it"),
        (CERTIFICATE, 0.0, -1, "certificate /a.pem ended 0 hours ago: renew it"),
        (CERTIFICATE, -3.0, -1, "certificate /a.pem ended 3 days ago: renew it"),
        ("revocation list", 2.0, None, ""),
        ("revocation list", 1.0, 1, "revocation list /a.pem ends in 24 hours: renew it"),
    ],
)
def test_steps(kind: str, days: float, step: int | None, said: str) -> None:
    one = Dated(kind, "/a.pem", NOW + days * DAY)
    found = alarms([one], NOW)
    assert found == (() if step is None else (Alarm(one, step),))
    assert [alarm.sentence(NOW) for alarm in found] == ([said] if said else [])


def test_what_is_renewed_by_itself_is_told_once_that_is_overdue() -> None:
    """A certificate of ninety days would else be an alarm from its thirtieth day on, although all is well."""
    one = Dated(CERTIFICATE, "/a.pem", NOW + 90 * DAY, NOW + 67.5 * DAY)
    assert [alarms([one], NOW + days * DAY) for days in (29.0, 31.0, 67.0)] == [(), (), ()]
    (alarm,) = alarms([one], NOW + 68 * DAY)
    assert alarm.sentence(NOW + 68 * DAY).endswith("ends in 22 days: certd has not renewed it, its log says why")
    assert [alarm.step for days in (84.0, 91.0) for alarm in alarms([one], NOW + days * DAY)] == [7, -1]


def test_the_nearest_end_stands_first_and_each_file_once() -> None:
    far, near = Dated(CERTIFICATE, "/far.pem", NOW + 50 * DAY), Dated(CERTIFICATE, "/near.pem", NOW + 5 * DAY)
    assert [alarm.dated for alarm in alarms([far, near, far], NOW)] == [near, far]
