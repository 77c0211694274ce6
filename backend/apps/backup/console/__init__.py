"""The page of the console: Django serves the build of `frontend/`. No Node at run time."""
