"""Restores beside the live system: into a folder, or into a database of their own."""
