"""Databases in portable form: rows as JSON lines, which each supported database can be restored from.

`forms` has the JSON form of each kind of value. `history` computes the models that the applied migrations make;
`tables` describes tables and columns with their kinds. `engines` read and write these forms, each for one kind of
database, and `rows` are the lines between them. `limits` checks for values that a kind of database cannot store.
"""

from .errors import NotPortable, TableUnreadable

__all__ = ["NotPortable", "TableUnreadable"]
