"""HTTP API of the documents: list, search, upload, download and delete, with Django's permissions."""
