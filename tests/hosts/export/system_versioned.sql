-- A table with a history of its rows, which a package cannot carry: said, and the backup is INCOMPLETE.
-- expect: incomplete
-- on: mysql
-- says: history of the system-versioned table paper
CREATE TABLE paper (id int PRIMARY KEY, title varchar(20)) WITH SYSTEM VERSIONING;
INSERT INTO paper VALUES (1, 'a paper');
UPDATE paper SET title = 'another';
-- compare:
