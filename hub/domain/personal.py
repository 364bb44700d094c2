"""What is kept about people: what for, whose it is, how long, and what becomes of it then. One table, and all of it.

Every text column of the store stands here or in `IMPERSONAL`; a test sees to that. What is to be forgotten is emptied
(`blank`), so that counts stay, or its row goes (`rows`). `after` is the column that the lifetime counts from, in the
table itself or in the one that `via` names.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Owner(Enum):
    """Who answers for it."""

    ORGANISATION = "the organisation that the meeting, the room or the person belongs to"
    OPERATOR = "whoever runs the installation"


class Lifetime(Enum):
    """How long it is kept; the days are settings (`personal`)."""

    CALL_DETAIL = "call_detail_days"
    NAMES = "names_days"
    JOURNAL = "journal_days"
    WHILE_IN_USE = "until its owner changes or removes it"
    TELLING = "until it is told on the bus"
    SESSION = "until it ends, hours"


@dataclass(frozen=True, slots=True)
class Via:
    """Through which table a row finds its time: its `column` names `other` of `table`."""

    column: str
    table: str
    other: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Columns of a table that are about people.

    `emails`: those of them that hold a mail address, by which a person's rows are found; `numbers`: those that hold a
    telephone number, or the name that somebody calls under or is called by.
    """

    table: str
    columns: tuple[str, ...]
    what: str
    purpose: str
    owner: Owner
    lifetime: Lifetime
    after: str | None = None
    via: Via | None = None
    rows: bool = False
    emails: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()


class By(Enum):
    """What a person is found by: the columns of `Kept` of this name."""

    EMAIL = "emails"
    NUMBER = "numbers"


ACTORS = ("created_by", "updated_by")

KEPT: tuple[Kept, ...] = (
    Kept(
        "meetings",
        ("subject", "description", "external_id", "additional_information"),
        "what a meeting is about, in free text",
        "its organiser and his systems find it again",
        Owner.ORGANISATION,
        Lifetime.NAMES,
        "end_time",
    ),
    Kept(
        "meetings",
        ("organized_by", *ACTORS),
        "mail addresses of who organised, made and changed a meeting",
        "who may change it; whom to ask about it",
        Owner.ORGANISATION,
        Lifetime.NAMES,
        "end_time",
        emails=("organized_by", *ACTORS),
    ),
    Kept(
        "meeting_labels",
        ("label",),
        "words that a client files a meeting under",
        "clients find their meetings",
        Owner.ORGANISATION,
        Lifetime.NAMES,
        "end_time",
        Via("meeting_uuid", "meetings", "uuid"),
        rows=True,
    ),
    Kept(
        "scheduling_infos",
        ("portal_link", "host_pin", "guest_pin"),
        "PINs of a room, and the link that holds one",
        "to enter the room",
        Owner.ORGANISATION,
        Lifetime.CALL_DETAIL,
        "end_time",
    ),
    Kept(
        "scheduling_infos",
        ACTORS,
        "mail addresses of who made and changed a room",
        "whom to ask about it",
        Owner.ORGANISATION,
        Lifetime.NAMES,
        "end_time",
        emails=ACTORS,
    ),
    Kept(
        "scheduling_status",
        ("by", "description"),
        "who brought a room into a state, and what he said",
        "faults of provisioning are found",
        Owner.OPERATOR,
        Lifetime.CALL_DETAIL,
        "time",
        emails=("by",),
    ),
    Kept(
        "scheduling_templates",
        ACTORS,
        "mail addresses of who made and changed a template",
        "whom to ask about it",
        Owner.ORGANISATION,
        Lifetime.WHILE_IN_USE,
        emails=ACTORS,
    ),
    Kept(
        "standing_rooms",
        ("owner", "name", "host_pin", "guest_pin"),
        "whose a room is that is always there, and its PINs",
        "he lets people in and changes it",
        Owner.ORGANISATION,
        Lifetime.WHILE_IN_USE,
        emails=("owner",),
    ),
    Kept(
        "invitations",
        ("recipient", "name"),
        "who was invited, and whether he opened the invitation and came",
        "the organiser sees who will come",
        Owner.ORGANISATION,
        Lifetime.NAMES,
        "end_time",
        Via("meeting_uuid", "meetings", "uuid"),
        rows=True,
        emails=("recipient",),
        numbers=("recipient",),
    ),
    Kept(
        "messages",
        ("recipient", "name", "subject", "text", "calendar", "fault"),
        "mails and text messages to people who were invited",
        "they are sent, and sent again where that failed",
        Owner.ORGANISATION,
        Lifetime.NAMES,
        "due_time",
        rows=True,
        emails=("recipient",),
        numbers=("recipient",),
    ),
    Kept(
        "calls",
        ("caller", "dialled"),
        "who called what, and when",
        "faults are found; an organisation sees its own calls",
        Owner.ORGANISATION,
        Lifetime.CALL_DETAIL,
        "ended",
        numbers=("caller", "dialled"),
    ),
    Kept(
        "media",
        ("domain", "streams"),
        "how a participation was received and sent, and whose network it came from",
        "faults are found",
        Owner.ORGANISATION,
        Lifetime.CALL_DETAIL,
        "ended",
        rows=True,
    ),
    Kept(
        "outbox",
        ("message",),
        "changes with the mail address of who made them",
        "the journal and other programs learn of them",
        Owner.OPERATOR,
        Lifetime.TELLING,
    ),
    Kept(
        "audit",
        ("identifier", "person", "data"),
        "who did and read what, by pseudonym",
        "misuse is found, and can be proved",
        Owner.ORGANISATION,
        Lifetime.JOURNAL,
    ),
    Kept(
        "persons",
        ("email",),
        "who stands behind a pseudonym of the journal",
        "misuse is found, and can be proved",
        Owner.ORGANISATION,
        Lifetime.JOURNAL,
        "seen_time",
        rows=True,
        emails=("email",),
    ),
    Kept(
        "sessions",
        ("email", "roles", "subject", "provider_session"),
        "who is logged in",
        "pages know who asks",
        Owner.ORGANISATION,
        Lifetime.SESSION,
        "ends_time",
        rows=True,
        emails=("email",),
    ),
)

