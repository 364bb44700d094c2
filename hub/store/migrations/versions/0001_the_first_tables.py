"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from hub.store.tables import Utc

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Change the schema."""
    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=250), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("pool_size", sa.Integer(), nullable=True),
        sa.Column("sms_sender_name", sa.String(length=11), nullable=True),
        sa.Column("sms_callback_url", sa.String(length=100), nullable=True),
        sa.Column("allow_custom_uri_without_domain", sa.Boolean(), nullable=False),
        sa.Column("history_api_key", sa.String(length=128), nullable=True),
        sa.Column("device_webhook_endpoint", sa.String(length=100), nullable=True),
        sa.Column("device_webhook_endpoint_key", sa.String(length=100), nullable=True),
        sa.Column("use", sa.String(length=16), nullable=True),
        sa.Column("field", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["organisations.id"], name=op.f("fk_organisations_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("code", name=op.f("uq_organisations_code")),
        sa.UniqueConstraint("history_api_key", name=op.f("uq_organisations_history_api_key")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisations_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("message", sa.JSON(), nullable=False),
        sa.Column("time", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "meetings",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("start_time", Utc(), nullable=False),
        sa.Column("end_time", Utc(), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=True),
        sa.Column("project_code", sa.String(length=100), nullable=True),
        sa.Column("short_id", sa.String(length=12), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("organized_by", sa.String(length=200), nullable=True),
        sa.Column("guest_microphone", sa.String(length=8), nullable=False),
        sa.Column("guest_pin_required", sa.Boolean(), nullable=False),
        sa.Column("additional_information", sa.JSON(), nullable=False),
        sa.Column("use", sa.String(length=16), nullable=False),
        sa.Column("field", sa.String(length=32), nullable=True),
        sa.Column("created_by_organisation", sa.String(length=250), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=True),
        sa.Column("created_time", Utc(), nullable=False),
        sa.Column("updated_by_organisation", sa.String(length=250), nullable=True),
        sa.Column("updated_by", sa.String(length=200), nullable=True),
        sa.Column("updated_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["organisation_id"], ["organisations.id"], name=op.f("fk_meetings_organisation_id")),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_meetings")),
        sa.UniqueConstraint("organisation_id", "external_id", name=op.f("uq_meetings_organisation_id_external_id")),
        sa.UniqueConstraint("short_id", name=op.f("uq_meetings_short_id")),
    )
    with op.batch_alter_table("meetings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_meetings_organisation_id_meetings_organized_by"),
            ["organisation_id", "organized_by"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_meetings_organisation_id_meetings_start_time"),
            ["organisation_id", "start_time"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_meetings_organisation_id_meetings_subject"), ["organisation_id", "subject"], unique=False
        )

    op.create_table(
        "scheduling_templates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("conferencing_sys_id", sa.BigInteger(), nullable=False),
        sa.Column("uri_prefix", sa.String(length=100), nullable=False),
        sa.Column("uri_domain", sa.String(length=100), nullable=False),
        sa.Column("uri_number_low", sa.BigInteger(), nullable=True),
        sa.Column("uri_number_high", sa.BigInteger(), nullable=True),
        sa.Column("host_pin_required", sa.Boolean(), nullable=False),
        sa.Column("host_pin_low", sa.BigInteger(), nullable=True),
        sa.Column("host_pin_high", sa.BigInteger(), nullable=True),
        sa.Column("guest_pin_required", sa.Boolean(), nullable=False),
        sa.Column("guest_pin_low", sa.BigInteger(), nullable=True),
        sa.Column("guest_pin_high", sa.BigInteger(), nullable=True),
        sa.Column("is_default_template", sa.Boolean(), nullable=False),
        sa.Column("is_pool_template", sa.Boolean(), nullable=False),
        sa.Column("deleted_time", Utc(), nullable=True),
        sa.Column("vmr_available_before", sa.Integer(), nullable=False),
        sa.Column("max_participants", sa.Integer(), nullable=False),
        sa.Column("end_meeting_on_end_time", sa.Boolean(), nullable=False),
        sa.Column("ivr_theme", sa.String(length=100), nullable=True),
        sa.Column("custom_portal_guest", sa.String(length=200), nullable=True),
        sa.Column("custom_portal_host", sa.String(length=200), nullable=True),
        sa.Column("return_url", sa.String(length=200), nullable=True),
        sa.Column("vmr_type", sa.String(length=16), nullable=False),
        sa.Column("host_view", sa.String(length=32), nullable=False),
        sa.Column("guest_view", sa.String(length=32), nullable=False),
        sa.Column("vmr_quality", sa.String(length=8), nullable=False),
        sa.Column("enable_overlay_text", sa.Boolean(), nullable=False),
        sa.Column("guests_can_present", sa.Boolean(), nullable=False),
        sa.Column("force_presenter_into_main", sa.Boolean(), nullable=False),
        sa.Column("force_encryption", sa.Boolean(), nullable=False),
        sa.Column("mute_all_guests", sa.Boolean(), nullable=False),
        sa.Column("direct_media", sa.String(length=16), nullable=False),
        sa.Column("call_type", sa.String(length=64), nullable=True),
        sa.Column("created_by_organisation", sa.String(length=250), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=True),
        sa.Column("created_time", Utc(), nullable=False),
        sa.Column("updated_by_organisation", sa.String(length=250), nullable=True),
        sa.Column("updated_by", sa.String(length=200), nullable=True),
        sa.Column("updated_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_scheduling_templates_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduling_templates")),
    )
    with op.batch_alter_table("scheduling_templates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scheduling_templates_organisation_id"), ["organisation_id"], unique=False)

    op.create_table(
        "meeting_labels",
        sa.Column("meeting_uuid", sa.Uuid(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("label", sa.String(length=1024), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_uuid"], ["meetings.uuid"], name=op.f("fk_meeting_labels_meeting_uuid"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("meeting_uuid", "position", name=op.f("pk_meeting_labels")),
    )
    with op.batch_alter_table("meeting_labels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meeting_labels_label"), ["label"], unique=False)

    op.create_table(
        "scheduling_infos",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("meeting_uuid", sa.Uuid(), nullable=True),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("uri_without_domain", sa.String(length=200), nullable=True),
        sa.Column("uri_domain", sa.String(length=100), nullable=True),
        sa.Column("host_pin", sa.BigInteger(), nullable=True),
        sa.Column("guest_pin", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("status_description", sa.String(length=200), nullable=True),
        sa.Column("provision_timestamp", Utc(), nullable=True),
        sa.Column("provision_vmr_id", sa.String(length=50), nullable=True),
        sa.Column("portal_link", sa.Text(), nullable=True),
        sa.Column("reservation_id", sa.Uuid(), nullable=True),
        sa.Column("pool", sa.Boolean(), nullable=False),
        sa.Column("pool_overflow", sa.Boolean(), nullable=False),
        sa.Column("opens_time", Utc(), nullable=True),
        sa.Column("end_time", Utc(), nullable=True),
        sa.Column("vmr_available_before", sa.Integer(), nullable=False),
        sa.Column("max_participants", sa.Integer(), nullable=False),
        sa.Column("end_meeting_on_end_time", sa.Boolean(), nullable=False),
        sa.Column("ivr_theme", sa.String(length=100), nullable=True),
        sa.Column("custom_portal_guest", sa.String(length=200), nullable=True),
        sa.Column("custom_portal_host", sa.String(length=200), nullable=True),
        sa.Column("return_url", sa.String(length=200), nullable=True),
        sa.Column("vmr_type", sa.String(length=16), nullable=False),
        sa.Column("host_view", sa.String(length=32), nullable=False),
        sa.Column("guest_view", sa.String(length=32), nullable=False),
        sa.Column("vmr_quality", sa.String(length=8), nullable=False),
        sa.Column("enable_overlay_text", sa.Boolean(), nullable=False),
        sa.Column("guests_can_present", sa.Boolean(), nullable=False),
        sa.Column("force_presenter_into_main", sa.Boolean(), nullable=False),
        sa.Column("force_encryption", sa.Boolean(), nullable=False),
        sa.Column("mute_all_guests", sa.Boolean(), nullable=False),
        sa.Column("direct_media", sa.String(length=16), nullable=False),
        sa.Column("call_type", sa.String(length=64), nullable=True),
        sa.Column("created_by_organisation", sa.String(length=250), nullable=True),
        sa.Column("created_by", sa.String(length=200), nullable=True),
        sa.Column("created_time", Utc(), nullable=False),
        sa.Column("updated_by_organisation", sa.String(length=250), nullable=True),
        sa.Column("updated_by", sa.String(length=200), nullable=True),
        sa.Column("updated_time", Utc(), nullable=True),
        sa.ForeignKeyConstraint(["meeting_uuid"], ["meetings.uuid"], name=op.f("fk_scheduling_infos_meeting_uuid")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_scheduling_infos_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["scheduling_templates.id"], name=op.f("fk_scheduling_infos_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduling_infos")),
        sa.UniqueConstraint("meeting_uuid", name=op.f("uq_scheduling_infos_meeting_uuid")),
        sa.UniqueConstraint("reservation_id", name=op.f("uq_scheduling_infos_reservation_id")),
        sa.UniqueConstraint(
            "uri_without_domain", "uri_domain", name=op.f("uq_scheduling_infos_uri_without_domain_uri_domain")
        ),
        sa.UniqueConstraint("uuid", name=op.f("uq_scheduling_infos_uuid")),
    )
    with op.batch_alter_table("scheduling_infos", schema=None) as batch_op:
        batch_op.create_index(
            "ix_scheduling_infos_free",
            ["organisation_id", "provision_timestamp"],
            unique=False,
            postgresql_where=sa.text("meeting_uuid IS NULL"),
            sqlite_where=sa.text("meeting_uuid IS NULL"),
        )
        batch_op.create_index(
            batch_op.f("ix_scheduling_infos_status_scheduling_infos_end_time"), ["status", "end_time"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_scheduling_infos_status_scheduling_infos_opens_time"), ["status", "opens_time"], unique=False
        )

    op.create_table(
        "scheduling_status",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("room_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=True),
        sa.Column("by", sa.String(length=200), nullable=True),
        sa.Column("time", Utc(), nullable=False),
        sa.ForeignKeyConstraint(
            ["room_id"], ["scheduling_infos.id"], name=op.f("fk_scheduling_status_room_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduling_status")),
    )
    with op.batch_alter_table("scheduling_status", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_scheduling_status_room_id"), ["room_id"], unique=False)
