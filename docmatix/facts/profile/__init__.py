"""What a page is like, told from its facts and its geometry alone, in any language: one file for each sort of score."""

from docmatix.facts.profile.profiling import profile_page

__all__ = ["profile_page"]
