"""Image files by their first bytes."""

from __future__ import annotations


def find_image_format(content: bytes) -> str | None:
    """`jpeg`, `png` or `webp`, the formats in which pages are kept; None for anything else."""
    if content.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    return "webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def is_picture(name: str, content: bytes) -> bool:
    """Whether a file is the PNG, JPEG or WebP that its name says."""
    suffix = name.rpartition(".")[2].lower()
    return {"jpg": "jpeg"}.get(suffix, suffix) == find_image_format(content)
