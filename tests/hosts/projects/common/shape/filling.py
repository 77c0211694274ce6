"""What a project has besides the documents of all; a project with a shape of its own has another file here."""


def fill() -> None:
    """Nothing."""
