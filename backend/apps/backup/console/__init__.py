"""The page of the console: what `frontend/` was built to, handed out by Django. No Node at run time."""
