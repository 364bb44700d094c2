"""People are invited, told of changes and cancellations, by a real mail server and a gateway of text messages."""

from __future__ import annotations

import base64
import email
import email.policy
from pathlib import Path
from typing import Any

import httpx2
import pytest

from hub.domain.invitation import Channel
from hub.post.round import Round, carriers, pause
from hub.post.sms import Texter
from hub.settings import Mail, Post, Sms
from tests.hub.post.smtp import MailServer, certificate
from tests.hub.world import World, text

POST = Post(
    mail=Mail(host="127.0.0.1", sender="video@hub.example"),
    sms=Sms(url="https://sms.example/send", callback_hosts=("told.example",)),
)
pytestmark = pytest.mark.parametrize("world", [{"post": POST}], indirect=True)

GUEST = {"recipient": "per@out.example", "name": "Per Sørensen"}


@pytest.fixture
def meeting(world: World) -> str:
    world.organisation("north", sms_sender_name="Ward 7", sms_callback_url="https://told.example/%reference%/%status%")
    return str(
        world.book(subject="Rounds #Fullname#\r\nBcc: all@out.example", description="Bring\nnotes; please")["uuid"]
    )


def path(meeting: str) -> str:
    return f"/services/v2/meeting/{meeting}/invitation"


def invite(world: World, meeting: str, *guests: dict[str, str]) -> Any:
    return world.ask("POST", path(meeting), "meeting-planner", json=list(guests))


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("mail"))


@pytest.fixture
def server(pem: Path) -> MailServer:
    return MailServer(pem)


def send(world: World, server: MailServer, pem: Path, password: Path) -> list[Any]:
    """Send what is due; gives the mails that came."""

    async def run() -> list[Any]:
        async with server.running():
            password.write_text("secret\n")
            mail = Mail(
                host="127.0.0.1", port=server.port, sender="video@hub.example", trust=pem, user="u", password=password
            )
            await Round(world.database, world.office, carriers(Post(mail=mail))).round()
        came = [email.message_from_string(body, policy=email.policy.default) for _, body in server.mails]
        server.mails.clear()
        return came

    return world.run(run)


def test_a_mail_with_a_calendar(world: World, meeting: str, server: MailServer, pem: Path, tmp_path: Path) -> None:
    invited = invite(world, meeting, GUEST).json()
    assert [(each["recipient"], each["state"], each["openedTime"]) for each in invited] == [
        ("per@out.example", "waiting", None)
    ]
    (mail,) = send(world, server, pem, tmp_path / "password")
    assert server.sealed == [True]
    assert base64.b64decode(server.users[0]) == b"\0u\0secret"
    assert mail["To"] == "Per Sørensen <per@out.example>"
    assert mail["Subject"] == "Videomøde: Rounds #Fullname# Bcc: all@out.example"
    assert mail["Bcc"] is None
    assert mail["Reply-To"] == "planner@north.example"
    said = mail.get_body().get_content()
    assert f"https://m.example/{invited[0]['token']}" in said
    assert "mandag den 2. november 2026 kl. 14.00" in said
    (_, calendar) = mail.iter_parts()
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_param("method") == "REQUEST"
    assert "DTSTART;TZID=Europe/Copenhagen:20261102T140000" in calendar.get_content()
    assert world.ask("GET", path(meeting), "meeting-planner").json()[0]["state"] == "sent"
    assert send(world, server, pem, tmp_path / "password") == []


