"""Tests of `docmatix.prompting.questions.sentences`."""
