"""PDFs: words and what is drawn, page images, and a sandbox in which a hostile file can do no harm."""
