"""The processes that run jobs and operations."""

from django.db import models

from ..core.constraints import one_of


class ExecutorKind(models.TextChoices):
    AGENT = "AGENT", "Agent"
    WORKER = "WORKER", "Celery worker"
    CRON = "CRON", "Cron"


class Executor(models.Model):
    """A registered agent, worker or cron job: its process, its start and its last heartbeat."""

    kind = models.CharField(max_length=8, choices=ExecutorKind.choices)
    name = models.CharField(max_length=250, unique=True)
    """The process, as an opaque text that is unique for all time."""
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    beat_at = models.DateTimeField()
    facts = models.JSONField(default=dict, blank=True)
    """Facts for users and checks: a worker's queues and registered tasks, an agent's number of jobs at once."""

    class Meta:
        ordering = ["-beat_at", "name"]
        constraints = [one_of("kind", ExecutorKind.values, "backup_executor_kind")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.host}{f':{self.pid}' if self.pid else ''}"
