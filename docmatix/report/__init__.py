"""The report of a run: one HTML file that explains a build to a person, with a gallery of its pages and pairs."""
