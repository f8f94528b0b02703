"""The published dataset: its rows, statistics, card and plots."""
