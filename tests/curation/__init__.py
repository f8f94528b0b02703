"""Tests of `docmatix.curation.verdicts`."""
