"""The backup system: configurations, jobs, restores, and the commands that drive them."""
