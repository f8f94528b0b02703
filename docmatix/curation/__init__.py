"""Which pairs are kept: grounding, filters, verdicts."""
