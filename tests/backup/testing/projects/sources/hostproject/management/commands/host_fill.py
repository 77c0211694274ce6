"""Rows with the extremes of every type, files, and things in the database that no model knows of."""

import datetime
import decimal
import math
import uuid

from django.core.files.base import ContentFile
from django.core.management.base import BaseCommand
from django.db import connection

from hostproject.models import Everything, Twin

MICROSECOND = datetime.timedelta(microseconds=1)
EXTREMES = [
    {
        "big": 2**63 - 1,
        "binary": bytes(range(256)),
        "flag": True,
        "char": "naïve \U0001f4be \t \\ ' \" % {}",
        "day": datetime.date(1, 1, 1),
        "moment": datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC) - MICROSECOND,
        "exact": decimal.Decimal("-12345678901234567890.0123456789"),
        "lasting": -datetime.timedelta(days=999999) + MICROSECOND,
        "floating": math.nextafter(0.1, 1),
        "address": "2001:db8::1",
        "number": -(2**31),
        "structure": {"a": [1, None, "ü\u2028", 1e300], "": {}},
        "text": "line\r\nbreak\n" * 500,
        "time": datetime.time(23, 59, 59, 999999),
    },
    {
        "big": -(2**63),
        "flag": False,
        "day": datetime.date(9999, 12, 31),
        "moment": datetime.datetime(2026, 3, 29, 1, 59, 59, 123456, tzinfo=datetime.UTC),
        "exact": decimal.Decimal("0.0000000001"),
        "lasting": MICROSECOND,
        "floating": -1.7976931348623157e308,
        "address": "192.0.2.1",
        "positive_big": 2**63 - 1,
        "structure": None,
        "time": datetime.time(0, 0, 0, 1),
    },
    {"moment": datetime.datetime(2026, 11, 1, 0, 0, 0, 1, tzinfo=datetime.UTC)},
]
COMMON = [
    'CREATE TABLE "Odd ""Table""" ("a b" integer, "Ü" text)',
    'INSERT INTO "Odd ""Table""" VALUES (1, \'COPY public.x FROM stdin;\'), (2, NULL)',
    "CREATE TABLE empty_one (id integer)",
]
SQLITE = [
    "CREATE TABLE no_rowid (k text PRIMARY KEY, v blob) WITHOUT ROWID",
    "INSERT INTO no_rowid VALUES ('x', x'00ff')",
    "CREATE VIEW a_view AS SELECT count(*) AS n FROM no_rowid",
]
POSTGRESQL = [
    'CREATE SCHEMA "Second Schema"',
    "CREATE TYPE mood AS ENUM ('good', 'bad')",
    'CREATE TABLE "Second Schema".types (id int GENERATED ALWAYS AS IDENTITY, m mood, a text[], r int4range,'
    " t tsvector, b bytea, i interval, j jsonb, x xml, n numeric, f float8, z timestamptz)",
    "INSERT INTO \"Second Schema\".types (m, a, r, t, b, i, j, n, f, z) VALUES ('bad', ARRAY['a', NULL, 'b,c'],"
    " '[1,5)', 'a:1 b:2', '\\x00ff', '1 mon 2 days 00:00:00.000001', '{\"a\": 1}', 'NaN', 'infinity', 'infinity')",
    "CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at)",
    "CREATE TABLE parts_one PARTITION OF parts FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')",
    "INSERT INTO parts VALUES (1, '2026-02-02')",
    "CREATE MATERIALIZED VIEW stored_view AS SELECT count(*) AS n FROM parts",
    "CREATE FUNCTION tricky() RETURNS text LANGUAGE sql AS $$ SELECT 'COPY public.parts_one (id) FROM stdin;' $$",
    "SELECT lo_from_bytea(4242, '\\x0102ff')",
    "CREATE SEQUENCE invoice START 1000",
    "SELECT nextval('invoice'), nextval('invoice')",
    'ALTER DATABASE {database} SET search_path TO "$user", public, "Second Schema"',
    "ALTER DATABASE {database} SET statement_timeout TO '30s'",
]


class Command(BaseCommand):
    requires_system_checks = []

    def handle(self, *args, **options):
        previous = None
        for number, values in enumerate(EXTREMES * 20):
            row = Everything(**values, parent=previous, unique=uuid.UUID(int=number))
            row.file.save(f"file-{number}.bin", ContentFile(bytes([number]) * number * 1000), save=False)
            row.save()
            previous = row
        Twin.objects.create(of=previous)
        previous.friends.add(Everything.objects.first())
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
            for statement in COMMON + (SQLITE if connection.vendor == "sqlite" else POSTGRESQL):
                cursor.execute(statement.replace("{database}", name) if "{database}" in statement else statement)