IMPERSONAL: dict[str, tuple[str, ...]] = {
    "organisations": (
        "code",
        "name",
        "kind",
        "sms_sender_name",
        "sms_callback_url",
        "history_api_key",
        "device_webhook_endpoint",
        "device_webhook_endpoint_key",
        "use",
        "field",
    ),
    "use_rules": ("part", "pattern", "use", "field"),
    "agreements": ("provider",),
    "scheduling_templates": (
        "uri_prefix",
        "uri_domain",
        "use",
        "field",
        "ivr_theme",
        "custom_portal_guest",
        "custom_portal_host",
        "return_url",
        "created_by_organisation",
        "updated_by_organisation",
    ),
    "meetings": (
        "project_code",
        "short_id",
        "guest_microphone",
        "use",
        "field",
        "created_by_organisation",
        "updated_by_organisation",
    ),
    "scheduling_infos": (
        "uri_without_domain",
        "held_uri",
        "uri_domain",
        "status_description",
        "provision_vmr_id",
        "ivr_theme",
        "custom_portal_guest",
        "custom_portal_host",
        "return_url",
        "created_by_organisation",
        "updated_by_organisation",
    ),
    "room_themes": ("name", "title"),
    "standing_rooms": ("kind", "domain", "quality", "theme", "language", "use", "field"),
    "room_aliases": ("alias",),
    "room_systems": ("name", "alias", "username", "sha256", "md5"),
    "message_templates": ("occasion", "channel", "language", "subject", "text"),
    "invitations": ("token", "channel", "language"),
    "messages": ("invitation", "channel", "state"),
    "calls": ("ident", "room", "zone", "peer", "transport", "edge", "ended_by", "use", "field"),
    "media": ("ident", "room", "node"),
    "health_checks": ("parts",),
    "old_callers": ("month", "organisation", "agent", "operation"),
    "outbox": ("subject",),
    "audit": ("time", "organisation", "resource", "operation", "source", "digest"),
    "persons": ("pseudonym",),
    "sessions": ("digest", "provider", "organisation"),
    "logins": ("digest", "provider", "state", "nonce", "verifier", "destination"),
}
"""Texts that say nothing about people; project codes and settings of rooms name undertakings, not persons."""

SETTINGS_OF_ROOMS = ("vmr_type", "host_view", "guest_view", "vmr_quality", "direct_media", "call_type")
"""Texts of every table that has rooms' settings; words of the API."""
