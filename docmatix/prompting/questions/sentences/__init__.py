"""Questions that a model words: candidate answers in sentences, and the templates that ask for them."""
