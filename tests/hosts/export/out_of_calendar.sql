-- Dates with zeros and times that no calendar has, as old applications wrote them.
-- expect: comes back
-- on: mysql
-- says: the column odd.day holds '0000-00-00' \(where id 1\)
SET SESSION sql_mode = '';
CREATE TABLE odd (id int PRIMARY KEY, day date, moment datetime(6), length time(6));
INSERT INTO odd VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '-01:30:00'), (2, '2026-05-06', '2026-05-06 07:08:09.5', '838:59:59'), (3, '2026-00-00', NULL, '01:02:03');
-- compare:
SELECT id, CAST(day AS CHAR), CAST(moment AS CHAR), CAST(length AS CHAR) FROM odd ORDER BY id;
