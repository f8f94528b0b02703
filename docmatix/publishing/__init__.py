"""Publishing: a finished run, or one that still builds, onto the Hub."""
