"""The tables. Times are UTC, to the second where clients see them; words of the API are stored as they are spelt."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    false,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """A time in UTC; SQLite knows no time zones, so it is stored there without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the database UTC; a time without a zone is a fault of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("times in the store have a zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the program UTC."""
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""A number that the database gives; SQLite counts only what it calls INTEGER."""


def _settings() -> list[Column[Any]]:
    return [
        Column("vmr_type", String(16), nullable=False),
        Column("host_view", String(32), nullable=False),
        Column("guest_view", String(32), nullable=False),
        Column("vmr_quality", String(8), nullable=False),
        Column("enable_overlay_text", Boolean, nullable=False),
        Column("guests_can_present", Boolean, nullable=False),
        Column("force_presenter_into_main", Boolean, nullable=False),
        Column("force_encryption", Boolean, nullable=False),
        Column("mute_all_guests", Boolean, nullable=False),
        Column("direct_media", String(16), nullable=False),
        Column("call_type", String(64)),
    ]


def _room_rules() -> list[Column[Any]]:
    return [
        Column("vmr_available_before", Integer, nullable=False),
        Column("max_participants", Integer, nullable=False),
        Column("end_meeting_on_end_time", Boolean, nullable=False),
        Column("ivr_theme", String(100)),
        Column("custom_portal_guest", String(200)),
        Column("custom_portal_host", String(200)),
        Column("return_url", String(200)),
    ]


def _who_and_when() -> list[Column[Any]]:
    return [
        Column("created_by_organisation", String(250)),
        Column("created_by", String(200)),
        Column("created_time", Utc, nullable=False),
        Column("updated_by_organisation", String(250)),
        Column("updated_by", String(200)),
        Column("updated_time", Utc),
    ]


organisations = Table(
    "organisations",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("code", String(250), nullable=False, unique=True),
    Column("name", String(100), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("parent_id", SERIAL, ForeignKey("organisations.id"), index=True),
    Column("pool_size", Integer),
    Column("sms_sender_name", String(11)),
    Column("sms_callback_url", String(100)),
    Column("allow_custom_uri_without_domain", Boolean, nullable=False),
    Column("history_api_key", String(128), unique=True),
    Column("device_webhook_endpoint", String(100)),
    Column("device_webhook_endpoint_key", String(100)),
    Column("use", String(16)),
    Column("field", String(32)),
    Column("inherits", Boolean, nullable=False, server_default=true()),
    Column("may_set_use", Boolean),
    Column("trial_ends", Utc),
    Column("trial_most_meetings", Integer),
    Column("trial_warned", SmallInteger),
)
"""`history_api_key` is the digest of the key. `inherits`: settings that are not set here come from above."""

use_rules = Table(
    "use_rules",
    metadata,
    Column("organisation_id", SERIAL, ForeignKey("organisations.id", ondelete="CASCADE"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("part", String(16), nullable=False),
    Column("pattern", String(200), nullable=False),
    Column("use", String(16)),
    Column("field", String(32)),
)
"""Which labels and project codes of an organisation tell the class and field of a meeting."""

agreements = Table(
    "agreements",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("provider", String(250), nullable=False, index=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("begins", Utc, nullable=False),
    Column("ends", Utc, nullable=False),
)
"""Whose rooms a provider may handle, and from when until when: the organisation and all below it."""

templates = Table(
    "scheduling_templates",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), index=True),
    Column("conferencing_sys_id", BigInteger, nullable=False),
    Column("uri_prefix", String(100), nullable=False),
    Column("uri_domain", String(100), nullable=False),
    Column("uri_number_low", BigInteger),
    Column("uri_number_high", BigInteger),
    Column("host_pin_required", Boolean, nullable=False),
    Column("host_pin_low", BigInteger),
    Column("host_pin_high", BigInteger),
    Column("guest_pin_required", Boolean, nullable=False),
    Column("guest_pin_low", BigInteger),
    Column("guest_pin_high", BigInteger),
    Column("is_default_template", Boolean, nullable=False),
    Column("is_pool_template", Boolean, nullable=False),
    Column("use", String(16)),
    Column("field", String(32)),
    Column("deleted_time", Utc),
    *_room_rules(),
    *_settings(),
    *_who_and_when(),
)
"""A template that is deleted stays, marked: rooms name it."""

meetings = Table(
    "meetings",
    metadata,
    Column("uuid", Uuid, primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False),
    Column("subject", String(100), nullable=False),
    Column("start_time", Utc, nullable=False),
    Column("end_time", Utc, nullable=False),
    Column("description", String(500)),
    Column("project_code", String(100)),
    Column("short_id", String(12), nullable=False, unique=True),
    Column("external_id", String(200)),
    Column("organized_by", String(200)),
    Column("guest_microphone", String(8), nullable=False),
    Column("guest_pin_required", Boolean, nullable=False),
    Column("additional_information", JSON, nullable=False),
    Column("use", String(16), nullable=False),
    Column("field", String(32)),
    *_who_and_when(),
    UniqueConstraint("organisation_id", "external_id"),
    Index(None, "organisation_id", "start_time"),
    Index(None, "organisation_id", "organized_by"),
    Index(None, "organisation_id", "subject"),
    Index("ix_meetings_end_time", "end_time", postgresql_using="brin"),
    Index(
        "ix_meetings_search",
        "organisation_id",
        "subject",
        "description",
        postgresql_using="gin",
        postgresql_ops={"subject": "gin_trgm_ops", "description": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": 256},
    ),
)
"""`ix_meetings_search` finds parts of texts within an organisation, on SQLite by reading the index alone.

Of its changes 256 kB wait at most, until one client has to write them all. `ix_meetings_end_time` finds what is old
enough to be forgotten; meetings come about in the order of their times, so that PostgreSQL's needs but some pages.
"""

labels = Table(
    "meeting_labels",
    metadata,
    Column("meeting_uuid", Uuid, ForeignKey("meetings.uuid", ondelete="CASCADE"), primary_key=True),
    Column("position", SmallInteger, primary_key=True),
    Column("label", String(1024), nullable=False, index=True),
)

rooms = Table(
    "scheduling_infos",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("uuid", Uuid, nullable=False, unique=True),
    Column("meeting_uuid", Uuid, ForeignKey("meetings.uuid"), unique=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False),
    Column("template_id", SERIAL, ForeignKey("scheduling_templates.id")),
    Column("uri_without_domain", String(200)),
    Column("uri_domain", String(100)),
    Column("held_uri", String(200), index=True),
    Column("host_pin", BigInteger),
    Column("guest_pin", BigInteger),
    Column("status", SmallInteger, nullable=False),
    Column("status_description", String(200)),
    Column("provision_timestamp", Utc),
    Column("provision_vmr_id", String(50)),
    Column("portal_link", Text),
    Column("reservation_id", Uuid, unique=True),
    Column("pool", Boolean, nullable=False),
    Column("pool_overflow", Boolean, nullable=False),
    Column("opens_time", Utc),
    Column("end_time", Utc),
    *_room_rules(),
    *_settings(),
    *_who_and_when(),
    UniqueConstraint("uri_without_domain", "uri_domain"),
    Index(None, "status", "opens_time"),
    Index(None, "status", "end_time"),
    Index("ix_scheduling_infos_end_time", "end_time", postgresql_using="brin"),
)
"""Rooms. `opens_time` and `end_time` repeat the meeting's times, so that what is due is found by one index each.

`held_uri` is what `uri_without_domain` was before the room was gone: calls are told of after their end.
"""

Index(
    "ix_scheduling_infos_free",
    rooms.c.organisation_id,
    rooms.c.provision_timestamp,
    postgresql_where=rooms.c.meeting_uuid.is_(None),
    sqlite_where=rooms.c.meeting_uuid.is_(None),
)

room_history = Table(
    "scheduling_status",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("room_id", SERIAL, ForeignKey("scheduling_infos.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("status", SmallInteger, nullable=False),
    Column("description", String(200)),
    Column("by", String(200)),
    Column("time", Utc, nullable=False),
    Index("ix_scheduling_status_time", "time", postgresql_using="brin"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("subject", String(100), nullable=False),
    Column("message", JSON, nullable=False),
    Column("time", Utc, nullable=False),
    Column("chained", Boolean, nullable=False, server_default=false()),
    sqlite_autoincrement=True,  # a number that comes again would be taken for a message that was told
)
"""What is still to be told on the bus; written with the change that it tells of, and taken away once it is told.

`chained`: an audit entry that the journal holds already.
"""

audit = Table(
    "audit",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("time", String(40), nullable=False),
    Column("organisation", String(250)),
    Column("resource", String(32), nullable=False),
    Column("operation", String(16), nullable=False),
    Column("identifier", String(250)),
    Column("person", String(32), index=True),
    Column("source", String(32), nullable=False),
    Column("data", JSON, nullable=False),
    Column("digest", String(64), nullable=False),
    Index(None, "organisation", "number"),
    Index(None, "identifier", "number"),
)
"""Who did and read what, one entry after another; `digest` covers the entry and the digest before it.

Numbers have no gaps, times are texts so that they are digested as they were written. `person` is a pseudonym.
"""

persons = Table(
    "persons",
    metadata,
    Column("pseudonym", String(32), primary_key=True),
    Column("email", String(250), nullable=False, unique=True),
    Column("seen_time", Utc, nullable=False, index=True),
)
"""Who stands behind the pseudonyms of the journal: a row that is deleted makes its entries nobody's."""

sessions = Table(
    "sessions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("organisation", String(250), nullable=False),
    Column("email", String(250), nullable=False, index=True),
    Column("roles", JSON, nullable=False),
    Column("created_time", Utc, nullable=False),
    Column("seen_time", Utc, nullable=False),
    Column("ends_time", Utc, nullable=False, index=True),
    Column("subject", String(250), index=True),
    Column("provider_session", String(250), index=True),
)
"""People who are logged in; `digest` is that of the secret in their cookie.

`subject`, `provider_session`: what the provider calls them and their session there, to end it by.
"""

logins = Table(
    "logins",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("state", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("verifier", String(64), nullable=False),
    Column("destination", String(500), nullable=False),
    Column("stepped", Boolean, nullable=False),
    Column("ends_time", Utc, nullable=False, index=True),
)
"""People on their way to their identity provider and back; `stepped`: sent there again for a second factor."""

calls = Table(
    "calls",
    metadata,
    Column("ident", String(120), primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id")),
    Column("room", String(64)),
    Column("meeting_uuid", Uuid),
    Column("dialled", String(128), nullable=False),
    Column("caller", String(128), nullable=False),
    Column("zone", String(32), nullable=False),
    Column("peer", String(64), nullable=False),
    Column("transport", String(8), nullable=False),
    Column("edge", String(64), nullable=False),
    Column("began", Utc, nullable=False, index=True),
    Column("answered", Utc),
    Column("ended", Utc, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("ended_by", String(16), nullable=False),
    Column("video", Boolean, nullable=False),
    Column("use", String(16)),
    Column("field", String(32)),
    Index(None, "organisation_id", "began"),
)
"""Ended calls, as edges told of them; whose room was called stands beside, as it was when the call ended."""

media = Table(
    "media",
    metadata,
    Column("ident", String(120), primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id")),
    Column("room", String(64)),
    Column("meeting_uuid", Uuid),
    Column("node", String(64), nullable=False),
    Column("domain", String(128), nullable=False),
    Column("began", Utc, nullable=False),
    Column("ended", Utc, nullable=False, index=True),
    Column("streams", JSON, nullable=False),
    Index(None, "organisation_id", "began"),
)
"""How the media of participations was, as mixing servers told: whose network, no person. `room` is as in `calls`."""

old_callers = Table(
    "old_callers",
    metadata,
    Column("month", String(7), primary_key=True),
    Column("organisation", String(250), primary_key=True),
    Column("agent", String(100), primary_key=True),
    Column("operation", String(100), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("seen_time", Utc, nullable=False),
)
"""Who still calls the first version of the API: requests of a month, by organisation, program and operation."""

checks = Table(
    "health_checks",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("began", Utc, nullable=False),
    Column("meeting_uuid", Uuid, index=True),
    Column("parts", JSON, nullable=False),
)
"""Health checks, as the hub made them of itself."""
