"""First tables."""

from uuid import uuid4

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "audit_log",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
    )
    op.create_index("ix_audit_log_action", "audit_log", ["action"], unique=False)

    op.create_table(
        "doomed_file",
        sa.Column("path", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("path", name="pk_doomed_file"),
    )
    op.create_table(
        "gallery",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gallery"),
        sa.UniqueConstraint("name", name="uq_gallery_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "image",
        sa.Column("id", ID, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("camera", sa.Text(), nullable=True),
        sa.Column("captured_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_image"),
        sa.UniqueConstraint("content_hash", name="uq_image_content_hash"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_image_camera", "image", ["camera"], unique=False)
    op.create_index("ix_image_captured_at", "image", ["captured_at"], unique=False)

    op.create_table(
        "ingest_job",
        sa.Column("id", ID, nullable=False),
        sa.Column("gallery", sa.Text(), nullable=False),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("images_per_second", sa.Double(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("process", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ingest_job"),
    )
    op.create_index("ix_ingest_job_state", "ingest_job", ["state"], unique=False)

    op.create_table(
        "model",
        sa.Column("id", ID, nullable=False),
        sa.Column("checkpoint_hash", sa.Text(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_model"),
        sa.UniqueConstraint("checkpoint_hash", name="uq_model_checkpoint_hash"),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", ID, nullable=False),
        sa.Column("gallery", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mtime", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_quarantine"),
    )
    op.create_index("uq_quarantine_place", "quarantine", ["gallery", "location"], unique=True)

    op.create_table(
        "saved_search",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_saved_search"),
        sa.UniqueConstraint("name", name="uq_saved_search_name"),
    )
    op.create_table(
        "store",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("live_generation_id", ID, nullable=True),
        sa.Column("previous_generation_id", ID, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_store"),
    )
    op.create_table(
        "correction",
        sa.Column("id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("box_xyxy", sa.JSON(), nullable=False),
        sa.Column("attribute", sa.Text(), nullable=False),
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("mask", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_correction_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_correction"),
    )
    op.create_index("ix_correction_image_id", "correction", ["image_id"], unique=False)

    op.create_table(
        "generation",
        sa.Column("id", ID, nullable=False),
        sa.Column("model_id", ID, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("images", sa.BigInteger(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["model_id"], ["model.id"], name="fk_generation_model_id"),
        sa.PrimaryKeyConstraint("id", name="pk_generation"),
        sa.UniqueConstraint("model_id", name="uq_generation_model_id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "image_file",
        sa.Column("id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("gallery_id", ID, nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("mtime", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["gallery_id"], ["gallery.id"], name="fk_image_file_gallery_id", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_image_file_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_image_file"),
    )
    op.create_index("ix_image_file_gallery_image", "image_file", ["gallery_id", "image_id"], unique=False)
    op.create_index("ix_image_file_image_id", "image_file", ["image_id"], unique=False)
    op.create_index("ix_image_file_location", "image_file", ["location"], unique=False)
    op.create_index("ix_image_file_path", "image_file", ["path"], unique=False)
    op.create_index("uq_image_file_place", "image_file", ["gallery_id", "location"], unique=True)

    op.create_table(
        "parse",
        sa.Column("image_id", ID, nullable=False),
        sa.Column("generation_id", ID, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("has_thumbnails", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name="fk_parse_generation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_parse_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("image_id", "generation_id", name="pk_parse"),
    )
    op.create_index("ix_parse_generation_id", "parse", ["generation_id"], unique=False)

    op.create_table(
        "person",
        sa.Column("id", ID, nullable=False),
        sa.Column("generation_id", ID, nullable=False),
        sa.Column("image_id", ID, nullable=False),
        sa.Column("x0", sa.Double(), nullable=False),
        sa.Column("y0", sa.Double(), nullable=False),
        sa.Column("x1", sa.Double(), nullable=False),
        sa.Column("y1", sa.Double(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("mask", sa.Text(), nullable=False),
        sa.Column("presence", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name="fk_person_generation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["image_id"], ["image.id"], name="fk_person_image_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_person_generation_id", "person", ["generation_id"], unique=False)
    op.create_index("ix_person_image_id", "person", ["image_id"], unique=False)

    op.create_table(
        "characterized_attribute",
        sa.Column("person_id", ID, autoincrement=False, nullable=False),
        sa.Column("attribute", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=False),
        sa.Column("pattern", sa.SmallInteger(), nullable=False),
        sa.Column("color", sa.SmallInteger(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("area", sa.Integer(), nullable=False),
        sa.Column("probabilities", sa.LargeBinary(), nullable=False),
        sa.Column("mask", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_characterized_attribute_person_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("person_id", "attribute", name="pk_characterized_attribute"),
    )
    op.create_index(
        "ix_characterized_attribute_labels",
        "characterized_attribute",
        ["attribute", "color", "size", "pattern"],
        unique=False,
    )

    op.create_table(
        "person_vector",
        sa.Column("person_id", ID, autoincrement=False, nullable=False),
        sa.Column("generation_id", ID, nullable=False),
        sa.Column("descriptor", sa.LargeBinary(), nullable=False),
        sa.Column("appearance", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["generation_id"], ["generation.id"], name="fk_person_vector_generation_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_person_vector_person_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("person_id", name="pk_person_vector"),
    )
    op.create_index("ix_person_vector_generation_id", "person_vector", ["generation_id"], unique=False)
    store = sa.table("store", sa.column("id"), sa.column("application"), sa.column("identity"))
    op.bulk_insert(store, [{"id": 1, "application": "signalement", "identity": uuid4().hex[:12]}])


def downgrade() -> None:
    """Remove them, and all they hold."""
    for table in (
        "person_vector",
        "characterized_attribute",
        "person",
        "parse",
        "image_file",
        "generation",
        "correction",
        "store",
        "saved_search",
        "quarantine",
        "model",
        "ingest_job",
        "image",
        "gallery",
        "doomed_file",
        "audit_log",
    ):
        op.drop_table(table)
