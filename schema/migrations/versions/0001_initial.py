"""Initial"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from schema.append_only import forbid_changes
from schema.types import Money, UtcDateTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # noqa: PLR0915
    op.create_table(
        "lease",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("holder", sa.String(120), nullable=False),
        sa.Column("token", sa.String(64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "merchant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merchant")),
        sa.UniqueConstraint("name", name=op.f("uq_merchant_name")),
    )
    op.create_table(
        "setup_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("tries_left >= 0", name=op.f("ck_setup_code_tries_left")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_code")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index("ix_sign_in_attempt_email", "sign_in_attempt", ["email", "at"], unique=False)
    op.create_index("ix_sign_in_attempt_from", "sign_in_attempt", ["address", "at"], unique=False)
    op.create_table(
        "tick",
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tick")),
    )
    op.create_table(
        "audit_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column(
            "details", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_audit_event_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_event")),
    )
    op.create_index(op.f("ix_audit_event_merchant_id"), "audit_event", ["merchant_id"], unique=False)
    op.create_table(
        "connection",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("code", sa.String(20), nullable=False),
        sa.Column("public_id", sa.String(64), nullable=False),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column(
            "role",
            sa.Enum("store", "backoffice", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "shadow",
                "live",
                "paused",
                "needs_auth",
                "disconnected",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "record",
            sa.Enum("paid", "placed", name="record", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("account_id", sa.String(255), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column(
            "settings", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("credentials", sa.LargeBinary(), nullable=False),
        sa.Column("starting_point", sa.String(10), nullable=False),
        sa.Column("live_at", UtcDateTime(), nullable=True),
        sa.Column("live_since", UtcDateTime(), nullable=True),
        sa.Column("orders_cursor", UtcDateTime(), nullable=True),
        sa.Column("pulled_at", UtcDateTime(), nullable=True),
        sa.Column("catalogue_at", UtcDateTime(), nullable=True),
        sa.Column("reconciled_at", UtcDateTime(), nullable=True),
        sa.Column("webhooks_at", UtcDateTime(), nullable=True),
        sa.Column(
            "webhook_report", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column("last_delivery_at", UtcDateTime(), nullable=True),
        sa.Column("refused_signatures", sa.Integer(), nullable=False),
        sa.Column("failing_since", UtcDateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("state <> 'live' OR live_at IS NOT NULL", name=op.f("ck_connection_live_since")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_connection_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("code", name=op.f("uq_connection_code")),
        sa.UniqueConstraint("merchant_id", "name", name=op.f("uq_connection_merchant_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_connection_public_id")),
    )
    op.create_index(
        "uq_connection_account",
        "connection",
        ["merchant_id", "platform", "account_id"],
        unique=True,
        sqlite_where=sa.text("state <> 'disconnected'"),
        postgresql_where=sa.text("state <> 'disconnected'"),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "operator", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("invited_by", sa.String(254), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("accepted_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_invitation_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )
    op.create_index(
        "uq_invitation_open",
        "invitation",
        ["merchant_id", "email"],
        unique=True,
        sqlite_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
        postgresql_where=sa.text("accepted_at IS NULL AND revoked_at IS NULL"),
    )
    op.create_table(
        "location",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_location_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_location")),
        sa.UniqueConstraint("merchant_id", "external_id", name=op.f("uq_location_merchant_id_external_id")),
    )
    op.create_table(
        "mail",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("address", sa.String(254), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "sent", "given_up", name="state", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_mail_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("key", name=op.f("uq_mail_key")),
    )
    op.create_index(op.f("ix_mail_merchant_id"), "mail", ["merchant_id"], unique=False)
    op.create_index(
        "ix_mail_waiting",
        "mail",
        ["not_before"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column(
            "role",
            sa.Enum("owner", "operator", "viewer", name="role", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("signed_in_at", UtcDateTime(), nullable=True),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_user_account_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("email", name=op.f("uq_user_account_email")),
    )
    op.create_index(op.f("ix_user_account_merchant_id"), "user_account", ["merchant_id"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column(
            "scope",
            sa.Enum("owner", "operator", "viewer", name="scope", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("hint", sa.String(8), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_api_token_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_api_token_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index(op.f("ix_api_token_user_id"), "api_token", ["user_id"], unique=False)
    op.create_index(
        "uq_api_token_name",
        "api_token",
        ["merchant_id", "name"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "back_office",
        sa.Column(
            "merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("release_next", sa.Boolean(), nullable=False),
        sa.Column("hint_cursor", UtcDateTime(), nullable=True),
        sa.Column("hinted_at", UtcDateTime(), nullable=True),
        sa.Column("swept_at", UtcDateTime(), nullable=True),
        sa.Column("catalogue_at", UtcDateTime(), nullable=True),
        sa.Column("audited_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_back_office_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_back_office_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("merchant_id", name=op.f("pk_back_office")),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(10), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("topic", sa.String(100), nullable=False),
        sa.Column(
            "headers", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum(
                "new", "applied", "ignored", "dead", name="state", native_enum=False, create_constraint=True, length=32
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_delivery_connection_id_connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("connection_id", "key", name=op.f("uq_delivery_connection_id_key")),
    )
    op.create_index("ix_delivery_listed", "delivery", ["connection_id", "state", "id"], unique=False)
    op.create_index(
        "ix_delivery_new",
        "delivery",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_index("ix_delivery_received", "delivery", ["connection_id", "received_at"], unique=False)
    op.create_table(
        "inventory_cache",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(191), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=True),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("reading", sa.Integer(), nullable=True),
        sa.Column("read_began_at", UtcDateTime(), nullable=True),
        sa.Column("read_answered_at", UtcDateTime(), nullable=True),
        sa.Column("last_write_at", UtcDateTime(), nullable=True),
        sa.Column("drops", sa.Integer(), nullable=False),
        sa.Column("reread_at", UtcDateTime(), nullable=True),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_inventory_cache_location_id_location")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_inventory_cache_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inventory_cache")),
        sa.UniqueConstraint("location_id", "sku", name=op.f("uq_inventory_cache_location_id_sku")),
    )
    op.create_index("ix_inventory_cache_merchant_sku", "inventory_cache", ["merchant_id", "sku"], unique=False)
    op.create_index(op.f("ix_inventory_cache_reread_at"), "inventory_cache", ["reread_at"], unique=False)
    op.create_table(
        "listing_check",
        sa.Column(
            "connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("due_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_listing_check_connection_id_connection"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("connection_id", "external_id", name=op.f("pk_listing_check")),
    )
    op.create_index(op.f("ix_listing_check_due_at"), "listing_check", ["due_at"], unique=False)
    op.create_table(
        "mail_wish",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column(
            "level",
            sa.Enum("none", "urgent", "all", name="level", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column(
            "rhythm",
            sa.Enum("at_once", "daily", name="rhythm", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("stores", sa.Boolean(), nullable=False),
        sa.Column("stock", sa.Boolean(), nullable=False),
        sa.Column("sales", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_mail_wish_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_mail_wish")),
    )
    op.create_table(
        "oauth_state",
        sa.Column("state", sa.String(64), nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("platform", sa.String(32), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_oauth_state_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_oauth_state_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_oauth_state")),
    )
    op.create_table(
        "order_header",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("version", UtcDateTime(), nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("placed_at", UtcDateTime(), nullable=False),
        sa.Column("is_paid", sa.Boolean(), nullable=False),
        sa.Column("paid_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("is_final", sa.Boolean(), nullable=False),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.Column("is_wanted", sa.Boolean(), nullable=False),
        sa.Column("left_out", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("shipping", Money(), nullable=False),
        sa.Column("reread_at", UtcDateTime(), nullable=True),
        sa.Column("reread_attempts", sa.Integer(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.Column("changed_at", UtcDateTime(), nullable=False),
        sa.Column("is_owed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_order_header_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_order_header_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_header")),
        sa.UniqueConstraint("connection_id", "external_id", name=op.f("uq_order_header_connection_id_external_id")),
    )
    op.create_index("ix_order_header_name", "order_header", ["merchant_id", "name"], unique=False)
    op.create_index(
        "ix_order_header_owed",
        "order_header",
        ["merchant_id"],
        unique=False,
        sqlite_where=sa.text("is_owed IS 1"),
        postgresql_where=sa.text("is_owed IS true"),
    )
    op.create_index("ix_order_header_placed", "order_header", ["merchant_id", "placed_at"], unique=False)
    op.create_index(
        "ix_order_header_reread",
        "order_header",
        ["connection_id", "reread_at"],
        unique=False,
        sqlite_where=sa.text("reread_at IS NOT NULL"),
        postgresql_where=sa.text("reread_at IS NOT NULL"),
    )
    op.create_table(
        "password_reset",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_password_reset_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_reset")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_password_reset_token_hash")),
    )
    op.create_index(op.f("ix_password_reset_user_id"), "password_reset", ["user_id"], unique=False)
    op.create_table(
        "pool_location",
        sa.Column(
            "connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column(
            "location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"],
            ["connection.id"],
            name=op.f("fk_pool_location_connection_id_connection"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_pool_location_location_id_location")),
        sa.PrimaryKeyConstraint("connection_id", "location_id", name=op.f("pk_pool_location")),
    )
    op.create_table(
        "rule",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "safety_stock",
                "buffer",
                "cap",
                "low_stock",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sku", sa.String(191), nullable=True),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.CheckConstraint("value >= 0", name=op.f("ck_rule_value")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_rule_connection_id_connection"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_rule_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule")),
    )
    op.create_index(
        "ix_rule_sku",
        "rule",
        ["merchant_id", "kind", "sku"],
        unique=False,
        sqlite_where=sa.text("connection_id IS NULL"),
        postgresql_where=sa.text("connection_id IS NULL"),
    )
    op.create_table(
        "stock_item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("parent_id", sa.String(191), nullable=True),
        sa.Column("desired", sa.Integer(), nullable=True),
        sa.Column("observed", sa.Integer(), nullable=True),
        sa.Column("fence", UtcDateTime(), nullable=True),
        sa.Column("look_at", UtcDateTime(), nullable=True),
        sa.Column("look_reason", sa.String(100), nullable=False),
        sa.Column("suspect", sa.Integer(), nullable=True),
        sa.Column("suspect_at", UtcDateTime(), nullable=True),
        sa.Column("held", sa.Integer(), nullable=False),
        sa.Column("is_kept", sa.Boolean(), nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.Column("kept_until", UtcDateTime(), nullable=True),
        sa.Column("hint", sa.Integer(), nullable=True),
        sa.Column("hint_at", UtcDateTime(), nullable=True),
        sa.Column("hint_heard_at", UtcDateTime(), nullable=True),
        sa.Column("unknown_until", UtcDateTime(), nullable=True),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("confirmed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("desired >= 0", name=op.f("ck_stock_item_desired")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_stock_item_connection_id_connection")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_item")),
        sa.UniqueConstraint("connection_id", "external_id", name=op.f("uq_stock_item_connection_id_external_id")),
    )
    op.create_index(
        "ix_stock_item_held",
        "stock_item",
        ["connection_id"],
        unique=False,
        sqlite_where=sa.text("held <> 0"),
        postgresql_where=sa.text("held <> 0"),
    )
    op.create_index("ix_stock_item_look", "stock_item", ["connection_id", "look_at"], unique=False)
    op.create_index(
        "ix_stock_item_owed",
        "stock_item",
        ["connection_id"],
        unique=False,
        sqlite_where=sa.text("desired IS NOT NULL AND desired <> observed"),
        postgresql_where=sa.text("desired IS NOT NULL AND desired <> observed"),
    )
    op.create_table(
        "sync_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("cause", sa.String(200), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "wanted",
                "running",
                "done",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_dry", sa.Boolean(), nullable=False),
        sa.Column("wants", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("counts", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("undone_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_sync_run_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_sync_run_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["undone_by"], ["sync_run.id"], name=op.f("fk_sync_run_undone_by_sync_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_run")),
    )
    op.create_index("ix_sync_run_connection", "sync_run", ["connection_id", "id"], unique=False)
    op.create_index("ix_sync_run_kind", "sync_run", ["merchant_id", "kind", "id"], unique=False)
    op.create_index("ix_sync_run_merchant", "sync_run", ["merchant_id", "id"], unique=False)
    op.create_index("ix_sync_run_state", "sync_run", ["state"], unique=False)
    op.create_table(
        "web_session",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("page", "api", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("is_pending", sa.Boolean(), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_web_session_user_id_user_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_web_session")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_web_session_token_hash")),
    )
    op.create_index(op.f("ix_web_session_expires_at"), "web_session", ["expires_at"], unique=False)
    op.create_index(op.f("ix_web_session_user_id"), "web_session", ["user_id"], unique=False)
    op.create_table(
        "creation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(191), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("price", Money(), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("is_draft", sa.Boolean(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "wanted",
                "sent",
                "unknown",
                "made",
                "found",
                "refused",
                "stopped",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("lease_token", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_creation_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_creation_run_id_sync_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_creation")),
    )
    op.create_index("ix_creation_run", "creation", ["run_id", "state"], unique=False)
    op.create_index(
        "uq_creation_open",
        "creation",
        ["connection_id", "sku"],
        unique=True,
        sqlite_where=sa.text("state in ('wanted', 'sent', 'unknown')"),
        postgresql_where=sa.text("state in ('wanted', 'sent', 'unknown')"),
    )
    op.create_table(
        "drift",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stock_item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("believed", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_drift_run_id_sync_run")),
        sa.ForeignKeyConstraint(["stock_item_id"], ["stock_item.id"], name=op.f("fk_drift_stock_item_id_stock_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift")),
    )
    op.create_index("ix_drift_found", "drift", ["found_at"], unique=False)
    op.create_index("ix_drift_item", "drift", ["stock_item_id", "found_at"], unique=False)
    op.create_table(
        "figure_seen",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("stock_item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("heard_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["stock_item_id"],
            ["stock_item.id"],
            name=op.f("fk_figure_seen_stock_item_id_stock_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_seen")),
    )
    op.create_index("ix_figure_seen_item", "figure_seen", ["stock_item_id", "heard_at"], unique=False)
    op.create_table(
        "issue",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sku", sa.String(191), nullable=True),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("what_to_do", sa.Text(), nullable=False),
        sa.Column(
            "details", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "state",
            sa.Enum("open", "resolved", name="state", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("assigned_to", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("resolved_by", sa.String(254), nullable=False),
        sa.ForeignKeyConstraint(["assigned_to"], ["user_account.id"], name=op.f("fk_issue_assigned_to_user_account")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_issue_connection_id_connection")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_issue_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["order_id"], ["order_header.id"], name=op.f("fk_issue_order_id_order_header")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
    )
    op.create_index("ix_issue_seen", "issue", ["merchant_id", "state", "seen_at"], unique=False)
    op.create_index(
        "uq_issue_open",
        "issue",
        ["merchant_id", "key"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_table(
        "listing",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("stock_item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_sku", sa.String(191), nullable=True),
        sa.Column("sku", sa.String(191), nullable=True),
        sa.Column(
            "match",
            sa.Enum(
                "linked",
                "unmatched",
                "no_sku",
                "duplicate",
                "ignored",
                name="match",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_by_hand", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("tracked", sa.Boolean(), nullable=False),
        sa.Column("blocked", sa.Text(), nullable=False),
        sa.Column("price", Money(), nullable=True),
        sa.Column("image_url", sa.Text(), nullable=True),
        sa.Column("linked_at", UtcDateTime(), nullable=True),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("(match = 'linked') = (sku IS NOT NULL)", name=op.f("ck_listing_linked_has_sku")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_listing_connection_id_connection")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_listing_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["stock_item_id"], ["stock_item.id"], name=op.f("fk_listing_stock_item_id_stock_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing")),
        sa.UniqueConstraint("connection_id", "external_id", name=op.f("uq_listing_connection_id_external_id")),
    )
    op.create_index("ix_listing_external_sku", "listing", ["connection_id", "external_sku"], unique=False)
    op.create_index("ix_listing_sku", "listing", ["merchant_id", "sku"], unique=False)
    op.create_index(op.f("ix_listing_stock_item_id"), "listing", ["stock_item_id"], unique=False)
    op.create_table(
        "movement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(191), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reading",
                "order",
                "recorded",
                "returned",
                "baseline",
                "released",
                "adjustment",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("on_hand_delta", sa.Integer(), nullable=False),
        sa.Column("open_delta", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("event", sa.String(191), nullable=False),
        sa.Column("line", sa.String(210), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(254), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("n > 0", name=op.f("ck_movement_n")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_movement_location_id_location")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_movement_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["order_id"], ["order_header.id"], name=op.f("fk_movement_order_id_order_header")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
        sa.UniqueConstraint(
            "merchant_id", "source", "event", "line", "n", name=op.f("uq_movement_merchant_id_source_event_line_n")
        ),
    )
    op.create_index(
        "ix_movement_adjustment",
        "movement",
        ["merchant_id", "sku", "id"],
        unique=False,
        sqlite_where=sa.text("kind = 'adjustment'"),
        postgresql_where=sa.text("kind = 'adjustment'"),
    )
    op.create_index(op.f("ix_movement_order_id"), "movement", ["order_id"], unique=False)
    op.create_index(
        "ix_movement_reading",
        "movement",
        ["merchant_id", "recorded_at"],
        unique=False,
        sqlite_where=sa.text("kind = 'reading'"),
        postgresql_where=sa.text("kind = 'reading'"),
    )
    op.create_index("ix_movement_sku", "movement", ["merchant_id", "sku", "id"], unique=False)
    op.create_table(
        "order_refund",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("amount", Money(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["order_header.id"], name=op.f("fk_order_refund_order_id_order_header")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refund")),
        sa.UniqueConstraint("order_id", "external_id", name=op.f("uq_order_refund_order_id_external_id")),
    )
    op.create_table(
        "push_batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(36), nullable=False),
        sa.Column("lease_token", sa.String(64), nullable=False),
        sa.Column("intent_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_push_batch_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_push_batch_run_id_sync_run")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_batch")),
        sa.UniqueConstraint("key", name=op.f("uq_push_batch_key")),
    )
    op.create_index("ix_push_batch_intent", "push_batch", ["connection_id", "intent_at"], unique=False)
    op.create_index(op.f("ix_push_batch_run_id"), "push_batch", ["run_id"], unique=False)
    op.create_table(
        "sale_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("invoice_no", sa.String(190), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "sent",
                "unknown",
                "recorded",
                "parked",
                "left_out",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("body", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("backoffice_id", sa.String(191), nullable=True),
        sa.Column("lease_token", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_sale_document_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_sale_document_location_id_location")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_sale_document_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["order_id"], ["order_header.id"], name=op.f("fk_sale_document_order_id_order_header")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_document")),
        sa.UniqueConstraint("invoice_no", name=op.f("uq_sale_document_invoice_no")),
        sa.UniqueConstraint("order_id", "n", name=op.f("uq_sale_document_order_id_n")),
    )
    op.create_index("ix_sale_document_open", "sale_document", ["merchant_id", "state"], unique=False)
    op.create_index("ix_sale_document_recorded", "sale_document", ["merchant_id", "recorded_at"], unique=False)
    op.create_table(
        "starting_stock",
        sa.Column(
            "stock_item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(191), nullable=False),
        sa.Column("basis", sa.Integer(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=False),
        sa.Column("looked_at", UtcDateTime(), nullable=True),
        sa.Column("settled_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_starting_stock_location_id_location")),
        sa.ForeignKeyConstraint(
            ["stock_item_id"],
            ["stock_item.id"],
            name=op.f("fk_starting_stock_stock_item_id_stock_item"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("stock_item_id", name=op.f("pk_starting_stock")),
    )
    op.create_table(
        "issue_note",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("issue_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("author", sa.String(254), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name=op.f("fk_issue_note_issue_id_issue"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_note")),
    )
    op.create_index(op.f("ix_issue_note_issue_id"), "issue_note", ["issue_id"], unique=False)
    op.create_table(
        "issue_told",
        sa.Column(
            "issue_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("mail_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name=op.f("fk_issue_told_issue_id_issue"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["mail.id"], name=op.f("fk_issue_told_mail_id_mail"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_issue_told_user_id_user_account"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "user_id", name=op.f("pk_issue_told")),
    )
    op.create_index(op.f("ix_issue_told_mail_id"), "issue_told", ["mail_id"], unique=False)
    op.create_table(
        "order_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("listing_external_id", sa.String(191), nullable=True),
        sa.Column("listing_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("sku", sa.String(191), nullable=True),
        sa.Column("told_sku", sa.String(191), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("told_taken", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("acknowledged", sa.Integer(), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.Column("total", Money(), nullable=False),
        sa.Column("tax", Money(), nullable=False),
        sa.Column("moves_nothing", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["listing_id"], ["listing.id"], name=op.f("fk_order_line_listing_id_listing")),
        sa.ForeignKeyConstraint(["location_id"], ["location.id"], name=op.f("fk_order_line_location_id_location")),
        sa.ForeignKeyConstraint(["order_id"], ["order_header.id"], name=op.f("fk_order_line_order_id_order_header")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_line")),
        sa.UniqueConstraint("order_id", "external_id", name=op.f("uq_order_line_order_id_external_id")),
    )
    op.create_index(op.f("ix_order_line_listing_id"), "order_line", ["listing_id"], unique=False)
    op.create_index(
        "ix_order_line_open",
        "order_line",
        ["sku"],
        unique=False,
        sqlite_where=sa.text("taken <> acknowledged"),
        postgresql_where=sa.text("taken <> acknowledged"),
    )
    op.create_table(
        "order_refund_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("refund_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("line_external_id", sa.String(191), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("restocked", sa.Boolean(), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_order_refund_line_quantity")),
        sa.ForeignKeyConstraint(
            ["refund_id"], ["order_refund.id"], name=op.f("fk_order_refund_line_refund_id_order_refund")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_refund_line")),
        sa.UniqueConstraint("refund_id", "external_id", name=op.f("uq_order_refund_line_refund_id_external_id")),
    )
    op.create_table(
        "push",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stock_item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(191), nullable=False),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.Column("target", sa.Integer(), nullable=False),
        sa.Column("difference", sa.Integer(), nullable=False),
        sa.Column("desired", sa.Integer(), nullable=False),
        sa.Column("is_doubtful", sa.Boolean(), nullable=False),
        sa.Column("is_undo", sa.Boolean(), nullable=False),
        sa.Column("moves", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "intent",
                "acknowledged",
                "refused",
                "unknown",
                "not_sent",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("after", sa.Integer(), nullable=True),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("sold_at", UtcDateTime(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("intent_at", UtcDateTime(), nullable=False),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("target >= 0", name=op.f("ck_push_target")),
        sa.ForeignKeyConstraint(["batch_id"], ["push_batch.id"], name=op.f("fk_push_batch_id_push_batch")),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_push_connection_id_connection")),
        sa.ForeignKeyConstraint(["run_id"], ["sync_run.id"], name=op.f("fk_push_run_id_sync_run")),
        sa.ForeignKeyConstraint(["stock_item_id"], ["stock_item.id"], name=op.f("fk_push_stock_item_id_stock_item")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push")),
    )
    op.create_index("ix_push_answered", "push", ["connection_id", "answered_at", "state", "sold_at"], unique=False)
    op.create_index(op.f("ix_push_batch_id"), "push", ["batch_id"], unique=False)
    op.create_index("ix_push_item", "push", ["stock_item_id", "id"], unique=False)
    op.create_index(
        "ix_push_open",
        "push",
        ["connection_id"],
        unique=False,
        sqlite_where=sa.text("state = 'intent'"),
        postgresql_where=sa.text("state = 'intent'"),
    )
    op.create_index(op.f("ix_push_run_id"), "push", ["run_id"], unique=False)
    op.create_index(
        "ix_push_sold",
        "push",
        ["sold_at"],
        unique=False,
        sqlite_where=sa.text("sold_at IS NOT NULL"),
        postgresql_where=sa.text("sold_at IS NOT NULL"),
    )
    op.create_table(
        "return_document",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "sent",
                "unknown",
                "recorded",
                "parked",
                "left_out",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("body", sa.JSON().with_variant(postgresql.JSONB(astext_type=Text()), "postgresql"), nullable=False),
        sa.Column("lease_token", sa.String(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("sent_at", UtcDateTime(), nullable=False),
        sa.Column("not_before", UtcDateTime(), nullable=True),
        sa.Column("recorded_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["document_id"], ["sale_document.id"], name=op.f("fk_return_document_document_id_sale_document")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_return_document_merchant_id_merchant")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_document")),
    )
    op.create_index("ix_return_document_open", "return_document", ["merchant_id", "state"], unique=False)
    op.create_index(
        "uq_return_document_open",
        "return_document",
        ["document_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('sent', 'unknown', 'parked')"),
        postgresql_where=sa.text("state IN ('sent', 'unknown', 'parked')"),
    )
    op.create_table(
        "sale_document_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("document_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sku", sa.String(191), nullable=False),
        sa.Column("external_id", sa.String(191), nullable=False),
        sa.Column("parent_id", sa.String(191), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("returned", sa.Integer(), nullable=False),
        sa.Column("unit_price", Money(), nullable=False),
        sa.Column("external_line_id", sa.String(191), nullable=True),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sale_document_line_quantity")),
        sa.CheckConstraint("returned >= 0 AND returned <= quantity", name=op.f("ck_sale_document_line_returned")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["sale_document.id"], name=op.f("fk_sale_document_line_document_id_sale_document")
        ),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_sale_document_line_order_line_id_order_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sale_document_line")),
        sa.UniqueConstraint(
            "document_id", "order_line_id", name=op.f("uq_sale_document_line_document_id_order_line_id")
        ),
    )
    op.create_index(op.f("ix_sale_document_line_order_line_id"), "sale_document_line", ["order_line_id"], unique=False)
    op.create_table(
        "sales_log",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("merchant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_external_id", sa.String(191), nullable=False),
        sa.Column("line", sa.String(191), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("sale", "return", name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(191), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("unit_price", Money(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("backoffice_id", sa.String(191), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_sales_log_quantity")),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_sales_log_connection_id_connection")
        ),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchant.id"], name=op.f("fk_sales_log_merchant_id_merchant")),
        sa.ForeignKeyConstraint(["order_id"], ["order_header.id"], name=op.f("fk_sales_log_order_id_order_header")),
        sa.ForeignKeyConstraint(
            ["order_line_id"], ["order_line.id"], name=op.f("fk_sales_log_order_line_id_order_line")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sales_log")),
        sa.UniqueConstraint(
            "connection_id",
            "order_external_id",
            "line",
            "kind",
            "n",
            name=op.f("uq_sales_log_connection_id_order_external_id_line_kind_n"),
        ),
    )
    op.create_index("ix_sales_log_heard", "sales_log", ["merchant_id", "recorded_at"], unique=False)
    op.create_index(op.f("ix_sales_log_order_id"), "sales_log", ["order_id"], unique=False)
    op.create_index(op.f("ix_sales_log_order_line_id"), "sales_log", ["order_line_id"], unique=False)
    op.create_index("ix_sales_log_sku", "sales_log", ["merchant_id", "sku", "recorded_at"], unique=False)
    op.create_index(
        "ix_sales_log_time",
        "sales_log",
        ["merchant_id", "occurred_at", "connection_id", "order_id", "kind", "quantity", "unit_price"],
        unique=False,
    )
    op.execute(
        "CREATE UNIQUE INDEX uq_rule_scope ON rule (merchant_id, kind, coalesce(connection_id, 0), coalesce(sku, ''))"
    )
    for statement in forbid_changes(op.get_context().dialect.name, ("movement",)):
        op.execute(statement)
