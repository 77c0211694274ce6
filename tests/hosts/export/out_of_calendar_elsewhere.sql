-- Dates with zeros and times that no calendar has, as old applications wrote them.
-- expect: refused
-- on: mysql
-- to: postgresql
-- says: odd.day: is .0000-00-00., which postgresql has not
SET SESSION sql_mode = '';
CREATE TABLE odd (id int PRIMARY KEY, day date, moment datetime(6), length time(6));
INSERT INTO odd VALUES (1, '0000-00-00', '0000-00-00 00:00:00', '-01:30:00'), (2, '2026-05-06', '2026-05-06 07:08:09.5', '838:59:59'), (3, '2026-00-00', NULL, '01:02:03');
-- compare:

