"""The rows and files written between the backup of the live state and the swap of each restore."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('backup', '0009_rekey'),
    ]

    operations = [
        migrations.AddField(
            model_name='restorejob',
            name='changes',
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
