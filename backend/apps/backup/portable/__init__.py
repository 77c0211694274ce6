"""Databases in a form that any supported database can take in: which tables, which columns, which form each value has.

`forms` are the JSON forms, one per kind of value. `history` tells which models the applied migrations make, `tables`
which tables and columns there are and of which kind. `engines` read and write those forms, each for one kind of
database, and `rows` are the lines between the two.
"""

from .errors import NotPortable, TableUnreadable

__all__ = ["NotPortable", "TableUnreadable"]
