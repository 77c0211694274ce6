"""Restores of folders."""
