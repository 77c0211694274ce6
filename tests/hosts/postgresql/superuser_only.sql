-- What only a superuser may create: an extension, a publication of everything, an event trigger. And a materialized view
-- over SQL in a text that names a table which no search path of the application finds.
-- expect: FAILED extension pgstattuple, publication everything, event trigger audit, materialized view data public.counted
-- as: app
CREATE FUNCTION audit() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE TABLE paper (id int PRIMARY KEY);
CREATE PUBLICATION papers FOR TABLE paper;
CREATE SCHEMA elsewhere;
SET search_path TO public, elsewhere;
CREATE TABLE elsewhere.note (words tsvector);
INSERT INTO elsewhere.note VALUES (to_tsvector('simple', 'one two'));
CREATE MATERIALIZED VIEW counted AS SELECT word FROM ts_stat('SELECT words FROM note');
-- as: superuser
CREATE EXTENSION pgstattuple;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION audit();
-- leave out: extension:pgstattuple publication:everything event-trigger:audit materialized-view-data:public.counted
-- compare:
SELECT pubname FROM pg_publication WHERE NOT puballtables;
SELECT matviewname, definition FROM pg_matviews;
SELECT words::text FROM elsewhere.note;
