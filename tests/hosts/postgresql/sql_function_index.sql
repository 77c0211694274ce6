-- An index over a function in SQL, which the planner opens, with the function in a schema of the search path.
-- expect: comes back
-- refused from: 17
-- as: app
CREATE SCHEMA tools;
ALTER DATABASE :database SET search_path TO public, tools;
SET search_path TO public, tools;
CREATE FUNCTION tools.fold(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(word) $$;
CREATE FUNCTION tools.folded(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT fold(word) || '!' $$;
CREATE TABLE word (id int PRIMARY KEY, text text);
INSERT INTO word VALUES (1, 'Ab'), (2, 'cD');
CREATE UNIQUE INDEX word_folded ON word (folded(text));
COMMENT ON INDEX word_folded IS 'unique';
-- compare:
SELECT * FROM word ORDER BY id;
SELECT indexdef, obj_description('public.word_folded'::regclass) FROM pg_indexes WHERE indexname = 'word_folded';
