"""What a restore does in each kind of database, and in folders. One package for each engine."""
