-- Tables without a key, with rows that are equal; and one whose key is all of its columns.
-- expect: comes back
-- on: sqlite, postgresql, mysql
CREATE TABLE word (word varchar(20));
INSERT INTO word VALUES ('same'), ('same'), (NULL);
CREATE TABLE pair (a int, b varchar(20));
INSERT INTO pair VALUES (1, 'x'), (1, 'x'), (2, NULL);
CREATE TABLE keyed (a int NOT NULL, b varchar(20) NOT NULL, PRIMARY KEY (a, b));
INSERT INTO keyed VALUES (1, 'x'), (1, 'y');
-- compare:
SELECT word FROM word ORDER BY word IS NULL, word;
SELECT a, b FROM pair ORDER BY a;
SELECT a, b FROM keyed ORDER BY a, b;
