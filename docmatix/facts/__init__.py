"""What a page says, by its geometry."""
