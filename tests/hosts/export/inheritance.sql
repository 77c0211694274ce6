-- A table that another one inherits from: each row once.
-- expect: comes back
-- on: postgresql
-- says: the table letter inherits from heading
CREATE TABLE heading (id int PRIMARY KEY, title text);
CREATE TABLE letter (sender text) INHERITS (heading);
INSERT INTO heading VALUES (1, 'a paper');
INSERT INTO letter VALUES (2, 'a letter', 'alice');
CREATE TABLE parted (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE parted_2026 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
INSERT INTO parted VALUES (1, '2026-05-06');
-- compare:
SELECT id, title FROM ONLY heading;
SELECT id, title, sender FROM letter;
SELECT id, day FROM parted;
