"""Capture engines: one package for each kind of database."""
