"""Writes to the ledger, named <entity>_<action>; each state change is one conditional UPDATE."""
