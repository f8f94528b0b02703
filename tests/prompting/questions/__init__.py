"""Tests of `docmatix.prompting.questions`."""
