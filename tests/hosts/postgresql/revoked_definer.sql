-- A function with the rights of another role: without that role it would have ours, so it is not made.
-- expect: FAILED OWNER TO
-- as: superuser
CREATE ROLE :reader;
-- as: app
CREATE FUNCTION who() RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT current_user::text $$;
-- as: superuser
ALTER FUNCTION who() OWNER TO :reader;
-- leave out: function:public.who()
-- compare:
SELECT 1;
