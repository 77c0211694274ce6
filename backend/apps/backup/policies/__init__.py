"""Schedules, the production policies, and the requests of jobs and restores. No reads of the database."""
