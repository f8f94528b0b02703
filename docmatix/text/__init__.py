"""Properties of text: its language, its English, its MinHash signature."""
