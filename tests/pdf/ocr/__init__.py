"""Tests of reading pages that are pictures."""
