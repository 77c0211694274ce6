"""The rehearsal of each backup's restore, and its result."""

from django.db import migrations, models

from ..core.constraints import check_constraint


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0006_damage'),
    ]

    operations = [
        migrations.AddField(
            model_name='backupjob',
            name='rehearsal',
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name='backupjob',
            name='rehearsal_state',
            field=models.CharField(blank=True, choices=[('', 'Nothing to rehearse, or never rehearsed'), ('PASSED', 'Passed'), ('FAILED', 'Failed'), ('IMPOSSIBLE', 'Not possible')], default='', max_length=16),
        ),
        migrations.AddConstraint(
            model_name='backupjob',
            constraint=check_constraint(models.Q(('rehearsal_state__in', ['', 'FAILED', 'IMPOSSIBLE', 'PASSED'])), 'backup_job_rehearsal_state'),
        ),
    ]
