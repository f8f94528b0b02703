"""Plain values and rules that everything else builds on: documents, pairs, ledgers, draws, redaction."""
