"""The conference event package: who is in a room, as XML that room systems read (RFC 4575). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

from mixer.room import Entry, Phase, Role, RoomSettings

MEDIA_TYPE = "application/conference-info+xml"

_STATUS = {Phase.DIALLED: "alerting", Phase.INSIDE: "connected", Phase.LEAVING: "disconnecting"}


def document(
    entity: str, settings: RoomSettings, entries: Iterable[Entry], version: int, *, locked: bool, full: bool
) -> bytes:
    """Write the whole state. `entity` is the room's URI; without `full` nobody is named, for those who still wait."""
    known = list(entries)
    inside = [entry for entry in known if entry.phase is Phase.INSIDE]
    shown = [entry for entry in known if entry.phase in _STATUS] if full else []
    most = f"<maximum-user-count>{settings.limit}</maximum-user-count>" if settings.limit else ""
    name = _text(settings.name or settings.alias)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<conference-info xmlns="urn:ietf:params:xml:ns:conference-info" '
        f'entity={quoteattr(entity)} state="full" version="{version}">'
        f"<conference-description><display-text>{name}</display-text>{most}</conference-description>"
        f"<conference-state><user-count>{len(inside)}</user-count><active>{_truth(bool(inside))}</active>"
        f"<locked>{_truth(locked)}</locked></conference-state>"
        f"<users>{''.join(map(_user, shown))}</users></conference-info>\n"
    ).encode()


def _user(entry: Entry) -> str:
    """Write one user with one endpoint. The address is what the edge has proved."""
    uri = f"sip:{entry.address}" if not entry.address.startswith("sip") else entry.address
    way = "sendrecv" if not entry.muted else "recvonly"
    video = f'<media id="2"><type>video</type><status>{"sendrecv" if entry.video else "inactive"}</status></media>'
    return (
        f'<user entity={quoteattr(f"{uri};gr={entry.participant}")} state="full">'
        f"<display-text>{_text(entry.name)}</display-text>"
        f"<roles><entry>{'host' if entry.role is Role.HOST else 'participant'}</entry></roles>"
        f'<endpoint entity={quoteattr(uri)} state="full"><status>{_STATUS[entry.phase]}</status>'
        f'<media id="1"><type>audio</type><status>{way}</status></media>{video}</endpoint></user>'
    )


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _text(text: str) -> str:
    return escape("".join(char for char in text if char.isprintable()))
