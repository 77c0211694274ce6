-- A full-text index with texts that may be nowhere else: not carried, and said.
-- expect: incomplete
-- on: sqlite
-- says: the virtual table notes, .*BACKUP_DERIVED_TABLES
CREATE VIRTUAL TABLE notes USING fts5(body);
INSERT INTO notes VALUES ('only here');
-- compare:
