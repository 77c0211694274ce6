"""The README.txt of every package, for a reader who has only the file."""

from typing import Final

TEXT: Final = b"""\
THIS IS A BACKUP
================

This file is from a package: one .tar.gz, or .tar.gz.gpg if it is encrypted. A package holds a whole document management
system as it was at one point in time. It can be read with tools that every system has.

Contents
--------
Parts that were not backed up are missing.

  README.txt      this text
  data/           the rows of the databases as text, one file per table
  databases/      each database in the format of its server: a dump in the custom format of PostgreSQL
                  (database.dump), or the file of an SQLite database (database.sqlite3)
  files/          the files, one folder per root, such as files/media
  project/        settings of the installation, such as its .env file; in encrypted packages only
  manifest.json   the content of the backup, its time, the versions; the tables with their columns and numbers of rows
  SHA256SUMS      the SHA-256 hash of every file above

The package has this order. It has no links and no special files.

Open and check it
-----------------
  mkdir out
  gpg -d backup.tar.gz.gpg | tar -xz -C out      encrypted: gpg asks for the passphrase of the backups
  tar -xzf backup.tar.gz -C out                  not encrypted
  cd out && sha256sum -c --quiet SHA256SUMS      prints nothing if every file is intact

If gpg reports that the decryption failed, do not trust any file of the package.

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

Restore it with the program that wrote it
-----------------------------------------
  strongroom package verify FILE                    reads and checks everything, on any machine
  strongroom package list FILE                      lists its content
  strongroom package unpack FILE --target FOLDER    checks everything, then unpacks it
  python manage.py restore_backup --package FILE --dry-run    shows what a restore into the installed system would do
  python manage.py restore_backup --package FILE              restores databases and files together
"""
