"""The on-disk records of a repository, encoded to bytes and decoded from them. No I/O."""
