"""Questions about what a page says: from its facts, worded by code, and from its sentences, worded by a model."""
