"""The repository of each snapshot, and the passphrase that a user has confirmed.

The ids of the repositories stay empty: only the storage has them.
"""

from collections import defaultdict

import django.db.models.deletion
import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

BATCH = 500


def group_by_place(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give every job with a snapshot a row for the place where it was stored."""
    alias = schema_editor.connection.alias
    jobs = apps.get_model("backup", "BackupJob").objects.using(alias)
    repositories = apps.get_model("backup", "StoredRepository").objects.using(alias)
    places = defaultdict(list)
    for key, settings in jobs.exclude(snapshot_id="").order_by().values_list("pk", "settings").iterator():
        places[str(settings.get("storage_path", "")), bool(settings.get("encryption", True))].append(key)
    for (storage_path, encrypted), keys in sorted(places.items()):
        row = repositories.create(storage_path=storage_path, encrypted=encrypted)
        for start in range(0, len(keys), BATCH):
            jobs.filter(pk__in=keys[start : start + BATCH]).update(repository=row)


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0004_lists'),
    ]

    operations = [
        migrations.CreateModel(
            name='StoredRepository',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('storage_path', models.TextField(blank=True, default='')),
                ('encrypted', models.BooleanField(default=True)),
                ('repository_id', models.CharField(blank=True, db_index=True, default='', max_length=64)),
                ('config_digest', models.CharField(blank=True, default='', max_length=64)),
                ('first_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('last_seen_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='ConfirmedPassphrase',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('salt', models.CharField(max_length=64)),
                ('digest', models.CharField(max_length=64)),
                ('confirmed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('confirmed_by', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'ordering': ['-confirmed_at', '-id'],
            },
        ),
        migrations.AddField(
            model_name='backupjob',
            name='repository',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='backup.storedrepository'),
        ),
        migrations.RunPython(group_by_place, migrations.RunPython.noop),
    ]
