"""Documents whose pages only say that the viewer cannot show them are refused; those that quote such words are not."""

from __future__ import annotations

import pymupdf
import pytest

from docmatix.core.documents import Refusal
from docmatix.pdf.reading import read_document
from docmatix.pdf.settings import Extract

TRADEMARKS = (
    "Windows is either a registered trademark or a trademark of Microsoft Corporation in the United States and/or "
    "other countries. Mac is a trademark of Apple Inc., registered in the United States and other countries. Linux is "
    "the registered trademark of Linus Torvalds in the U.S. and other countries."
)
ENGLISH = (
    "Please wait...\nIf this message is not eventually replaced by the proper contents of the document, your PDF "
    "viewer may not be able to display this type of document.\nYou can upgrade to the latest version of Adobe Reader "
    "for Windows®, Mac, or Linux® by visiting http://www.adobe.com/products/acrobat/readstep2.html.\n"
    f"For more assistance with Adobe Reader visit http://www.adobe.com/support/products/acrreader.html.\n{TRADEMARKS}"
)
GERMAN = (
    "Bitte warten...\nFalls diese Meldung nicht durch den eigentlichen Inhalt des Dokuments ersetzt wird, kann Ihr "
    "PDF-Viewer diesen Dokumenttyp möglicherweise nicht anzeigen.\nSie können ein Upgrade auf die neueste Version von "
    "Adobe Reader für Windows®, Mac oder Linux® unter http://www.adobe.com/de/go/reader_download_de vornehmen."
    "\nWeitere Hilfe zu Adobe Reader erhalten Sie unter http://www.adobe.com/go/acrreader_de."
)
JAPANESE = (
    "お待ちください。\nこのメッセージが最終的に文書の正しい内容に置き換わらない場合、お使いの PDF "
    "ビューアではこの種類の文書を表示できない可能性があります。\n最新の Adobe Reader は "
    "http://www.adobe.com/go/reader_download_jp から入手できます。"
)
FRENCH_OWN = "Ouvrez ce formulaire sur un ordinateur et non dans le navigateur. Le chargement peut prendre du temps."
CONFIGURE = (
    "The document you are trying to load requires Adobe Reader 8 or higher. You may not have the Adobe Reader "
    "installed or your viewing environment may not be properly configured to use Adobe Reader. For information on how "
    "to install Adobe Reader and configure your viewing environment please see "
    "http://www.adobe.com/go/pdf_forms_configure."
)
COVER = (
    "For the best experience, open this PDF portfolio in Acrobat X or Adobe Reader X, or later.\nGet Adobe Reader Now!"
)
GERMAN_COVER = "Öffnen Sie dieses PDF-Portfolio am besten in Acrobat 9 oder Adobe Reader 9 oder höher."
UPGRADE = (
    "To view the full contents of this document, you need a later version of the PDF viewer. You can upgrade to the "
    "latest version of Adobe Reader from www.adobe.com/products/acrobat/readstep2.html. For further support, go to "
    "www.adobe.com/support/products/acrreader.html"
)
FORM = "Application for a building permit. Surname of the owner, address of the plot, height of the building in metres."


