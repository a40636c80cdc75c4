"""Run by Alembic: the connection comes from `schema.migrate`."""

from alembic import context
from sqlmodel import SQLModel

import schema.tables  # noqa: F401 fills the metadata
from schema.migrations.rendering import render_item

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_item=render_item,
    render_as_batch=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
