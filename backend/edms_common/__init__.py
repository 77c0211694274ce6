"""Shared by the backup app and the EDMS, and known to neither: problem details, pages of lists, progress of a command.

`problems` and `paging` need Django REST framework; `progress` does not, so that commands work without it.
"""
