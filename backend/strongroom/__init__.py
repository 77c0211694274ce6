"""Strongroom: a repository engine for backups in the restic format, version 2.

It stands alone: no Django, no database, no service. `strongroom.repository` opens repositories, `strongroom.archiver`
fills them, `strongroom.restorer` and `strongroom.snapshots` give back what they hold, and
`strongroom.checker` finds damage.
"""

__version__ = "0.1.0"
