"""The commands of the mission document, as it writes them."""

# The commands of the mission's administrator; `docker compose exec backend` is what stands before it there.
PREFIX = "docker compose exec backend "

LIST = "docker compose exec backend python manage.py manage_backup_configs --list"
STATS = "docker compose exec backend python manage.py manage_backup_configs --stats"
ENABLE = "docker compose exec backend python manage.py manage_backup_configs --enable production_database_hourly"
DISABLE = "docker compose exec backend python manage.py manage_backup_configs --disable production_daily_full"
TRIGGER_CONFIG = "docker compose exec backend python manage.py trigger_backup --config production_pre_deployment"
TRIGGER_TYPE = "docker compose exec backend python manage.py trigger_backup --type FULL"
CLEANUP = "docker compose exec backend python manage.py manage_backup_configs --cleanup"

DEVELOPER_LIST = """# List all configurations
python manage.py manage_backup_configs --list

# Show statistics
python manage.py manage_backup_configs --stats
"""
SWITCH = """# Enable/disable configurations
python manage.py manage_backup_configs --enable <name>
python manage.py manage_backup_configs --disable <name>
"""
DELETE = """# Delete configuration
python manage.py manage_backup_configs --delete <name>
"""
CLEAN_UP = """# Clean up old ad-hoc configs
python manage.py manage_backup_configs --cleanup
"""
CREATE = """# Create new configuration interactively
python manage.py manage_backup_configs --create
"""
TRIGGER_EXISTING = """# Trigger using existing configuration
python manage.py trigger_backup --config production_daily_full
"""
TRIGGER_AD_HOC = """# Create ad-hoc backup
python manage.py trigger_backup --type FULL
"""
TRIGGER_OUTPUT = """# Specify output path
python manage.py trigger_backup --type EXPORT --output /path/to/backup.tar.gz
"""

PERIODIC_TASKS = r"""docker compose exec backend python -c "
from django_celery_beat.models import PeriodicTask
for task in PeriodicTask.objects.filter(name__startswith='backup-'):
    print(f'{task.name}: {\"Enabled\" if task.enabled else \"Disabled\"}')
"
"""
NEXT_RUN = r"""docker compose exec backend python manage.py shell -c "
from django_celery_beat.models import PeriodicTask
from django.utils import timezone

for task in PeriodicTask.objects.filter(name__startswith='backup-', enabled=True):
    next_run = task.schedule.remaining_estimate(timezone.now())
    print(f'{task.name}: Next run in {next_run}')
"
"""
ONE_TASK = r"""docker compose exec backend python manage.py shell -c "
from django_celery_beat.models import PeriodicTask
task = PeriodicTask.objects.get(name='backup-daily-full')
print(f'Enabled: {task.enabled}')
print(f'Schedule: {task.crontab}')
"
"""
UUID = r"""docker compose exec backend python -c "
from apps.backup.models import BackupConfiguration
config = BackupConfiguration.objects.get(name='production_daily_full')
print(f'UUID: {config.uuid}')
"
"""


def text_of(snippet: str, **replaced: str) -> str:
    """The text to run; `/path/to` and `<name>` are the document's own placeholders."""
    text = "\n".join(line.removeprefix(PREFIX) for line in snippet.splitlines())
    for placeholder, value in replaced.items():
        text = text.replace({"name": "<name>", "folder": "/path/to"}[placeholder], value)
    return text
