"""The page of the console: Django serves the build of `frontend/`. It needs no Node at run time."""
