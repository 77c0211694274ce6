"""Plans of restores: what would happen, and whether it can. A plan changes nothing."""
