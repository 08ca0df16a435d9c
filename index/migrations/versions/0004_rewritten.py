"""The revision since which people have only been added to a generation: of those that are there, the last one."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("generation", sa.Column("rewritten", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.execute("UPDATE generation SET rewritten = revision")


def downgrade() -> None:
    """Remove it."""
    with op.batch_alter_table("generation") as table:
        table.drop_column("rewritten")
