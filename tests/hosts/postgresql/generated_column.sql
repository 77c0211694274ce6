-- A generated column whose function calls another one by its unqualified name.
-- expect: comes back
-- as: app
CREATE FUNCTION plain(word text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT lower(trim(word)) $$;
CREATE FUNCTION slug(word text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN replace(plain(word), ' ', '-'); END $$;
CREATE TABLE paper (id serial PRIMARY KEY, title text, slug text GENERATED ALWAYS AS (slug(title)) STORED);
INSERT INTO paper (title) VALUES (' First Paper'), ('Second; Paper');
-- compare:
SELECT id, title, slug FROM paper ORDER BY id;
