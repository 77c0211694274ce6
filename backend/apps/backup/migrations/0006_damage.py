"""Damage in repositories, and the backups that are doubted because of it."""

import django.db.models.deletion
from django.db import migrations, models

from ..core.constraints import check_constraint


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0005_stored_repositories'),
    ]

    operations = [
        migrations.CreateModel(
            name='DoubtedBackup',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('repository_id', models.CharField(db_index=True, max_length=64)),
                ('trust_before', models.CharField(choices=[('', 'Nothing stored'), ('STORED', 'Stored'), ('VERIFIED', 'Verified'), ('PROVEN', 'Proven'), ('DAMAGED', 'Damaged')], max_length=16)),
                ('since', models.DateTimeField()),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='doubt', to='backup.backupjob')),
            ],
        ),
        migrations.CreateModel(
            name='RepositoryDamage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('repository_id', models.CharField(db_index=True, max_length=64)),
                ('location', models.CharField(max_length=1000)),
                ('file_id', models.CharField(blank=True, default='', max_length=64)),
                ('blob_id', models.CharField(blank=True, default='', max_length=64)),
                ('blob_kind', models.CharField(blank=True, default='', max_length=8)),
                ('kind', models.CharField(choices=[('missing', 'Missing pack'), ('size', 'Pack of a wrong size'), ('header', 'Damaged header of a pack'), ('listing', 'Pack that differs from the index'), ('blob', 'Damaged blob'), ('unreadable', 'Pack that the storage does not give'), ('index', 'Damaged index file'), ('snapshot', 'Damaged snapshot file')], max_length=16)),
                ('reason', models.TextField(blank=True, default='')),
                ('found_at', models.DateTimeField()),
                ('found_by', models.CharField(choices=[('BACKUP', 'Backup'), ('VERIFY', 'Verification'), ('RESTORE', 'Restore'), ('DOWNLOAD', 'Download')], max_length=16)),
                ('is_needed', models.BooleanField(null=True)),
                ('healed_at', models.DateTimeField(blank=True, null=True)),
                ('dropped_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'ordering': ['-found_at', '-id'],
                'constraints': [check_constraint(models.Q(('kind__in', ['blob', 'header', 'index', 'listing', 'missing', 'size', 'snapshot', 'unreadable'])), 'backup_damage_kind'), check_constraint(models.Q(('found_by__in', ['BACKUP', 'DOWNLOAD', 'RESTORE', 'VERIFY'])), 'backup_damage_found_by'), models.UniqueConstraint(fields=('repository_id', 'file_id', 'blob_id', 'blob_kind'), name='backup_damage_place')],
            },
        ),
    ]
