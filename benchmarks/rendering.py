"""What a page image costs: milliseconds and bytes a pixel, for each image format, on the same pages in one run.

Run: python -m benchmarks.rendering [FOLDER]     (the PDFs of samples/ without a folder)

`docmatix.stages.support.output_files.BYTES_PER_PIXEL` foresees file sizes with the last column.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from docmatix.core.documents import Refusal
from docmatix.pdf.rendering import PageImage, render_pages
from docmatix.pdf.settings import Rendering

_MOST_PAGES = 5
"""Of one document, so that a long one does not stand for all."""


def render_folder(folder: Path, settings: Rendering) -> list[PageImage]:
    images: list[PageImage] = []
    for path in sorted(folder.glob("*.pdf")):
        for number in range(1, _MOST_PAGES + 1):
            rendered = render_pages(path.read_bytes(), [number], settings=settings)
            if isinstance(rendered, Refusal):
                break
            images += rendered
    return images


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "samples"
    print("| format | pages | ms a page | KB a page | bytes a pixel |\n| --- | ---: | ---: | ---: | ---: |")
    for image_format in ("jpeg", "png", "webp"):
        started = time.process_time()
        images = render_folder(folder, Rendering.model_validate({"image_format": image_format}))
        milliseconds = (time.process_time() - started) * 1000 / len(images)
        size = sum(len(image.data) for image in images)
        pixels = sum(image.width_px * image.height_px for image in images)
        kilobytes = size / len(images) / 1000
        print(f"| {image_format} | {len(images)} | {milliseconds:.0f} | {kilobytes:.0f} | {size / pixels:.3f} |")


if __name__ == "__main__":
    main()
