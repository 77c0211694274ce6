"""Changes of keys; and paths of stored files relative to the storage root."""

import django.utils.timezone
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from ..storage.stored_paths import storage_absolute, storage_relative


def make_relative(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Keep every path inside the storage root relative to it."""
    alias = schema_editor.connection.alias
    for name in ("BackupConfiguration", "StoredRepository"):
        rows = apps.get_model("backup", name).objects.using(alias)
        for key, path in list(rows.filter(storage_path__startswith="/").values_list("pk", "storage_path")):
            rows.filter(pk=key).update(storage_path=storage_relative(path))
    jobs = apps.get_model("backup", "BackupJob").objects.using(alias)
    for key, path in list(jobs.filter(backup_file_path__startswith="/").values_list("pk", "backup_file_path")):
        jobs.filter(pk=key).update(backup_file_path=storage_relative(path))
    for key, settings in jobs.values_list("pk", "settings").iterator():
        path = str(settings.get("storage_path", ""))
        if path.startswith("/"):
            jobs.filter(pk=key).update(settings={**settings, "storage_path": storage_relative(path)})


def make_absolute(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give packages the paths that the code from before knows; it reads relative storage paths as they are."""
    jobs = apps.get_model("backup", "BackupJob").objects.using(schema_editor.connection.alias)
    for key, path in list(jobs.exclude(backup_file_path="").values_list("pk", "backup_file_path")):
        jobs.filter(pk=key).update(backup_file_path=storage_absolute(path))


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0008_acknowledgements'),
    ]

    operations = [
        migrations.CreateModel(
            name='KeyChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('storage_path', models.TextField(blank=True, default='')),
                ('repository_id', models.CharField(max_length=64)),
                ('old_key', models.CharField(blank=True, default='', max_length=64)),
                ('new_key', models.CharField(max_length=64)),
                ('replaced', models.CharField(blank=True, default='', max_length=100)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('released_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.RunPython(make_relative, make_absolute),
    ]
