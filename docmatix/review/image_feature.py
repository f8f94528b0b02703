"""Page images as a feature of `datasets`, whose own decodes any format and opens whatever file or URL a row names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import datasets

from docmatix.dataset.pictures import FORMATS, open_picture


@dataclass
class PageImage(datasets.Image):  # type: ignore[misc]
    """An image in one of `FORMATS`, stored in its row. Decoding any other raises ValueError."""

    def decode_example(self, value: Any, token_per_repo_id: Any = None) -> Any:
        if not isinstance(value, dict):  # decoded already
            return value
        if not value.get("bytes"):
            raise ValueError(
                "A page image is not stored in its row, and the file that the row names instead is not opened."
            )
        from PIL import ExifTags, ImageOps

        try:
            image: Any = open_picture(value["bytes"])
            image.load()
        except Exception as error:  # Pillow raises what its decoders raise
            raise ValueError(f"A page image is damaged, or not one of {', '.join(FORMATS)} ({error}).") from None
        if image.getexif().get(ExifTags.Base.Orientation) is not None:
            image = ImageOps.exif_transpose(image)
        return image.convert(self.mode) if self.mode and self.mode != image.mode else image
