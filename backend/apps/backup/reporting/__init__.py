"""Statistics, the storage inventory and the event stream of the console."""
