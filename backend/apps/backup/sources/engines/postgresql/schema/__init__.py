"""The schema of a PostgreSQL dump, made object by object in a new database: for restores and for rehearsals."""
