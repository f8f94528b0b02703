"""What a person looks at: samples, losses, comparisons, trials, estimates, status."""
