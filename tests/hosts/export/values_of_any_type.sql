-- Values that are of another type than their column, as SQLite takes them.
-- on: sqlite
-- expect: comes back
-- says: no model knows the table value_of_sqlite
CREATE TABLE value_of_sqlite (name text PRIMARY KEY, anything, day date, at datetime, yes bool);
INSERT INTO value_of_sqlite VALUES (NULL, 9e999, '2026-01-02 10:00:00', '2026-01-02T03:04+02:00', 2);
INSERT INTO value_of_sqlite VALUES (NULL, 'Infinity', '2026-01-02', '2026-01-02 03:04:05.678', 'yes');
CREATE TABLE exact_in_sqlite (value ANY) STRICT;
INSERT INTO exact_in_sqlite VALUES ('1'), (1), (x'31');
CREATE TABLE equal_in_sqlite (one, other);
INSERT INTO equal_in_sqlite VALUES (1, 'b'), (1.0, 'a'), (1, 'a');
-- compare:
SELECT name, typeof(anything), anything, day, at, yes FROM value_of_sqlite ORDER BY day;
SELECT typeof(value), value FROM exact_in_sqlite ORDER BY 1, 2;
SELECT typeof(one), one, other FROM equal_in_sqlite ORDER BY 1, 3;
