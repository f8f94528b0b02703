"""Evaluation of models on a data set: asking, scoring, and what is shown of it."""
