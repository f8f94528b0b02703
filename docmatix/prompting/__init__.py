"""From prompt files and windows to requests, and from replies to pairs."""
