"""The on-disk records of a repository: bytes to records and back, without any I/O."""
