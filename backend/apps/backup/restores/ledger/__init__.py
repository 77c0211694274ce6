"""The catalogue of the backup system during a restore."""
