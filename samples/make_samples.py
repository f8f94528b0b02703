"""Draws the sample PDFs of this folder: `python samples/make_samples.py [FOLDER]`.

Companies, persons and facts are invented. What the documents say stands in `text/`, how they look in the modules
beside this one. The same PyMuPDF draws the same bytes every time, so that the samples can be committed and a change of
script or text shows up as a change of the files.
"""

from __future__ import annotations

import sys
from pathlib import Path

import charts
import claim
import manual
import office
import technical

SAMPLES = {
    "invoice": office.draw_invoice,
    "letter": office.draw_letter,
    "form": office.draw_form,
    "price_list": office.draw_price_list,
    "meeting_minutes": office.draw_meeting_minutes,
    "scanned": office.draw_scanned,
    "claim": claim.draw_claim,
    "charts": charts.draw_charts,
    "report": technical.draw_report,
    "slides": technical.draw_slides,
    "datasheet": technical.draw_datasheet,
    "manual": manual.draw_manual,
}


def main(folder: Path) -> None:
    """Write every sample to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in SAMPLES.items():
        (folder / f"{name}.pdf").write_bytes(draw())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
