"""Rows at the edges of every type; the same on every database."""

import datetime
import decimal
import os
import uuid

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection
from django.db.models import JSONField, Value

from zoo.models import Coded, Egg, Everything, Hen, Node, Pizzeria, Place, Precise, Tag, Visit

UTC = datetime.UTC if settings.USE_TZ else None
CONTROLS = "".join(chr(code) for code in range(1, 32)) + "\x7f\x85\u2028"
UNICODE = "Grüße 文書 😀 👩‍👧 \U0010ffff é é ﷺ"
EDGES = [
    {"label": "nulls"},
    {"label": "empty", "binary": b"", "char": "", "text": "", "slug": "", "url": "", "email": "", "file": ""},
    {"label": "zeros", "big": 0, "boolean": False, "decimal": decimal.Decimal(0), "floating": -0.0, "integer": 0,
     "duration": datetime.timedelta(0), "document": 0, "small": 0, "time": datetime.time(0)},
    {"label": "least", "big": -(2**63), "boolean": True, "date": datetime.date(1, 1, 1),
     "moment": datetime.datetime(1, 1, 1, tzinfo=UTC), "decimal": decimal.Decimal("-9999999999.99999"),
     "duration": datetime.timedelta(microseconds=-(2**63) + 1), "floating": -1.7976931348623157e308,
     "integer": -(2**31), "positive_big": 0, "positive": 0, "positive_small": 0, "small": -16384,
     "uuid": uuid.UUID(int=0), "address": "::", "document": [-1e300]},
    {"label": "most", "big": 2**63 - 1, "date": datetime.date(9999, 12, 31), "time": datetime.time(23, 59, 59, 999999),
     "moment": datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
     "decimal": decimal.Decimal("9999999999.99999"), "duration": datetime.timedelta(microseconds=2**63 - 1),
     "floating": 1.7976931348623157e308, "integer": 2**31 - 1, "positive_big": 2**63 - 1, "positive": 2**31 - 1,
     "positive_small": 32767, "small": 16383, "uuid": uuid.UUID(int=2**128 - 1),
     "address": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", "char": "x" * 40, "text": "y" * 100_000},
    {"label": "little", "floating": 5e-324, "decimal": decimal.Decimal("0.00001"),
     "duration": datetime.timedelta(microseconds=1), "time": datetime.time(1, 2, 3, 4), "address": "192.0.2.1",
     "moment": datetime.datetime(2026, 3, 29, 1, 30, 0, 1, tzinfo=UTC), "document": [], "binary": bytes(range(256))},
    {"label": "fraction", "floating": 0.1, "decimal": decimal.Decimal("-0.10000"),
     "time": datetime.time(1, 2, 3, 500000),
     "moment": datetime.datetime(2026, 10, 25, 2, 30, 0, 500000, tzinfo=UTC), "document": {},
     "duration": datetime.timedelta(days=-1, hours=5, microseconds=7), "text": "line\r\nline\n\ttab \\N \\. \\"},
    {"label": "whole float", "floating": 1e16, "document": {"deep": [[[{"a": [None, True, False, 1, 2.5, "x"]}]]]}},
    {"label": "controls", "char": CONTROLS[:40], "text": CONTROLS, "document": {"controls": CONTROLS}},
    {"label": "unicode", "char": UNICODE, "text": UNICODE * 50, "document": {UNICODE: UNICODE, "b": 1, "a": 2}},
    {"label": "null in json", "document": None, "text": " both ends ", "char": "' \" ` % %s {} ; -- $$"},
    {"label": "large json", "document": {"n": 12345678901234567890, "f": 1e100, "quote": "\"'\\/\b\f"}},
]  # fmt: skip


class Command(BaseCommand):
    requires_system_checks = []

    help = "Make the tables, fill them, and show everything."

    def handle(self, **options):
        call_command("migrate", verbosity=0)
        for values in EDGES:
            if "ZOO_INNER" in os.environ and values["label"] in {"least", "most"}:
                # The ends of the calendar are in no other zone.
                values["moment"] = None
            Everything.objects.create(**values)
        Everything.objects.create(label="file", file=ContentFile(b"content", name="some file.pdf"))
        # A JSON null is another thing than none.
        Everything.objects.create(label="json null", document=json_null())
        Everything.objects.create(label="gone")
        Everything.objects.filter(label="gone").delete()
        coded = [Coded.objects.create(code=code, name=code) for code in ("ä/1", "a", "B", "b 2", "'")]
        nodes = [Node.objects.create(id=uuid.UUID(int=number), coded=coded[number % 5]) for number in range(1, 8)]
        for node, parent in zip(nodes, [*nodes[1:], nodes[0]], strict=True):
            node.parent = parent
            node.save()
            node.friends.add(parent)
        hen = Hen.objects.create()
        hen.egg = Egg.objects.create(hen=hen)
        hen.save()
        places = [Place.objects.create(name=name) for name in ("Ort", UNICODE)]
        pizzeria = Pizzeria.objects.create(name="Pizza", stars=3)
        at = datetime.datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
        for place in places:
            Visit.objects.create(place=place, pizzeria=pizzeria, at=at)
        Precise.objects.create(number=decimal.Decimal("0.0000000001"))
        Precise.objects.create(number=decimal.Decimal("-12345.6789012345"))
        Tag.objects.create(word="node", target=nodes[0])
        Tag.objects.create(word="coded", target=coded[0])
        Tag.objects.create(word="pizza", target=pizzeria)
        user = User.objects.create_user("änna", "anna@example.org", "pw")
        group = Group.objects.create(name="Registratur")
        group.permissions.add(*Permission.objects.filter(content_type__app_label="zoo")[:3])
        user.groups.add(group)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE legacy (id integer NOT NULL PRIMARY KEY, note varchar(40), amount integer)")
            cursor.execute("INSERT INTO legacy VALUES (1, 'alt', NULL), (2, NULL, 7)")
            # As a number it would lose its sign on the way.
            cursor.execute("UPDATE zoo_everything SET floating = '-0' WHERE label = 'zeros'")
        call_command("zoo_show", stdout=self.stdout)


def json_null():
    return Value(None, JSONField())
