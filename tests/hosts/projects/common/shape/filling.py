"""The rows of a project besides the shared documents; a project with another shape replaces this file."""


def fill() -> None:
    """Nothing."""
