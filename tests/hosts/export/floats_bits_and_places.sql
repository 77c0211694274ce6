-- Floats of seven digits, bits and places on a map.
-- on: mysql
-- expect: comes back
-- says: no model knows the table value_of_mysql
CREATE TABLE value_of_mysql (id int PRIMARY KEY, small float, bits bit(64), place point, area geometry);
INSERT INTO value_of_mysql VALUES (1, 1.2345678, 18446744073709551615, ST_GeomFromText('POINT(1 2)', 4326), ST_GeomFromText('LINESTRING(0 0, 1 1)'));
INSERT INTO value_of_mysql VALUES (2, 16777217, b'101', NULL, NULL);
-- compare:
SELECT id, small + 0e0, bits + 0, HEX(place), HEX(area) FROM value_of_mysql ORDER BY id;
