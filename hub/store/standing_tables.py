"""More tables: rooms that are always there, room systems, themes; invitations and the messages that carry them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)

from hub.store.tables import SERIAL, Utc, metadata

themes = Table(
    "room_themes",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("title", String(100), nullable=False),
)
"""Prompts and pictures that mixing servers hold under `name`; an organisation's are those of all below it, too."""

standing_rooms = Table(
    "standing_rooms",
    metadata,
    Column("uuid", Uuid, primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(100), nullable=False),
    Column("owner", String(200), index=True),
    Column("domain", String(100), nullable=False),
    Column("host_pin", BigInteger),
    Column("guest_pin", BigInteger),
    Column("allow_guests", Boolean, nullable=False),
    Column("max_participants", Integer, nullable=False),
    Column("host_view", String(32), nullable=False),
    Column("guest_view", String(32), nullable=False),
    Column("quality", String(8), nullable=False),
    Column("theme", String(100)),
    Column("language", String(2), nullable=False),
    Column("use", String(16), nullable=False),
    Column("field", String(32)),
    Column("revision", Integer, nullable=False),
    Column("provided", Integer, nullable=False),
    Column("created_time", Utc, nullable=False),
    Column("deleted_time", Utc),
)
"""Rooms that are always there. `revision` counts changes, `provided` is the one the bus has: apart, there is work.

One that is deleted stays until it is gone from the bus.
"""

Index(
    "ix_standing_rooms_due",
    standing_rooms.c.uuid,
    postgresql_where=standing_rooms.c.provided != standing_rooms.c.revision,
    sqlite_where=standing_rooms.c.provided != standing_rooms.c.revision,
)

aliases = Table(
    "room_aliases",
    metadata,
    Column("alias", String(100), primary_key=True),
    Column("room_uuid", Uuid, ForeignKey("standing_rooms.uuid", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", SmallInteger, nullable=False),
)
"""What rooms that are always there are dialled by, without the domain, in small letters."""

systems = Table(
    "room_systems",
    metadata,
    Column("uuid", Uuid, primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False, index=True),
    Column("name", String(100), nullable=False),
    Column("alias", String(100), nullable=False, unique=True),
    Column("username", String(64), nullable=False, unique=True),
    Column("sha256", String(64), nullable=False),
    Column("md5", String(32)),
    Column("enabled", Boolean, nullable=False),
    Column("created_time", Utc, nullable=False),
)
"""Room systems that register at the edge; `sha256`, `md5`: H(username:realm:password) of RFC 7616."""

wordings = Table(
    "message_templates",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False),
    Column("occasion", String(16), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("language", String(2), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("text", Text, nullable=False),
    UniqueConstraint("organisation_id", "occasion", "channel", "language"),
)
"""What an organisation, and all below it, writes to people who are invited."""

invitations = Table(
    "invitations",
    metadata,
    Column("token", String(26), primary_key=True),
    Column("meeting_uuid", Uuid, ForeignKey("meetings.uuid", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", String(8), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("language", String(2), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("created_time", Utc, nullable=False),
    Column("opened_time", Utc),
    Column("joined_time", Utc),
)
"""Who was invited to what; `token` is the last part of his link, `sequence` counts what the calendar was told."""

messages = Table(
    "messages",
    metadata,
    Column("id", SERIAL, primary_key=True),
    Column("reference", Uuid, nullable=False, unique=True),
    Column("organisation_id", SERIAL, ForeignKey("organisations.id"), nullable=False),
    Column("meeting_uuid", Uuid, nullable=False, index=True),
    Column("invitation", String(26), index=True),
    Column("channel", String(8), nullable=False),
    Column("recipient", String(200), nullable=False),
    Column("name", String(100), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("text", Text, nullable=False),
    Column("calendar", Text),
    Column("state", String(8), nullable=False),
    Column("fault", String(200)),
    Column("tries", SmallInteger, nullable=False),
    Column("due_time", Utc, nullable=False),
    Column("created_time", Utc, nullable=False),
    Index(None, "state", "due_time"),
)
"""Mails and text messages, written with the change that they tell of; a meeting may be gone before they are sent."""
