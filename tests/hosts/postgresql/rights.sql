-- Grants to roles that the application is no member of, also passed on by others and on large objects; default
-- privileges, and what the server keeps of the database.
-- expect: comes back
-- as: superuser
CREATE ROLE :reader;
CREATE ROLE ":reader two";
-- as: app
CREATE TABLE paper (id serial PRIMARY KEY, title text, secret text);
INSERT INTO paper (title) VALUES ('one');
GRANT SELECT ON paper TO :reader;
GRANT UPDATE (title) ON paper TO ":reader two" WITH GRANT OPTION;
CREATE FUNCTION all_secrets() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER AS $$ SELECT secret FROM public.paper $$;
REVOKE ALL ON FUNCTION all_secrets() FROM PUBLIC;
REVOKE DELETE ON paper FROM app;
CREATE TABLE passed_on (id int PRIMARY KEY);
GRANT SELECT ON passed_on TO :reader WITH GRANT OPTION;
SELECT lo_from_bytea(4242, 'one'), lo_from_bytea(4243, 'two'), lo_from_bytea(4244, 'three');
GRANT SELECT ON LARGE OBJECT 4242, 4243 TO :reader;
COMMENT ON LARGE OBJECT 4242 IS 'ours';
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO :reader;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM PUBLIC;
REVOKE CONNECT, TEMPORARY ON DATABASE :database FROM PUBLIC;
GRANT CONNECT ON DATABASE :database TO :reader;
COMMENT ON DATABASE :database IS 'It''s ours';
ALTER DATABASE :database CONNECTION LIMIT 40;
ALTER ROLE app IN DATABASE :database SET work_mem TO '7MB';
-- as: superuser
SET ROLE :reader;
GRANT SELECT ON passed_on TO ":reader two";
RESET ROLE;
ALTER ROLE app IN DATABASE :database SET search_path TO "$user", public, "Other";
-- compare:
SELECT relname, relacl::text FROM pg_class WHERE relname LIKE 'paper%' ORDER BY 1;
SELECT attname, attacl::text FROM pg_attribute WHERE attacl IS NOT NULL AND attrelid = 'paper'::regclass;
SELECT proacl::text, prosecdef, proowner::regrole::text FROM pg_proc WHERE proname = 'all_secrets';
SELECT defaclrole::regrole::text, defaclnamespace::regnamespace::text, defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2, 3;
SELECT d.datacl::text, d.datconnlimit, d.datdba::regrole::text, shobj_description(d.oid, 'pg_database') FROM pg_database d WHERE datname = current_database();
SELECT r.rolname, s.setconfig FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database();
SELECT grantee::regrole::text, privilege_type, is_grantable FROM pg_class, aclexplode(relacl) WHERE relname = 'passed_on' ORDER BY 1, 2;
SELECT oid, lomowner::regrole::text, lomacl::text, obj_description(oid, 'pg_largeobject') FROM pg_largeobject_metadata ORDER BY 1;
SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata ORDER BY oid;
