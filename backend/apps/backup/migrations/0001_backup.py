"""The catalogue's tables. Not called 0001_initial: an earlier app with this label may have left a row of that name."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from ..core.constraints import check_constraint


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='BackupConfiguration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=100, unique=True)),
                ('description', models.TextField(blank=True, default='')),
                ('backup_type', models.CharField(choices=[('FULL', 'Full'), ('INCREMENTAL', 'Incremental'), ('DIFFERENTIAL', 'Differential'), ('DATABASE', 'Database'), ('FILES', 'Files'), ('EXPORT', 'Export package')], default='FULL', max_length=16)),
                ('frequency', models.CharField(choices=[('HOURLY', 'Hourly'), ('DAILY', 'Daily'), ('WEEKLY', 'Weekly'), ('MONTHLY', 'Monthly'), ('ON_DEMAND', 'On demand')], default='ON_DEMAND', max_length=16)),
                ('schedule_time', models.TimeField(blank=True, null=True)),
                ('schedule_days', models.JSONField(blank=True, default=list, help_text='Days of the week, 0 = Monday')),
                ('schedule_day_of_month', models.PositiveSmallIntegerField(blank=True, help_text='1 to 28', null=True)),
                ('retention_days', models.PositiveIntegerField(default=30)),
                ('max_backups', models.PositiveIntegerField(default=30)),
                ('storage_path', models.CharField(blank=True, default='', max_length=500)),
                ('compression_enabled', models.BooleanField(default=True)),
                ('encryption_enabled', models.BooleanField(default=True)),
                ('status', models.CharField(choices=[('ACTIVE', 'Active'), ('INACTIVE', 'Inactive'), ('SUSPENDED', 'Suspended')], default='ACTIVE', max_length=16)),
                ('is_enabled', models.BooleanField(default=True)),
                ('include', models.JSONField(blank=True, default=list)),
                ('exclude', models.JSONField(blank=True, default=list)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='BackupJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('configuration_name', models.CharField(blank=True, default='', max_length=100)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('job_name', models.CharField(db_index=True, max_length=200)),
                ('backup_type', models.CharField(choices=[('FULL', 'Full'), ('INCREMENTAL', 'Incremental'), ('DIFFERENTIAL', 'Differential'), ('DATABASE', 'Database'), ('FILES', 'Files'), ('EXPORT', 'Export package')], max_length=16)),
                ('trigger', models.CharField(choices=[('MANUAL', 'Manual'), ('SCHEDULED', 'Scheduled'), ('API', 'API'), ('PRE_RESTORE', 'Before a restore')], default='MANUAL', max_length=16)),
                ('slot', models.DateTimeField(blank=True, null=True)),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('INCOMPLETE', 'Incomplete'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled'), ('TIMEOUT', 'Timed out')], db_index=True, default='PENDING', max_length=16)),
                ('trust', models.CharField(blank=True, choices=[('', 'Nothing stored'), ('STORED', 'Stored'), ('VERIFIED', 'Verified'), ('PROVEN', 'Proven'), ('DAMAGED', 'Damaged')], default='', max_length=16)),
                ('running_key', models.UUIDField(blank=True, editable=False, null=True, unique=True)),
                ('lease_token', models.UUIDField(blank=True, editable=False, null=True)),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True)),
                ('attempt', models.PositiveIntegerField(default=0)),
                ('worker', models.CharField(blank=True, default='', max_length=200)),
                ('worker_host', models.CharField(blank=True, default='', max_length=200)),
                ('worker_pid', models.PositiveIntegerField(blank=True, null=True)),
                ('worker_process_start', models.CharField(blank=True, default='', max_length=100)),
                ('progress', models.JSONField(blank=True, default=dict)),
                ('queued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('snapshot_id', models.CharField(blank=True, db_index=True, default='', max_length=64)),
                ('backup_file_path', models.CharField(blank=True, default='', max_length=1000)),
                ('backup_size', models.PositiveBigIntegerField(blank=True, null=True)),
                ('stored_size', models.PositiveBigIntegerField(blank=True, null=True)),
                ('new_files', models.PositiveBigIntegerField(blank=True, null=True)),
                ('changed_files', models.PositiveBigIntegerField(blank=True, null=True)),
                ('unchanged_files', models.PositiveBigIntegerField(blank=True, null=True)),
                ('checksum', models.CharField(blank=True, default='', max_length=64)),
                ('manifest', models.JSONField(blank=True, default=dict)),
                ('warnings', models.JSONField(blank=True, default=list)),
                ('problems', models.JSONField(blank=True, default=list)),
                ('problem_count', models.PositiveIntegerField(default=0)),
                ('error_message', models.TextField(blank=True, default='')),
                ('is_pinned', models.BooleanField(default=False)),
                ('pin_reason', models.CharField(blank=True, default='', max_length=200)),
                ('configuration', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='jobs', to='backup.backupconfiguration')),
                ('triggered_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-queued_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='RestoreJob',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('backup_reference', models.CharField(blank=True, default='', max_length=1000)),
                ('restore_type', models.CharField(choices=[('FULL_RESTORE', 'Database and files'), ('DATABASE_RESTORE', 'Database'), ('FILES_RESTORE', 'Files'), ('SELECTIVE_RESTORE', 'Selection')], default='FULL_RESTORE', max_length=20)),
                ('target', models.CharField(blank=True, default='', max_length=1000)),
                ('plan', models.JSONField(blank=True, default=dict)),
                ('status', models.CharField(choices=[('PENDING', 'Pending'), ('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled')], default='PENDING', max_length=16)),
                ('phases', models.JSONField(blank=True, default=list)),
                ('counts', models.JSONField(blank=True, default=dict)),
                ('log', models.JSONField(blank=True, default=list)),
                ('rollback_state', models.CharField(choices=[('NONE', 'Nothing kept'), ('AVAILABLE', 'Kept for rollback'), ('ROLLED_BACK', 'Rolled back'), ('RELEASED', 'Released')], default='NONE', max_length=16)),
                ('error_message', models.TextField(blank=True, default='')),
                ('queued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('backup_job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='restores', to='backup.backupjob')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-queued_at', '-id'],
            },
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('backup_type__in', ['DATABASE', 'DIFFERENTIAL', 'EXPORT', 'FILES', 'FULL', 'INCREMENTAL'])), 'backup_configuration_type'),
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('frequency__in', ['DAILY', 'HOURLY', 'MONTHLY', 'ON_DEMAND', 'WEEKLY'])), 'backup_configuration_frequency'),
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('status__in', ['ACTIVE', 'INACTIVE', 'SUSPENDED'])), 'backup_configuration_status'),
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('retention_days__gte', 1)), 'backup_configuration_retention_days'),
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('max_backups__gte', 1)), 'backup_configuration_max_backups'),
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('schedule_day_of_month__isnull', True), models.Q(('schedule_day_of_month__gte', 1), ('schedule_day_of_month__lte', 28)), _connector='OR'), 'backup_configuration_day_of_month'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('backup_type__in', ['DATABASE', 'DIFFERENTIAL', 'EXPORT', 'FILES', 'FULL', 'INCREMENTAL'])), 'backup_job_type'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('trigger__in', ['API', 'MANUAL', 'PRE_RESTORE', 'SCHEDULED'])), 'backup_job_trigger'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('status__in', ['CANCELLED', 'COMPLETED', 'FAILED', 'INCOMPLETE', 'PENDING', 'RUNNING', 'TIMEOUT'])), 'backup_job_status'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('trust__in', ['', 'DAMAGED', 'PROVEN', 'STORED', 'VERIFIED'])), 'backup_job_trust'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=models.UniqueConstraint(fields=('configuration', 'slot'), name='backup_job_configuration_slot'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('status', 'RUNNING'), ('running_key__isnull', True), _connector='OR'), 'backup_job_running_key'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(models.Q(('status', 'RUNNING'), _negated=True), models.Q(('lease_expires_at__isnull', False), ('lease_token__isnull', False)), _connector='OR'), 'backup_job_running_lease'),
        ),
        migrations.AddConstraint(
            model_name='restorejob',
            constraint=check_constraint(models.Q(('restore_type__in', ['DATABASE_RESTORE', 'FILES_RESTORE', 'FULL_RESTORE', 'SELECTIVE_RESTORE'])), 'backup_restore_type'),
        ),
        migrations.AddConstraint(
            model_name='restorejob',
            constraint=check_constraint(models.Q(('status__in', ['CANCELLED', 'COMPLETED', 'FAILED', 'PENDING', 'RUNNING'])), 'backup_restore_status'),
        ),
        migrations.AddConstraint(
            model_name='restorejob',
            constraint=check_constraint(models.Q(('rollback_state__in', ['AVAILABLE', 'NONE', 'RELEASED', 'ROLLED_BACK'])), 'backup_restore_rollback_state'),
        ),
    ]
