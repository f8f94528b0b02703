"""The fields of a page: labels with their values, labels without one, and options that are ticked or not."""

from docmatix.facts.fields.finding import find_fields

__all__ = ["find_fields"]
