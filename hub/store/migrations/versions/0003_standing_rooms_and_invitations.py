"""Rooms that are always there, room systems, themes; invitations and the messages that carry them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.tables import Utc

revision = "0003"
down_revision = "0002"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema."""
    _rooms()
    _invitations()


def _rooms() -> None:
    op.create_table(
        "room_systems",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("alias", sa.String(length=100), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("md5", sa.String(length=32), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_time", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_room_systems_organisation_id")
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_room_systems")),
        sa.UniqueConstraint("alias", name=op.f("uq_room_systems_alias")),
        sa.UniqueConstraint("username", name=op.f("uq_room_systems_username")),
    )
    op.create_index(op.f("ix_room_systems_organisation_id"), "room_systems", ["organisation_id"])
    op.create_table(
        "room_themes",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_room_themes_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_room_themes")),
        sa.UniqueConstraint("name", name=op.f("uq_room_themes_name")),
    )
    op.create_index(op.f("ix_room_themes_organisation_id"), "room_themes", ["organisation_id"])
    op.create_table(
        "standing_rooms",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=200), nullable=True),
        sa.Column("domain", sa.String(length=100), nullable=False),
        sa.Column("host_pin", sa.BigInteger(), nullable=True),
        sa.Column("guest_pin", sa.BigInteger(), nullable=True),
        sa.Column("allow_guests", sa.Boolean(), nullable=False),
        sa.Column("max_participants", sa.Integer(), nullable=False),
        sa.Column("host_view", sa.String(length=32), nullable=False),
        sa.Column("guest_view", sa.String(length=32), nullable=False),
        sa.Column("quality", sa.String(length=8), nullable=False),
        sa.Column("theme", sa.String(length=100), nullable=True),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("use", sa.String(length=16), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("provided", sa.Integer(), nullable=False),
        sa.Column("created_time", Utc(), nullable=False),
        sa.Column("deleted_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_standing_rooms_organisation_id")
        ),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_standing_rooms")),
    )
    op.create_index(
        "ix_standing_rooms_due",
        "standing_rooms",
        ["uuid"],
        postgresql_where=sa.text("provided != revision"),
        sqlite_where=sa.text("provided != revision"),
    )
    op.create_index(op.f("ix_standing_rooms_organisation_id"), "standing_rooms", ["organisation_id"])
    op.create_index(op.f("ix_standing_rooms_owner"), "standing_rooms", ["owner"])
    op.create_table(
        "room_aliases",
        sa.Column("alias", sa.String(length=100), nullable=False),
        sa.Column("room_uuid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_uuid"], ["standing_rooms.uuid"], name=op.f("fk_room_aliases_room_uuid"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("alias", name=op.f("pk_room_aliases")),
    )
    op.create_index(op.f("ix_room_aliases_room_uuid"), "room_aliases", ["room_uuid"])


def _invitations() -> None:
    op.create_table(
        "message_templates",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("occasion", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_message_templates_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_templates")),
        sa.UniqueConstraint(
            "organisation_id",
            "occasion",
            "channel",
            "language",
            name=op.f("uq_message_templates_organisation_id_occasion_channel_language"),
        ),
    )
    op.create_table(
        "messages",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("reference", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("meeting_uuid", sa.Uuid(), nullable=False),
        sa.Column("invitation", sa.String(length=26), nullable=True),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("calendar", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("fault", sa.String(length=200), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due_time", Utc(), nullable=False),
        sa.Column("created_time", Utc(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_messages_organisation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("reference", name=op.f("uq_messages_reference")),
    )
    op.create_index(op.f("ix_messages_invitation"), "messages", ["invitation"])
    op.create_index(op.f("ix_messages_meeting_uuid"), "messages", ["meeting_uuid"])
    op.create_index(op.f("ix_messages_state_messages_due_time"), "messages", ["state", "due_time"])
    op.create_table(
        "invitations",
        sa.Column("token", sa.String(length=26), nullable=False),
        sa.Column("meeting_uuid", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("recipient", sa.String(length=200), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("created_time", Utc(), nullable=False),
        sa.Column("opened_time", Utc(), nullable=True),
        sa.Column("joined_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meeting_uuid"], ["meetings.uuid"], name=op.f("fk_invitations_meeting_uuid"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_meeting_uuid"), "invitations", ["meeting_uuid"])
