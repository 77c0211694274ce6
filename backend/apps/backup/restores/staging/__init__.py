"""Put databases and files beside the live ones, before the swap."""
