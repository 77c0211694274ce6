-- A migration that the code lacks, and a column that it has made.
-- expect: refused
-- on: sqlite, postgresql
-- says: newer state of the application: the code here does not have zoo\.0999_newer; .*These tables are other than here: zoo_place
ALTER TABLE zoo_place ADD COLUMN since integer;
INSERT INTO django_migrations (app, name, applied) VALUES ('zoo', '0999_newer', '2020-01-02 03:04:05');
-- compare:
