"""Access that a restore brings back: accounts, sessions and tokens."""
