"""Plan which backups retention removes, forecast the space, and remove them."""
