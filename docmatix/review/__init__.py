"""Ways to look at a run or dataset: samples, dropped items, comparisons, filter trials, estimates, status."""
