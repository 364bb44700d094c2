"""Calls and who took part, callers of the first version of the API, indexes for searching within texts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.tables import Utc

revision = "0004"
down_revision = "0003"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema."""
    _history()
    _old_callers()
    _checks()
    _search()


def _history() -> None:
    op.add_column("scheduling_infos", sa.Column("held_uri", sa.String(length=200), nullable=True))
    op.create_index(op.f("ix_scheduling_infos_held_uri"), "scheduling_infos", ["held_uri"])
    op.create_table(
        "calls",
        sa.Column("ident", sa.String(length=120), nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=True),
        sa.Column("room", sa.String(length=64), nullable=True),
        sa.Column("meeting_uuid", sa.Uuid(), nullable=True),
        sa.Column("dialled", sa.String(length=128), nullable=False),
        sa.Column("caller", sa.String(length=128), nullable=False),
        sa.Column("zone", sa.String(length=32), nullable=False),
        sa.Column("peer", sa.String(length=64), nullable=False),
        sa.Column("transport", sa.String(length=8), nullable=False),
        sa.Column("edge", sa.String(length=64), nullable=False),
        sa.Column("began", Utc(), nullable=False),
        sa.Column("answered", Utc(), nullable=True),
        sa.Column("ended", Utc(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("ended_by", sa.String(length=16), nullable=False),
        sa.Column("video", sa.Boolean(), nullable=False),
        sa.Column("use", sa.String(length=16), nullable=True),
        sa.Column("field", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_calls_organisation_id")),
        sa.PrimaryKeyConstraint("ident", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_organisation_id_calls_began"), "calls", ["organisation_id", "began"])
    op.create_index(op.f("ix_calls_began"), "calls", ["began"])


def _old_callers() -> None:
    op.create_table(
        "old_callers",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("organisation", sa.String(length=250), nullable=False),
        sa.Column("agent", sa.String(length=100), nullable=False),
        sa.Column("operation", sa.String(length=100), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("seen_time", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("month", "organisation", "agent", "operation", name=op.f("pk_old_callers")),
    )


def _checks() -> None:
    op.create_table(
        "health_checks",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("began", Utc(), nullable=False),
        sa.Column("meeting_uuid", sa.Uuid(), nullable=True),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_health_checks")),
    )
    op.create_index(op.f("ix_health_checks_meeting_uuid"), "health_checks", ["meeting_uuid"])


def _search() -> None:
    """Make what finds parts of texts; both extensions are trusted: the owner of a database may create them."""
    columns = ["organisation_id", "subject", "description"]
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.create_index(
        "ix_meetings_search",
        "meetings",
        columns,
        postgresql_using="gin",
        postgresql_ops=dict.fromkeys(columns[1:], "gin_trgm_ops"),
        postgresql_with={"gin_pending_list_limit": 256},
    )
