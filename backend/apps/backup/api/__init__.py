"""The HTTP API at `/api/v1/backup/`: each view reads the request, calls one service and returns the answer."""
