"""The processes that run what is due: the agent, cron, and Celery workers."""
