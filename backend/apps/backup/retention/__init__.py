"""Which backups retention removes, and the removal."""
