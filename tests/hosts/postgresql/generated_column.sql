-- Generated columns whose functions call another one by its unqualified name, read dates as the database does, or
-- read a table that comes later in the dump.
-- expect: comes back
-- as: app
ALTER DATABASE :database SET datestyle TO 'ISO, MDY';
ALTER ROLE app IN DATABASE :database SET datestyle TO 'ISO, DMY';
ALTER DATABASE :database SET default_transaction_isolation TO 'serializable';
SET datestyle TO 'ISO, DMY';
CREATE FUNCTION year(day text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN date_part('year', day::date); END $$;
CREATE TABLE dated (day text CHECK (day::date > '31.12.1900'::date), year text GENERATED ALWAYS AS (year(day)) STORED);
INSERT INTO dated VALUES ('31.12.2020');
CREATE INDEX dated_year ON dated (year(day));
CREATE FUNCTION plain(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(trim(word)) $$;
CREATE FUNCTION slug(word text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN replace(plain(word), ' ', '-'); END $$;
CREATE TABLE paper (id serial PRIMARY KEY, title text, slug text GENERATED ALWAYS AS (slug(title)) STORED);
INSERT INTO paper (title) VALUES (' First Paper'), ('Second; Paper');
CREATE TABLE zz_kind (id int PRIMARY KEY, name text);
INSERT INTO zz_kind VALUES (1, 'letter');
CREATE FUNCTION kind(wanted int) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN (SELECT to_json(name) FROM zz_kind WHERE id = wanted); END $$;
CREATE TABLE aa_paper (kind int, "It's 100%" json GENERATED ALWAYS AS (kind(kind)) STORED);
INSERT INTO aa_paper VALUES (1), (2);
-- compare:
SELECT kind, "It's 100%" FROM aa_paper ORDER BY 1;
SELECT id, title, slug FROM paper ORDER BY id;
SELECT day, year FROM dated;
SELECT r.rolname, s.setconfig FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database() ORDER BY 1;
