-- What only a superuser may create: an extension, a publication of everything, an event trigger.
-- expect: FAILED extension pgstattuple, publication everything, event trigger audit
-- as: app
CREATE FUNCTION audit() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
CREATE TABLE paper (id int PRIMARY KEY);
CREATE PUBLICATION papers FOR TABLE paper;
-- as: superuser
CREATE EXTENSION pgstattuple;
CREATE PUBLICATION everything FOR ALL TABLES;
CREATE EVENT TRIGGER audit ON ddl_command_end EXECUTE FUNCTION audit();
-- leave out: extension:pgstattuple publication:everything event-trigger:audit
-- compare:
SELECT pubname FROM pg_publication WHERE NOT puballtables;
