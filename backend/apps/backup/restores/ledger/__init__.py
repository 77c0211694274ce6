"""The ledger of the backup system during a restore."""
