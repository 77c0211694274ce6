"""The HTTP API, `/api/v1/backup/`: fetches, calls one service, shapes the answer."""
