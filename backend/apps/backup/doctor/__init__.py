"""The doctor: read-only checks. Each finding says what to do; together they give the protection status.

This module imports nothing. Every command loads the system checks, which import the rest only when they run.
"""
