-- Networks, moments without end, arrays that do not begin at one, and rows that are equal to the database alone.
-- on: postgresql
-- expect: comes back
-- says: the table nothing_in_it has no column of its own
CREATE TABLE value_of_postgresql (id int PRIMARY KEY, net inet, moment timestamp, list int[]);
INSERT INTO value_of_postgresql VALUES (1, '10.0.0.0/8', 'infinity', '[0:1]={1,2}'), (2, '::1', '0044-03-15 BC', '{}'), (3, '10.0.0.1', '12026-01-02', '{{1},{2}}');
CREATE TABLE equal_to_postgresql (number numeric, span interval);
INSERT INTO equal_to_postgresql VALUES (1.0, '1 day'), (1.00, '24:00:00'), (1.0, '24:00:00'), (NULL, NULL);
CREATE TABLE nothing_in_it ();
INSERT INTO nothing_in_it DEFAULT VALUES;
-- compare:
SELECT id, net::text, moment::text, list::text FROM value_of_postgresql ORDER BY id;
SELECT number::text, span::text FROM equal_to_postgresql ORDER BY 1, 2;
