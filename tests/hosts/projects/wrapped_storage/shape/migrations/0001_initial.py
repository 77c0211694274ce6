import host.storages
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    operations = [
        migrations.CreateModel(
            name="Paper",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("locked", models.FileField(storage=host.storages.vault, upload_to="")),
                ("shared", models.FileField(storage=host.storages.prefixed, upload_to="")),
                ("inner", models.FileField(storage=host.storages.delegating, upload_to="")),
            ],
        ),
    ]
