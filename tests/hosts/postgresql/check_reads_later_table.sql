-- A check, and a domain's, through functions that read a table which comes later in the dump; a reference that a row
-- breaks.
-- expect: comes back
-- as: app
CREATE TABLE zz_kind (name text PRIMARY KEY);
INSERT INTO zz_kind VALUES ('letter'), ('invoice');
CREATE FUNCTION known(kind text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT EXISTS (SELECT 1 FROM zz_kind WHERE name = kind) $$;
CREATE TABLE aa_paper (id int PRIMARY KEY, kind text, CONSTRAINT kind_is_known CHECK (known(kind)));
COMMENT ON CONSTRAINT kind_is_known ON aa_paper IS 'see zz_kind';
CREATE DOMAIN known_kind AS text CONSTRAINT known_value CHECK (known(VALUE));
CREATE TABLE aa_other (id int PRIMARY KEY, kind known_kind);
CREATE TABLE aa_child () INHERITS (aa_paper);
INSERT INTO aa_paper VALUES (1, 'letter');
INSERT INTO aa_child VALUES (2, 'invoice');
INSERT INTO aa_other VALUES (1, 'invoice');
CREATE TABLE folder (id int PRIMARY KEY);
CREATE TABLE paper (id int PRIMARY KEY, folder int CONSTRAINT lies_in REFERENCES folder ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
COMMENT ON CONSTRAINT lies_in ON paper IS 'broken';
INSERT INTO folder VALUES (1);
INSERT INTO paper VALUES (1, 1);
-- as: superuser
SET session_replication_role TO replica;
DELETE FROM folder;
-- compare:
SELECT * FROM paper;
SELECT conname, confdeltype, condeferred, obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname = 'lies_in';
SELECT tableoid::regclass::text, * FROM aa_paper ORDER BY id;
SELECT * FROM aa_other;
SELECT conname, conrelid::regclass::text, conislocal, coninhcount, convalidated, pg_get_constraintdef(oid), obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conname LIKE 'k%' ORDER BY 1, 2;
