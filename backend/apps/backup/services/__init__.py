"""Writes to the catalogue, named <entity>_<action>; each state change is one conditional UPDATE."""
