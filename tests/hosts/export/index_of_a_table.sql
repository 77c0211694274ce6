-- A full-text index that keeps no texts of its own, as a CMS has it, beside a table that is called like it.
-- expect: comes back
-- on: sqlite
-- says: the virtual table pages is derived from other tables
CREATE TABLE page (id integer PRIMARY KEY, body text);
INSERT INTO page VALUES (1, 'a letter'), (2, 'an invoice');
CREATE VIRTUAL TABLE pages USING fts5(body, content='page', content_rowid='id');
INSERT INTO pages(pages) VALUES ('rebuild');
CREATE TABLE pages_seen (id integer PRIMARY KEY);
INSERT INTO pages_seen VALUES (7);
-- compare:
SELECT id, body FROM page ORDER BY id;
SELECT id FROM pages_seen;
