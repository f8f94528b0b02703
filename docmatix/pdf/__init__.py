"""PDFs: `reading` takes words and facts out, `tables` finds ruled tables, `rendering` draws pages, `sandbox` runs these
where a hostile file can do no harm.
"""
