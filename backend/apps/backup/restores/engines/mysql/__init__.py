"""Restores of MariaDB and MySQL."""