def write(
    text: str, *, xfa: bool = False, dynamic: bool = False, field: bool = False, collection: str = "", pages: int = 1
) -> bytes:
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page()
        font = "japan" if "ください" in text else "helv"
        page.insert_textbox((50, 50, 550, 800), text if not number else f"Page {number}. {FORM}", fontname=font)
        if field:
            widget = pymupdf.Widget()
            widget.field_type, widget.field_name = pymupdf.PDF_WIDGET_TYPE_TEXT, f"owner{number}"
            widget.rect = pymupdf.Rect(50, 700, 200, 720)
            page.add_widget(widget)
    catalog = document.pdf_catalog()
    if xfa:
        packet = document.get_new_xref()
        document.update_object(packet, "<<>>")
        document.update_stream(packet, b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><template/></xdp:xdp>")
        if not field:
            document.xref_set_key(catalog, "AcroForm", "<</Fields[]>>")
        document.xref_set_key(catalog, "AcroForm/XFA", f"[(template) {packet} 0 R]")
    if dynamic:
        document.xref_set_key(catalog, "NeedsRendering", "true")
    if collection:
        document.embfile_add("contents.pdf", b"%PDF-1.7")
        document.xref_set_key(catalog, "Collection", f"<</Type/Collection/View{collection}>>")
    data: bytes = document.tobytes(no_new_id=True)
    return data


def find_reason(pdf: bytes) -> str | None:
    outcome = read_document(pdf, settings=Extract())
    return outcome.reason if isinstance(outcome, Refusal) else None


@pytest.mark.parametrize(
    "pdf",
    [
        write(ENGLISH),
        write(ENGLISH, xfa=True, dynamic=True),
        write(ENGLISH, xfa=True, dynamic=True, field=True),
        write(ENGLISH, xfa=True, field=True),
        write(GERMAN),
        write(GERMAN, xfa=True),
        write(JAPANESE),
        write(JAPANESE, xfa=True, dynamic=True),
        write(FRENCH_OWN, xfa=True, dynamic=True),
        write(CONFIGURE),
        write(CONFIGURE, xfa=True, dynamic=True),
        write(UPGRADE),
        write("This document requires Adobe Reader."),
        write("This PDF form requires a newer version of Adobe Acrobat. Get Adobe Reader today."),
        write(COVER),
        write(COVER, collection="/D"),
        write(GERMAN_COVER, collection="/T"),
        write(ENGLISH.partition("You can upgrade")[0]),
        write("This form cannot be opened in your browser. Please save it and open it with Adobe Reader."),
        write("Sorry, this document cannot be displayed. Please download it and open it in Adobe Acrobat."),
        write("You need Adobe Reader 10 or later to view this document. Get the latest Adobe Reader at adobe.com."),
        write("If you are reading this message, your PDF viewer cannot show this form. Use Adobe Reader 9 or higher."),
        write("IMPORTANT: This form must be opened in Adobe Reader. Please right click, save it, open it in Acrobat."),
        write("This file is protected and needs a viewer for protected documents.", collection="/H"),
    ],
)
def test_a_message_about_the_viewer_is_no_document(pdf):
    assert find_reason(pdf) == "placeholder"


@pytest.mark.parametrize(
    "pdf",
    [
        write(f"How to open our forms. Some viewers show this page:\n{ENGLISH}\nSave the form first, then open it."),
        write(f"{ENGLISH}\nIf you see this page, telephone our office between nine and twelve on weekdays."),
        write("This form must be signed in ink. Send it to the town hall; no PDF made by Adobe Acrobat is accepted."),
        write("Please download the map of the harbour before Friday. Adobe Reader shows it on all computers."),
        write("You need Adobe Reader for our invoices. The invoices of 2019 come to a total of 3,400 euros."),
        write("If you can read this letter, thank a teacher. Adobe Reader magnifies it."),
        write("Please wait for the nurse in the hall. Adobe Reader on the screen shows your number."),
        write("The annual report of the harbour is a PDF. To read it, get Adobe Reader at adobe.com/reader_download."),
        write("To open an account you need two forms of identification. Adobe Systems staff go to desk four."),
        write(ENGLISH, pages=10),
        write(FORM, xfa=True, field=True),
        write(FORM, xfa=True),
        write(FORM, xfa=True, dynamic=True, field=True),
        write(FORM, collection="/D"),
        write(FORM * 20, collection="/H"),
        write(f"{FORM * 20}\nOpen this PDF portfolio in Adobe Reader.", collection="/D"),
    ],
)
def test_a_manual_that_quotes_it_and_a_form_with_pages_are_documents(pdf):
    assert find_reason(pdf) is None


def test_what_is_said_for_a_person_names_the_kind():
    outcome = read_document(write(ENGLISH, xfa=True, dynamic=True), settings=Extract())
    assert outcome == Refusal("placeholder", "the shell of a dynamic XFA form")
