"""Restores beside the live system: into a folder, or into a new database."""
