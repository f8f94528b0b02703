"""Answer-first questions: candidate answers and the templates that ask for them."""
