-- The same, and it is to go to a database that checks: the plan says no, as the restore would.
-- expect: refused
-- on: sqlite
-- to: postgresql
-- says: the rows were tried, and do not fit: .*zoo_hen.*4711
PRAGMA foreign_keys = OFF;
INSERT INTO zoo_hen (egg_id) VALUES (4711);
-- compare:
