"""What a backup reads of each kind of database. One package for each engine."""
