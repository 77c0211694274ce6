"""Strongroom: a repository engine for backups in the restic format, version 2.

It works alone: no Django, no database, no service. `strongroom.repository` opens repositories, `strongroom.archiver`
writes snapshots, `strongroom.restorer` and `strongroom.snapshots` read them, and `strongroom.checker` finds damage.
"""

__version__ = "0.1.0"
