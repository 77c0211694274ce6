-- A materialized view over SQL in a text, made with another search path than the application has.
-- expect: FAILED materialized view data public.counted
-- refused from: 17
-- as: app
CREATE SCHEMA elsewhere;
SET search_path TO public, elsewhere;
CREATE TABLE elsewhere.note (words tsvector);
INSERT INTO elsewhere.note VALUES (to_tsvector('simple', 'one two'));
CREATE MATERIALIZED VIEW counted AS SELECT word FROM ts_stat('SELECT words FROM note');
-- leave out: materialized-view-data:public.counted
-- compare:
SELECT matviewname, definition FROM pg_matviews;
SELECT words::text FROM elsewhere.note;
