"""Documents drawn with known facts: what `benchmarks.truth` measures the readers of facts by."""
