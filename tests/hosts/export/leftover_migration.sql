-- A migration of an app that is still there, whose file was deleted after it had been squashed.
-- expect: comes back
-- on: sqlite, postgresql, mysql
-- says: zoo\.0000_deleted, which the code does not have
INSERT INTO django_migrations (app, name, applied) VALUES ('zoo', '0000_deleted', '2020-01-02 03:04:05');
-- compare:
SELECT app, name FROM django_migrations WHERE app = 'zoo' ORDER BY name;
