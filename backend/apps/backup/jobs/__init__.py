"""One backup job: its plan, the capture of data, and the run from claim to end."""
