"""Model servers and the client that asks them."""
