"""Restores of PostgreSQL."""
