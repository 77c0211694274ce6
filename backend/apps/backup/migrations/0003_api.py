"""Tables of the API: permissions, operations, uploads, the audit trail, and the time of each row's last change."""

import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models

from ..core.constraints import check_constraint


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0002_policies'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditChain',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('last_sequence', models.PositiveBigIntegerField(default=0)),
                ('last_hash', models.CharField(blank=True, default='', max_length=64)),
            ],
        ),
        migrations.AlterModelOptions(
            name='backupjob',
            options={'ordering': ['-queued_at', '-id'], 'permissions': [('view_backups', 'Can see configurations, backups, restores and their state'), ('configure_backups', 'Can make, change, switch and delete backup configurations'), ('run_backups', 'Can start, cancel, verify and pin backups'), ('download_backups', 'Can look into backups and download them'), ('restore_backups', 'Can restore backups, upload packages, roll back and release'), ('delete_backups', 'Can delete backups'), ('prune_backups', 'Can apply retention and take space back')]},
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='changed_at',
            field=models.DateTimeField(auto_now=True, db_index=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='changed_at',
            field=models.DateTimeField(auto_now=True, db_index=True),
        ),
        migrations.AddField(
            model_name='restorejob',
            name='changed_at',
            field=models.DateTimeField(auto_now=True, db_index=True),
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.PositiveBigIntegerField(unique=True)),
                ('at', models.DateTimeField(db_index=True)),
                ('actor', models.CharField(max_length=200)),
                ('actor_key', models.CharField(blank=True, default='', max_length=64)),
                ('origin', models.CharField(choices=[('API', 'API'), ('COMMAND', 'Command'), ('SYSTEM', 'The system itself')], max_length=8)),
                ('address', models.CharField(blank=True, default='', max_length=64)),
                ('request_id', models.CharField(blank=True, default='', max_length=64)),
                ('action', models.CharField(db_index=True, max_length=64)),
                ('object_type', models.CharField(max_length=32)),
                ('object_key', models.CharField(blank=True, db_index=True, default='', max_length=100)),
                ('object_name', models.CharField(blank=True, default='', max_length=300)),
                ('details', models.JSONField(blank=True, default=dict)),
                ('previous_hash', models.CharField(blank=True, default='', max_length=64)),
                ('hash', models.CharField(max_length=64)),
            ],
            options={
                'ordering': ['sequence'],
                'constraints': [check_constraint(models.Q(('origin__in', ['API', 'COMMAND', 'SYSTEM'])), 'backup_audit_event_origin')],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('name', models.CharField(max_length=255)),
                ('size', models.PositiveBigIntegerField()),
                ('created_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at', '-id'],
            },
        ),
        migrations.CreateModel(
            name='Operation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('kind', models.CharField(choices=[('VERIFY', 'Verification'), ('PLAN', 'Plan of a restore'), ('RESTORE', 'Restore'), ('ROLLBACK', 'Rollback of a restore'), ('RELEASE', 'Release of what a restore replaced'), ('REMOVE', 'Removal of a backup'), ('PRUNE', 'Prune'), ('DELETE_CONFIGURATION', 'Deletion of a configuration')], max_length=24)),
                ('status', models.CharField(choices=[('AWAITING_APPROVAL', 'Awaiting a second person'), ('PENDING', 'Pending'), ('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled'), ('REJECTED', 'Rejected')], db_index=True, default='PENDING', max_length=24)),
                ('subject', models.CharField(blank=True, default='', max_length=300)),
                ('arguments', models.JSONField(blank=True, default=dict)),
                ('result', models.JSONField(blank=True, default=dict)),
                ('progress', models.JSONField(blank=True, default=dict)),
                ('error_message', models.TextField(blank=True, default='')),
                ('requested_by_name', models.CharField(blank=True, default='', max_length=200)),
                ('decided_at', models.DateTimeField(blank=True, null=True)),
                ('queued_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('dispatched_at', models.DateTimeField(blank=True, null=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('changed_at', models.DateTimeField(auto_now=True, db_index=True)),
                ('token', models.UUIDField(blank=True, editable=False, null=True)),
                ('worker', models.CharField(blank=True, default='', max_length=200)),
                ('worker_host', models.CharField(blank=True, default='', max_length=200)),
                ('worker_pid', models.PositiveIntegerField(blank=True, null=True)),
                ('worker_process_start', models.CharField(blank=True, default='', max_length=100)),
                ('cancel_requested_at', models.DateTimeField(blank=True, null=True)),
                ('cancel_reason', models.CharField(blank=True, default='', max_length=200)),
                ('irrevocable_at', models.DateTimeField(blank=True, null=True)),
                ('decided_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='operations', to='backup.backupjob')),
                ('requested_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('restore', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='operations', to='backup.restorejob')),
            ],
            options={
                'ordering': ['-queued_at', '-id'],
                'constraints': [check_constraint(models.Q(('kind__in', ['DELETE_CONFIGURATION', 'PLAN', 'PRUNE', 'RELEASE', 'REMOVE', 'RESTORE', 'ROLLBACK', 'VERIFY'])), 'backup_operation_kind'), check_constraint(models.Q(('status__in', ['AWAITING_APPROVAL', 'CANCELLED', 'COMPLETED', 'FAILED', 'PENDING', 'REJECTED', 'RUNNING'])), 'backup_operation_status')],
            },
        ),
    ]
