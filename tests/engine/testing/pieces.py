"""A stream that comes in pieces."""


class Pieces:
    """A Reader that returns pieces of given sizes."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self.data = data
        self.sizes = iter(sizes)

    def read(self, size: int) -> bytes:
        part = self.data[: min(size, next(self.sizes, size))]
        self.data = self.data[len(part) :]
        return part

    def close(self) -> None:
        self.data = b""
