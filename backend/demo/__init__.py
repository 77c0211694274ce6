"""The story that `make demo` tells, and the private PostgreSQL server it uses."""
