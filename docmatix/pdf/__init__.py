"""PDFs: words and facts, ruled tables, page images, and a sandbox in which a hostile file can do no harm."""
