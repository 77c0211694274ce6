-- A row that refers to a row that is not there, as a program without checks leaves it.
-- expect: comes back
-- on: sqlite
-- says: rows refer to rows that are not there: zoo_hen \(rowid 1\) to zoo_egg
PRAGMA foreign_keys = OFF;
INSERT INTO zoo_hen (egg_id) VALUES (4711);
-- compare:
SELECT id, egg_id FROM zoo_hen;
