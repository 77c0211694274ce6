"""The text that stands first in every package, for whoever has nothing but the file."""

from typing import Final

TEXT: Final = b"""\
THIS IS A BACKUP
================

This file comes out of a package: one .tar.gz, or .tar.gz.gpg if it is encrypted, that holds a whole document
management system as it was at one moment. Everything in it can be read with tools that every system has.

What is in it
-------------
Parts that were not backed up are missing.

  README.txt      this text
  data/           the rows of the databases as text, one file per table
  databases/      each database as its own server writes and reads it: a dump in the custom format of PostgreSQL
                  (database.dump), or the file of an SQLite database (database.sqlite3)
  files/          the files, one folder per root, such as files/media
  project/        settings of the installation, such as its .env file; in encrypted packages only
  manifest.json   what was backed up, when, by which versions; the tables with their columns and numbers of rows
  SHA256SUMS      the SHA-256 hash of every file above

Members stand in this order. There are no links and no special files.

To open it and to check it
--------------------------
  mkdir out
  gpg -d backup.tar.gz.gpg | tar -xz -C out      encrypted: gpg asks for the passphrase of the backups
  tar -xzf backup.tar.gz -C out                  not encrypted
  cd out && sha256sum -c --quiet SHA256SUMS      says nothing if every file is whole

If gpg says that decryption failed, nothing that came out is to be trusted.

The databases
-------------
  pg_restore -l databases/default/database.dump                 lists what a dump holds
  pg_restore -d NEW databases/default/database.dump             restores it into the new, empty database NEW
  sqlite3 databases/default/database.sqlite3 .tables            an SQLite file is opened as it is

The rows in data/
-----------------
Each file holds one table, as text in UTF-8: one row per line, each line one JSON array with the values of the row, in
the order of the columns that manifest.json lists for the table. Each type of column has one form only, which
manifest.json names beside the column; a missing value is null. A file has as many lines as the table has rows.

To restore it with the software that wrote it
---------------------------------------------
  strongroom package verify FILE                    reads everything and checks it, on any machine
  strongroom package list FILE                      what it holds
  strongroom package unpack FILE --target FOLDER    checks everything, then unpacks it
  python manage.py restore_backup --package FILE --dry-run    what a restore into the installed system would do
  python manage.py restore_backup --package FILE              does it: databases and files together
"""
