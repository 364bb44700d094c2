"""How media was; indexes for finding what is old enough to be forgotten; sessions by what their provider calls them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.tables import Utc

revision = "0005"
down_revision = "0004"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

OLD = {"meetings": "end_time", "scheduling_infos": "end_time", "scheduling_status": "time"}


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "media",
        sa.Column("ident", sa.String(length=120), nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=True),
        sa.Column("room", sa.String(length=64), nullable=True),
        sa.Column("meeting_uuid", sa.Uuid(), nullable=True),
        sa.Column("node", sa.String(length=64), nullable=False),
        sa.Column("domain", sa.String(length=128), nullable=False),
        sa.Column("began", Utc(), nullable=False),
        sa.Column("ended", Utc(), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_media_organisation_id")),
        sa.PrimaryKeyConstraint("ident", name=op.f("pk_media")),
    )
    op.create_index(op.f("ix_media_organisation_id_media_began"), "media", ["organisation_id", "began"])
    op.create_index(op.f("ix_media_ended"), "media", ["ended"])
    for column in ("subject", "provider_session"):
        op.add_column("sessions", sa.Column(column, sa.String(length=250), nullable=True))
        op.create_index(op.f(f"ix_sessions_{column}"), "sessions", [column])
    for table, column in OLD.items():
        op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using="brin")
