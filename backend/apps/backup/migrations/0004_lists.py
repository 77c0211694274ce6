"""Indexes for lists of a hundred thousand jobs, for every filter and order."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0003_api'),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name='backupjob',
            name='backup_job_newest',
        ),
        migrations.AlterField(
            model_name='backupjob',
            name='status',
            field=models.CharField(choices=[('PENDING', 'Pending'), ('RUNNING', 'Running'), ('COMPLETED', 'Completed'), ('INCOMPLETE', 'Incomplete'), ('FAILED', 'Failed'), ('CANCELLED', 'Cancelled'), ('TIMEOUT', 'Timed out'), ('MISSED', 'Missed')], default='PENDING', max_length=16),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['-queued_at', '-id', 'status', 'trust', 'trigger', 'backup_type', 'is_pinned', 'job_name'], name='backup_job_lists'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['status', '-queued_at', '-id', 'trust', 'trigger', 'backup_type', 'is_pinned'], name='backup_job_states'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['configuration', '-queued_at', '-id'], name='backup_job_runs'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['started_at', 'queued_at', 'id'], name='backup_job_begun'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['backup_size', 'id'], name='backup_job_read'),
        ),
        migrations.AddIndex(
            model_name='backupjob',
            index=models.Index(fields=['stored_size', 'id'], name='backup_job_stored'),
        ),
    ]
