-- An extension that the owner of a database may create, with a column of its type.
-- expect: comes back
-- as: app
CREATE EXTENSION hstore;
CREATE EXTENSION pg_trgm;
CREATE TABLE paper (id int PRIMARY KEY, tags hstore, title text);
INSERT INTO paper VALUES (1, 'a=>1', 'one');
CREATE INDEX ON paper USING gin (title gin_trgm_ops);
-- compare:
SELECT id, tags::text FROM paper;
SELECT extname, extowner::regrole::text FROM pg_extension ORDER BY 1;
SELECT indexdef FROM pg_indexes WHERE tablename = 'paper' ORDER BY 1;
