"""The doctor: findings, each with what to do, and the protection status. It changes nothing.

This module imports nothing: the system checks, which every command loads, import the rest only when they run.
"""
