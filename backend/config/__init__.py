"""The EDMS project: settings from the environment, addresses, entry points of web servers."""
