from django.db import connection
from shape.models import Line, Order


def fill() -> None:
    for number in range(6):
        order = Order.objects.create(select=f"all {number}", group=-number)
        Line.objects.create(id=2_000_000_000 - number, order=order)
    table = connection.ops.quote_name("LEGACY-codes")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {table} (code varchar(10) PRIMARY KEY, note text NOT NULL)")
        for number in range(5):
            cursor.execute(f"INSERT INTO {table} VALUES (%s, %s)", [f"C{number}", f"note {number}"])
