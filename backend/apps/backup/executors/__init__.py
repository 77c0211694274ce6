"""The processes that run due jobs: the agent, cron, and Celery workers."""
