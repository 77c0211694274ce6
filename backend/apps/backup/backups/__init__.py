"""A stored backup: find it, open it, look into it, download it, verify it."""
