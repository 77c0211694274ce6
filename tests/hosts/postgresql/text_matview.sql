-- A materialized view over SQL in a text, which names a table without its schema.
-- expect: comes back
-- refused from: 17
-- as: app
CREATE TABLE note (id int PRIMARY KEY, words tsvector);
INSERT INTO note VALUES (1, to_tsvector('simple', 'one two two')), (2, to_tsvector('simple', 'two'));
CREATE MATERIALIZED VIEW word_count AS SELECT word, ndoc FROM ts_stat('SELECT words FROM note');
CREATE MATERIALIZED VIEW needs_rows AS SELECT 10 / count(*) AS share FROM note;
CREATE INDEX ON word_count (word);
-- compare:
SELECT * FROM word_count ORDER BY 1;
SELECT * FROM needs_rows;
