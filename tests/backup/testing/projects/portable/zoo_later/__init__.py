"""The migrations of the next version of the zoo."""
