"""Sample documents and a week of sample jobs for an empty EDMS: `python -m demo.samples`."""
