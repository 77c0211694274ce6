-- An enumeration and a domain in a table without a model: they come back as texts and numbers.
-- expect: comes back
-- on: postgresql
-- says: no model knows the table moods
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TABLE moods (id small PRIMARY KEY, mood mood NOT NULL, moods mood[], span int4range);
INSERT INTO moods VALUES (1, 'glad', '{glad,sad}', '[1,5)'), (2, 'sad', NULL, NULL);
-- compare:
SELECT id, mood::text, moods::text, span::text FROM moods ORDER BY id;
