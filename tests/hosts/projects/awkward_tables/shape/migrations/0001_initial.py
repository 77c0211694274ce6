import uuid

from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Order",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("select", models.CharField(db_column="select", max_length=20)),
                ("group", models.IntegerField(db_column="Group")),
            ],
            options={"db_table": "order"},
        ),
        migrations.CreateModel(
            name="Line",
            fields=[
                ("id", models.IntegerField(primary_key=True, serialize=False)),
                ("order", models.ForeignKey(on_delete=models.CASCADE, to="shape.order")),
            ],
        ),
        migrations.CreateModel(
            name="Legacy",
            fields=[
                ("code", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("note", models.TextField()),
            ],
            options={"db_table": "LEGACY-codes", "managed": False},
        ),
    ]
