"""The applications of this project."""
