"""A dataset in the formats that other code reads: one file a format, the verb in `exporting.py`."""
