"""Capture of PostgreSQL: dumps by pg_dump, rows, and the schema that a dump holds."""
