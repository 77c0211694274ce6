"""The sources of a backup: databases and files, read at one consistency point, and their verification."""
