"""The state of schedules, retention, logs of jobs, executors and prune runs."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from ..core.constraints import check_constraint


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0001_backup'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Executor',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('AGENT', 'Agent'), ('WORKER', 'Celery worker'), ('CRON', 'Cron')], max_length=8)),
                ('name', models.CharField(max_length=250, unique=True)),
                ('host', models.CharField(max_length=200)),
                ('pid', models.PositiveIntegerField()),
                ('started_at', models.DateTimeField()),
                ('beat_at', models.DateTimeField()),
                ('facts', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'ordering': ['-beat_at', 'name'],
            },
        ),
        migrations.CreateModel(
            name='InstalledPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('installed_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
        ),
        migrations.CreateModel(
            name='JobEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField()),
                ('text', models.TextField()),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='PruneRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('repository', models.CharField(max_length=1000)),
                ('status', models.CharField(choices=[('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('FAILED', 'Failed')], default='RUNNING', max_length=16)),
                ('started_at', models.DateTimeField()),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('freed_bytes', models.PositiveBigIntegerField(blank=True, null=True)),
                ('error_message', models.TextField(blank=True, default='')),
            ],
            options={
                'ordering': ['-started_at', '-id'],
            },
        ),
        migrations.RemoveConstraint(
            model_name='backupjob',
            name='backup_job_status',
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='is_ad_hoc',
            field=models.BooleanField(default=False, help_text='Made for one occasion; the clean-up may remove it'),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='keep_daily',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='keep_monthly',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='keep_weekly',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='keep_yearly',
            field=models.PositiveSmallIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='next_slot',
            field=models.DateTimeField(blank=True, db_index=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='schedule_start',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='schedule_zone',
            field=models.CharField(blank=True, default='', editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name='backupconfiguration',
            name='time_limit_minutes',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='cancel_reason',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='cancel_requested_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='deadline',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='dispatched_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='not_before',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='removal_reason',
            field=models.CharField(blank=True, default='', max_length=200),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='removal_started_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='removed_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='woken_by',
            field=models.CharField(blank=True, choices=[('', 'Nobody'), ('BEAT', 'Celery Beat'), ('AGENT', 'Agent'), ('WORKER', 'Celery worker'), ('COMMAND', 'Command')], default='', max_length=8),
        ),
        migrations.AlterField(
            model_name='backupjob',
            name='status',
            field=models.CharField(choices=[('PENDING', 'Pending'), ('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('INCOMPLETE', 'Incomplete'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled'), ('TIMEOUT', 'Timed out'), ('MISSED', 'Missed')], db_index=True, default='PENDING', max_length=16),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['configuration', 'status', '-started_at'], name='backup_job_of_configuration'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['-queued_at', '-id'], name='backup_job_newest'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['removed_at', 'removal_started_at'], name='backup_job_removals'),
        ),
        migrations.AddConstraint(
            model_name='backupconfiguration',
            constraint=check_constraint(models.Q(('time_limit_minutes__isnull', True), ('time_limit_minutes__gte', 1), _connector='OR'), 'backup_configuration_time_limit'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('woken_by__in', ['', 'AGENT', 'BEAT', 'COMMAND', 'WORKER'])), 'backup_job_woken_by'),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('status__in', ['CANCELLED', 'COMPLETED', 'FAILED', 'INCOMPLETE', 'MISSED', 'PENDING', 'RUNNING', 'TIMEOUT'])), 'backup_job_status'),
        ),
        migrations.AddConstraint(
            model_name='executor',
            constraint=check_constraint(models.Q(('kind__in', ['AGENT', 'CRON', 'WORKER'])), 'backup_executor_kind'),
        ),
        migrations.AddField(
            model_name='jobevent',
            name='job',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='events', to='backup.backupjob'),
        ),
        migrations.AddConstraint(
            model_name='prunerun',
            constraint=check_constraint(models.Q(('status__in', ['COMPLETED', 'FAILED', 'RUNNING'])), 'backup_prune_status'),
        ),
    ]
