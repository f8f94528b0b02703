"""Documents, and the commands that make them."""
