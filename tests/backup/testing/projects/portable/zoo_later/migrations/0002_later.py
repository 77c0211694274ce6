from django.db import migrations, models


def fill(apps, schema_editor):
    """As many projects write it: by the default manager, whichever database is being migrated."""
    Later = apps.get_model("zoo", "Later")
    for one in apps.get_model("zoo", "Everything").objects.order_by("id"):
        Later.objects.create(label=f"{one.label} later")


class Migration(migrations.Migration):
    dependencies = [("zoo", "0001_initial")]
    operations = [
        migrations.CreateModel(
            "Later",
            [
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(max_length=40)),
            ],
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
