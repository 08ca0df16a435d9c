"""The main colors of every characterized attribute; empty for those that were parsed before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    empty = "''" if op.get_bind().dialect.name == "postgresql" else "x''"  # text is no bytes in SQLite
    column = sa.Column("palette", sa.LargeBinary(), nullable=False, server_default=sa.text(empty))
    op.add_column("characterized_attribute", column)


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("characterized_attribute") as table:
        table.drop_column("palette")
