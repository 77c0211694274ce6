"""Capture of MariaDB and MySQL: rows."""
