"""`rapidocr`: the models PP-OCRv6 through the package of that name, which has them in its wheel."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import Field

from docmatix.core.errors import SetupError
from docmatix.pdf.ocr.engine import OcrEngine, ReadWord
from docmatix.pdf.ocr.tessdata import digest_file

if TYPE_CHECKING:
    from PIL.Image import Image

# one model for all, by the names of Tesseract's models and by rapidocr's own
LANGUAGES = dict(
    pair.split(":")
    for pair in """
    afr:af aze:az bos:bs cat:ca ces:cs chi_sim:ch chi_tra:chinese_cht cym:cy dan:da deu:de eng:en est:et eus:eu fil:tl
    fin:fi fra:fr gle:ga glg:gl hrv:hr hun:hu ind:id isl:is ita:it jpn:japan kmr:ku lat:la lav:lv lit:lt ltz:lb mlt:mt
    mri:mi msa:ms nld:nl nor:no oci:oc pol:pl por:pt que:qu ron:ro slk:sk slv:sl spa:es sqi:sq srp_latn:rs_latin swa:sw
    swe:sv tur:tr uzb:uz vie:vi
    """.split()
)
_MODELS = ("PP-OCRv6_det_small.onnx", "PP-OCRv6_rec_small.onnx")
# The longer side of the picture in which lines are looked for; each is read as large as it came. 1,600 found no more in
# a quarter more time.
_LOOK_PX = 1280
_UPRIGHT = 3.0  # a line as many times as high as wide is written down the page; a lone 1 is twice as high
_OUT_OF_MEMORY = re.compile("bad_alloc|allocate memory|Insufficient memory", re.IGNORECASE)


class RapidOcr(OcrEngine):
    """PP-OCRv6 within the package `rapidocr`: one model for some fifty languages in Latin letters, Chinese and
    Japanese. More of the words than Tesseract, in two to three times the time; `pip install rapidocr onnxruntime`."""

    kind: Literal["rapidocr"] = "rapidocr"
    languages: tuple[str, ...] = Field(("eng",), min_length=1)
    """What the pages are written in, by the names of Tesseract's models (`eng`, `deu`, `chi_sim`) or rapidocr's own
    (`en`, `de`, `ch`). It is only checked: all have the same model."""
    timeout_s: int = Field(120, ge=1)
    """CPU seconds for one page; ten times as many of wall time. Reading takes 3 to 12 s, up to four times where it is
    not clear which way up a page is."""

    def check(self) -> None:
        try:
            metadata.version("rapidocr"), metadata.version("onnxruntime")
        except metadata.PackageNotFoundError:
            raise SetupError(
                "The OCR engine `rapidocr` is not installed: run `pip install rapidocr onnxruntime`."
            ) from None
        unknown = [name for name in self.languages if name not in {*LANGUAGES, *LANGUAGES.values()}]
        if unknown:
            names = ", ".join(f"`{name}`" for name in unknown)
            raise SetupError(f"rapidocr has no model for {names}: it reads {', '.join(sorted(LANGUAGES))}.")
        if missing := [path.name for path in _find_models() if not path.is_file()]:
            raise SetupError(f"rapidocr is installed without its model {missing[0]}: install rapidocr 3.10.")

    def to_fingerprint(self) -> dict[str, Any]:
        """All but the languages, which have one model."""
        return {name: value for name, value in super().to_fingerprint().items() if name != "languages"}

    def identify(self) -> str:
        self.check()
        models = ", ".join(f"{path.stem}:{digest_file(path)}" for path in _find_models())
        return f"rapidocr {metadata.version('rapidocr')}, onnxruntime {metadata.version('onnxruntime')}, {models}"

    def read(self, picture: Image, *, dpi: int) -> list[ReadWord]:
        import numpy as np

        from docmatix.pdf.ocr.shapes import INK, find_dark, find_paper

        pixels = np.asarray(picture.convert("RGB"))[:, :, ::-1]
        try:
            lines = _read_lines(_load(_find_models()), pixels)
        except Exception as error:
            if _OUT_OF_MEMORY.search(str(error)):
                raise MemoryError from error
            raise
        dark = find_dark(np.asarray(picture), find_paper(picture), INK)
        words = []
        for at, line in enumerate(lines):
            parts = list(_part(line))
            places = _fit(dark, line.box, [place for _, place, _ in parts])
            words += [
                ReadWord(text, place, at, at, confidence)
                for (text, _, confidence), place in zip(parts, places, strict=True)
            ]
        return words


def _find_models() -> tuple[Path, ...]:
    # without importing it, and OpenCV with it
    spec = find_spec("rapidocr")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    return tuple(folder / "models" / name for name in _MODELS)


@cache
def _load(models: tuple[Path, ...]) -> Any:
    """The engine, once a process. Where it is not told where its models are, it downloads them."""
    from rapidocr import RapidOCR

    detection, recognition = map(str, models)
    return RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.return_word_box": True,
            "EngineConfig.onnxruntime.intra_op_num_threads": 1,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            "Det.model_path": detection,
            "Det.limit_type": "max",
            "Det.limit_side_len": _LOOK_PX,
            "Rec.model_path": recognition,
            # six at once, all as wide as the widest, take 470 MB more, and a quarter more time
            "Rec.rec_batch_num": 1,
        }
    )


_Place = tuple[float, float, float, float]


class _Line(NamedTuple):
    """A line as it was read: of each letter the column in which it stands and how sure the engine is; `width` columns
    make the line."""

    box: _Place
    text: str
    columns: Sequence[int]
    confidences: Sequence[float]
    width: float


def _read_lines(engine: Any, pixels: Any) -> list[_Line]:
    """The lines from top to bottom, and from left to right where they stand side by side."""
    from rapidocr.main import RapidOCRError

    try:
        crops, found = engine.detect_and_crop(pixels, {})
    except RapidOCRError:  # it says so where there is no text
        return []
    boxes = [_surround(corners) for corners in found.boxes]
    for at, (x0, y0, x1, y1) in enumerate(boxes):
        if x1 - x0 < y1 - y0 < _UPRIGHT * (x1 - x0):
            # it takes a lone 1 for a line down the page, and turns it
            crops[at] = pixels[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1]
    read = engine.recognize_txt(crops)
    lines = []
    for box, text, told in zip(boxes, read.txts, read.word_results, strict=True):
        columns = chain.from_iterable(told.word_cols)
        places = [-1 if letter.isspace() else next(columns) for letter in text]
        lines.append(_Line(box, text, places, told.confs, told.line_txt_len))
    return lines


def _surround(corners: Any) -> _Place:
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _part(line: _Line) -> Iterator[tuple[str, _Place, float]]:
    """The words of a line, each with its place and how sure the engine is of its most doubtful letter."""
    for word in re.finditer(r"\S+", line.text):
        start, end = word.span()
        yield word[0], _find_place(line, start, end), min(line.confidences[start:end])


def _find_place(line: _Line, start: int, end: int) -> _Place:
    """Letters stand in the middle of what is theirs, half of it beyond the first column and the last."""
    first, last = line.columns[start] + 0.5, line.columns[end - 1] + 0.5
    margin = (last - first) / (end - start - 1) / 2 if end - start > 1 else 1.0
    share, until = (min(max(each / line.width, 0.0), 1.0) for each in (first - margin, last + margin))
    x0, y0, x1, y1 = line.box
    if y1 - y0 >= _UPRIGHT * (x1 - x0):
        return x0, y0 + (y1 - y0) * share, x1, y0 + (y1 - y0) * until
    return x0 + (x1 - x0) * share, y0, x0 + (x1 - x0) * until, y1


def _fit(dark: Any, line: _Place, places: Sequence[_Place]) -> list[_Place]:
    """The places of a line's words around their ink: a line is parted in the widest white between two of them, so that
    all of its ink belongs to one. Those of a line down the page stay as they are."""
    x0, y0, x1, y1 = (max(0, round(side)) for side in line)
    if y1 - y0 >= _UPRIGHT * (x1 - x0):
        return list(places)
    margin = (y1 - y0) // 4  # the first letter and the last may reach out of the line's box
    bounds = [max(0, x0 - margin)]
    for before, after in pairwise(places):
        low, high = round((before[0] + before[2]) / 2), round((after[0] + after[2]) / 2)
        white = _find_white(dark[y0:y1, low:high].any(axis=0)) if low < high else None
        bounds.append(low + white if white is not None else round((before[2] + after[0]) / 2))
    bounds.append(x1 + margin)
    return [
        _surround_ink(dark, (left, y0, right, y1)) or place
        for (left, right), place in zip(pairwise(bounds), places, strict=True)
    ]


def _find_white(columns: Any) -> int | None:
    """The middle of the longest run without ink."""
    import numpy as np

    edges = np.flatnonzero(np.diff(np.concatenate(([0], ~columns, [0])).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return None
    longest = int((ends - starts).argmax())
    return int(starts[longest] + ends[longest]) // 2


def _surround_ink(dark: Any, box: tuple[int, int, int, int]) -> _Place | None:
    import numpy as np

    x0, y0, x1, y1 = box
    ink = dark[y0:y1, x0:x1]
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    if not len(rows):
        return None
    return float(x0 + columns[0]), float(y0 + rows[0]), float(x0 + columns[-1] + 1), float(y0 + rows[-1] + 1)
