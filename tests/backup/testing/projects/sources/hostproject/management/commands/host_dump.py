"""Every row of every table, as text with full precision; the catalogue of the backup system is left out."""

from django.core.management.base import BaseCommand
from django.db import connection

TABLES = """
    SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'v') AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'
    ORDER BY 1
"""


class Command(BaseCommand):
    requires_system_checks = []

    def handle(self, *args, **options):
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                self._sqlite(cursor)
            else:
                self._postgresql(cursor)

    def _sqlite(self, cursor):
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'backup_%%' ORDER BY 1, 2", [])
        objects = cursor.fetchall()
        for name, definition in objects:
            self.stdout.write(f"{name}: {definition}")
        for name in sorted(name for name, definition in objects if (definition or "").startswith("CREATE TABLE")):
            if name.startswith("backup_"):
                continue
            quoted = connection.ops.quote_name(name) if '"' not in name else '"' + name.replace('"', '""') + '"'
            cursor.execute(f"PRAGMA table_info({quoted})")
            columns = ["quote(" + '"' + row[1] + '")' for row in cursor.fetchall()]
            cursor.execute(f"SELECT {' || char(31) || '.join(columns)} FROM {quoted} ORDER BY 1")
            for row in cursor.fetchall():
                if not row[0].startswith("'backup_"):
                    self.stdout.write(f"{name}: {row[0]}")

    def _postgresql(self, cursor):
        cursor.execute("SET extra_float_digits = 3")
        cursor.execute(TABLES, [])
        for (table,) in cursor.fetchall():
            if table.startswith("public.backup_"):
                continue
            cursor.execute(f"SELECT t::text FROM {table} t ORDER BY 1")
            for row in cursor.fetchall():
                self.stdout.write(f"{table}: {row[0]}")
        cursor.execute("SELECT oid, encode(lo_get(oid), 'hex') FROM pg_largeobject_metadata ORDER BY 1")
        self.stdout.write(f"large objects: {cursor.fetchall()}")
        cursor.execute(
            "SELECT schemaname, sequencename, last_value FROM pg_sequences"
            " WHERE sequencename NOT LIKE 'backup%%' ORDER BY 1, 2",
            [],
        )
        self.stdout.write(f"sequences: {cursor.fetchall()}")
        cursor.execute(
            "SELECT s.setconfig FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase"
            " WHERE d.datname = current_database()"
        )
        self.stdout.write(f"settings: {cursor.fetchall()}")
