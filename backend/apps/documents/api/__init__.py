"""Documents over HTTP: to list, search, take in, hand out and delete, with Django's own permissions."""
