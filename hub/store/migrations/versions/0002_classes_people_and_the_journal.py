"""Classes and trials of organisations, people who log in, the journal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.tables import Utc

revision = "0002"
down_revision = "0001"

SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Change the schema."""
    _organisations()
    _people()
    _journal()


def _organisations() -> None:
    op.add_column("organisations", sa.Column("inherits", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("organisations", sa.Column("may_set_use", sa.Boolean(), nullable=True))
    op.add_column("organisations", sa.Column("trial_ends", Utc(), nullable=True))
    op.add_column("organisations", sa.Column("trial_most_meetings", sa.Integer(), nullable=True))
    op.add_column("organisations", sa.Column("trial_warned", sa.SmallInteger(), nullable=True))
    op.add_column("scheduling_templates", sa.Column("use", sa.String(length=16), nullable=True))
    op.add_column("scheduling_templates", sa.Column("field", sa.String(length=32), nullable=True))
    op.create_table(
        "use_rules",
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("part", sa.String(length=16), nullable=False),
        sa.Column("pattern", sa.String(length=200), nullable=False),
        sa.Column("use", sa.String(length=16), nullable=True),
        sa.Column("field", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_use_rules_organisation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organisation_id", "position", name=op.f("pk_use_rules")),
    )
    op.create_table(
        "agreements",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("provider", sa.String(length=250), nullable=False),
        sa.Column("organisation_id", SERIAL, nullable=False),
        sa.Column("begins", Utc(), nullable=False),
        sa.Column("ends", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_agreements_organisation_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreements")),
    )
    op.create_index(op.f("ix_agreements_provider"), "agreements", ["provider"])
    op.create_index(op.f("ix_agreements_organisation_id"), "agreements", ["organisation_id"])


def _people() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("organisation", sa.String(length=250), nullable=False),
        sa.Column("email", sa.String(length=250), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("created_time", Utc(), nullable=False),
        sa.Column("seen_time", Utc(), nullable=False),
        sa.Column("ends_time", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_email"), "sessions", ["email"])
    op.create_index(op.f("ix_sessions_ends_time"), "sessions", ["ends_time"])
    op.create_table(
        "logins",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=64), nullable=False),
        sa.Column("destination", sa.String(length=500), nullable=False),
        sa.Column("stepped", sa.Boolean(), nullable=False),
        sa.Column("ends_time", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_logins")),
    )
    op.create_index(op.f("ix_logins_ends_time"), "logins", ["ends_time"])


def _journal() -> None:
    op.add_column("outbox", sa.Column("chained", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "persons",
        sa.Column("pseudonym", sa.String(length=32), nullable=False),
        sa.Column("email", sa.String(length=250), nullable=False),
        sa.Column("seen_time", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name=op.f("pk_persons")),
        sa.UniqueConstraint("email", name=op.f("uq_persons_email")),
    )
    op.create_index(op.f("ix_persons_seen_time"), "persons", ["seen_time"])
    op.create_table(
        "audit",
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("time", sa.String(length=40), nullable=False),
        sa.Column("organisation", sa.String(length=250), nullable=True),
        sa.Column("resource", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("identifier", sa.String(length=250), nullable=True),
        sa.Column("person", sa.String(length=32), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_person"), "audit", ["person"])
    op.create_index(op.f("ix_audit_organisation_audit_number"), "audit", ["organisation", "number"])
    op.create_index(op.f("ix_audit_identifier_audit_number"), "audit", ["identifier", "number"])
