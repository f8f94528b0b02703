"""Pages rendered the way of the published scripts: pdf2image (poppler), at 150 dpi, as PNG; needs no docmatix.

Run by `benchmarks.against`: PYTHON benchmarks/pdf2image_pages.py PAGES.json DPI
PAGES.json has page numbers by path.
"""

from __future__ import annotations

import io
import json
import sys
import time
from pathlib import Path


def main() -> None:
    from pdf2image import convert_from_path  # type: ignore[import-not-found]

    pages, dpi = json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])
    started, count, size = time.monotonic(), 0, 0
    for path, numbers in sorted(pages.items()):
        for image in convert_from_path(path, dpi=dpi, first_page=min(numbers), last_page=max(numbers)):
            buffer = io.BytesIO()
            image.save(buffer, "PNG")
            count, size = count + 1, size + buffer.tell()
    print(json.dumps({"seconds": time.monotonic() - started, "pages": count, "bytes": size}))


if __name__ == "__main__":
    main()