def test_changes_and_the_end_are_told(
    world: World, meeting: str, server: MailServer, pem: Path, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    invite(world, meeting, GUEST)
    later = text(world.clock.now.replace(hour=18))

    def patch(**body: str) -> None:
        assert world.ask("PATCH", f"/v2/meetings/{meeting}", "meeting-planner", json=body).status_code == 200

    patch(endTime=later)
    (first,) = send(world, server, pem, password)  # one mail, and it is still an invitation
    assert first["Subject"].startswith("Videomøde:")
    patch(projectCode="7")
    assert send(world, server, pem, password) == []
    patch(endTime=text(world.clock.now.replace(hour=19)))
    (second,) = send(world, server, pem, password)
    assert second["Subject"].startswith("Ændret videomøde:")
    assert world.ask("DELETE", f"/v2/meetings/{meeting}", "meeting-planner").status_code == 204
    (third,) = send(world, server, pem, password)
    assert third["Subject"].startswith("Aflyst videomøde:")
    calendars = [list(each.iter_parts())[1].get_content() for each in (first, second, third)]
    found = [
        [line for line in each.splitlines() if line[:6] in {"SEQUEN", "METHOD", "UID:" + meeting[:2]}]
        for each in calendars
    ]
    assert [each[-1] for each in found] == ["SEQUENCE:1", "SEQUENCE:2", "SEQUENCE:3"]
    assert [each[0] for each in found] == ["METHOD:REQUEST", "METHOD:REQUEST", "METHOD:CANCEL"]
    assert len({each[1] for each in found}) == 1


def test_mail_is_tried_again_and_refusals_are_told(
    world: World, meeting: str, server: MailServer, pem: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    password = tmp_path / "password"
    invite(world, meeting, GUEST)
    server.reply = "450 busy"

    def state() -> tuple[str, str | None]:
        found = world.ask("GET", path(meeting), "meeting-planner").json()[0]
        return found["state"], found["fault"]

    assert send(world, server, pem, password) == []
    assert state() == ("waiting", "the mail server: 450 busy")
    server.reply = "250 fine"
    assert send(world, server, pem, password) == []  # not due yet
    world.clock.turn(seconds=31)
    assert len(send(world, server, pem, password)) == 1
    invite(world, meeting, {"recipient": "none@out.example"})
    why = "nobody <none@out.example> or +45 12 34 56 78"
    server.reply = f"550 {why}"
    send(world, server, pem, password)
    last = world.ask("GET", path(meeting), "meeting-planner").json()[-1]
    assert (last["state"], last["fault"]) == (
        "failed",
        "the mail server: 550 nobody <none@out.example> or +45 12 34 56 78",
    )
    said = [each.getMessage() for each in caplog.records if each.name == "hub.post"]
    assert said[-1].endswith("the mail server: 550 nobody <(address)> or (address)")
    assert [pause(tries).total_seconds() for tries in (0, 1, 9)] == [30, 60, 3600]


def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    world: World, meeting: str, server: MailServer, tmp_path: Path
) -> None:
    invite(world, meeting, GUEST)
    other = tmp_path / "other"
    other.mkdir()
    assert send(world, server, certificate(other), tmp_path / "password") == []
    assert world.ask("GET", path(meeting), "meeting-planner").json()[0]["state"] == "waiting"


def test_text_messages(world: World, meeting: str) -> None:
    asked: list[httpx2.Request] = []

    def gateway(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(400 if b"+4587654321" in request.content else 202)

    def connection() -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=httpx2.MockTransport(gateway))

    sms = f"/sms/v1/meeting/{meeting}"
    body = {"message": "Join: %meeting_url%", "to": "+45 12 34 56 78"}
    assert world.ask("POST", sms, "meeting-planner", json=body).json() == {"status": "waiting"}
    world.ask("POST", sms, "meeting-planner", json=body | {"to": "+4587654321"})
    assert POST.sms is not None
    texter = Texter(POST.sms, connection)
    world.run(Round(world.database, world.office, {Channel.SMS: texter}).round)
    assert world.ask("GET", sms, "meeting-planner").json() == [{"status": "sent"}, {"status": "failed"}]
    sent = httpx2.Response(200, content=asked[0].content).json()
    assert (sent["to"], sent["sender"]) == ("+4512345678", "Ward 7")
    assert sent["message"].startswith("Join: https://m.example/")
    assert [str(each.url) for each in asked[1::2]] == [
        f"https://told.example/{meeting}/sent",
        f"https://told.example/{meeting}/failed",
    ]


@pytest.mark.parametrize(
    "guest",
    [
        {"recipient": "a@b.example\r\nBcc: c@d.example"},
        {"recipient": "two@b.example, c@d.example"},
        {"recipient": "Name <a@b.example>"},
        {"recipient": "123", "channel": "sms"},
        {"recipient": "a@b.example", "name": "\x07"},
        {"recipient": "a@b.example", "language": "de"},
    ],
)
def test_who_cannot_be_invited(world: World, meeting: str, guest: dict[str, str]) -> None:
    assert invite(world, meeting, guest).status_code == 400
    assert world.ask("GET", path(meeting), "meeting-planner").json() == []


def test_invitations_belong_to_the_meeting(world: World, meeting: str) -> None:
    world.organisation("south")
    token = invite(world, meeting, GUEST).json()[0]["token"]
    assert world.ask("GET", path(meeting), "meeting-planner", organisation="south").status_code == 403
    one = f"{path(meeting)}/{token}"
    assert world.ask("DELETE", one, "meeting-user", email="other@north.example").status_code == 403
    assert world.ask("DELETE", one, "meeting-planner").status_code == 204
    assert world.ask("DELETE", one, "meeting-planner").status_code == 404
    world.clock.turn(days=1)
    assert invite(world, meeting, GUEST).status_code == 400  # it is over


def test_words_of_an_organisation(world: World, meeting: str, server: MailServer, pem: Path, tmp_path: Path) -> None:
    words = "/services/v2/message-template"
    mine = {"organisation": "north", "occasion": "invitation", "channel": "mail", "language": "en"}
    wanted = mine | {"subject": "#Subject#", "text": "Dear #Fullname#: #StartDate.Short# #Unknown#"}
    assert "#Unknown#" in world.ask("PUT", words, "meeting-admin", json=wanted).json()["error"]
    wanted["text"] = "Dear #Fullname#: #StartDate.Short#"
    for _ in range(2):
        assert world.ask("PUT", words, "meeting-admin", json=wanted).json() == wanted
    assert wanted in world.ask("GET", words, "meeting-user").json()
    invite(world, meeting, GUEST | {"language": "en"})
    (mail,) = send(world, server, pem, tmp_path / "password")
    assert mail.get_body().get_content().strip() == "Dear Per Sørensen: 02/11/2026"
    query = {("organisationCode" if name == "organisation" else name): value for name, value in mine.items()}
    assert world.ask("DELETE", words, "meeting-admin", params=query).status_code == 204
    assert world.ask("DELETE", words, "meeting-admin", params=query).status_code == 404
    assert world.ask("PUT", words, "meeting-planner", json=wanted).status_code == 403
