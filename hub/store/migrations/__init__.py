"""How the tables came about (Alembic): one step a file, forwards only; a version of the hub runs what it lacks."""
