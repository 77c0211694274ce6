"""Operations that check a repository and that remove its stale locks."""

from django.db import migrations, models

from ..core.constraints import one_of

_KINDS = [
    ("VERIFY", "Verification"),
    ("PLAN", "Plan of a restore"),
    ("RESTORE", "Restore"),
    ("ROLLBACK", "Rollback of a restore"),
    ("RELEASE", "Release of what a restore replaced"),
    ("REMOVE", "Removal of a backup"),
    ("PRUNE", "Prune"),
    ("CHECK", "Check of a repository"),
    ("UNLOCK", "Removal of stale locks"),
    ("DELETE_CONFIGURATION", "Deletion of a configuration"),
]


class Migration(migrations.Migration):
    dependencies = [("backup", "0011_sealed")]

    operations = [
        migrations.RemoveConstraint(model_name="operation", name="backup_operation_kind"),
        migrations.AlterField(
            model_name="operation", name="kind", field=models.CharField(choices=_KINDS, max_length=24)
        ),
        migrations.AddConstraint(
            model_name="operation", constraint=one_of("kind", [kind for kind, _ in _KINDS], "backup_operation_kind")
        ),
    ]
