"""Words that the parts of a letter and dates are known by, in English, German, French, Spanish, Italian, Portuguese,
Dutch and Polish."""

from __future__ import annotations

import re

MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec "
    "januar jänner februar märz mai juni juli oktober dezember okt dez "
    "janvier février mars avril juin juillet août septembre octobre novembre décembre "
    "enero febrero marzo abril mayo junio julio agosto septiembre setiembre octubre noviembre diciembre "
    "gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre "
    "janeiro fevereiro março maio junho julho setembro outubro novembro dezembro "
    "januari februari maart mei augustus oktober "
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia "
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień"
)
_MONTH = "(?:" + "|".join(sorted(set(MONTHS.split()), key=lambda name: (-len(name), name))) + r")\.?"
_YEAR = r"(?:1[6-9]|20|21)\d\d"
DATE = re.compile(
    rf"(?<![\w.,/-])(?:\d{{1,2}}(?:st|nd|rd|th|er|º|°|ª)?\.?\s+(?:de\s+|(?<=[a-z]\s)of\s+|d[’'])?{_MONTH},?\s+(?:de\s+|del\s+|of\s+)?{_YEAR}(?:\s?r\.)?"
    rf"|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+{_YEAR}"
    rf"|\d{{1,2}}\.\s?\d{{1,2}}\.\s?(?:{_YEAR}|\d\d)|\d{{1,2}}([/-])\d{{1,2}}\1(?:{_YEAR}|\d\d)"
    rf"|{_YEAR}([/.-])\d{{1,2}}\2\d{{1,2}}|\d{{1,2}}-{_MONTH}-(?:{_YEAR}|\d\d)|{_YEAR}年\d{{1,2}}月\d{{1,2}}日)(?![\w/-]|[.,]\d)",
    re.IGNORECASE,
)
"""A day of a year, in words or in numbers."""

SALUTATION = re.compile(
    r"(?:dear|to whom it may concern|hello|hi|sehr geehrte[rsn]?|liebe[rs]?|guten tag|hallo|werte[rs]?|"
    r"(?:cher|chère|chers|chères)|madame|monsieur|mesdames|messieurs|bonjour|"
    r"estimad[oa]s?|muy señor(?:es)?|querid[oa]s?|distinguid[oa]s?|apreciad[oa]s?|"
    r"gentil[ei]|egregi[oa]?|spettabile|spett\.?le|car[oai]|buongiorno|"
    r"prezad[oa]s?|exm[oa]s?\.?|ex\.m[oa]s?|excelentíssim[oa]s?|car[oa]s|ilm[oa]s?\.?|"
    r"geachte|beste|weledele|"
    r"szanown[iayie]{1,2}|drog[iai]{1,2}|dzień dobry|witam)(?=[\s,:!.]|$)",
    re.IGNORECASE,
)
_CLOSING_WORDS = (
    r"regards|sincerely|faithfully|respectfully|grü(?:ß|ss)en?|gruß|hochachtungsvoll|salutations|cordialement|sincèrement|"
    r"saludos?|saluda|saludamos|atentamente|cordialmente|saluti|cumprimentos|atenciosamente|respeitosamente|groet(?:en)?|"
    r"hoogachtend|poważaniem|szacunku|pozdrawiam|pozdrowienia"
)
CLOSING = re.compile(
    # words of a closing anywhere in a short line, or a whole line that is one
    rf"(?:(?:[^\W\d_]+,? ){{0,9}}(?:{_CLOSING_WORDS})(?: [^\W\d_]+){{0,2}}|best wishes|with best wishes|"
    r"yours(?: truly)?|many thanks|in fede|"
    r"(?:je vous prie|nous vous prions|veuillez) .{0,40}(?:agréer|recevoir|croire)\b.{0,100})[\s,.!]*",
    re.IGNORECASE,
)
"""A line between a letter and its signature."""
SUBJECT = re.compile(
    r"(?P<label>re|subject|subj|ref\.?|reference|betreff|betr\.?|betrifft|objet|concerne|asunto|referencia|oggetto|rif\.?|"
    r"assunto|referência|betreft|onderwerp|dotyczy|temat|w sprawie|sprawa)\s*[:：]\s*(?P<value>\S.*)",
    re.IGNORECASE,
)
_COMPANY = (
    r"(?:inc|ltd|llc|llp|plc|corp|co|gmbh|ag|kg|ohg|ug|e\.?v|sarl|s\.a\.r\.l|sas|s\.a|sa|s\.l|sl|s\.p\.a|spa|"
    r"s\.r\.l|srl|lda|ltda|b\.v|bv|n\.v|nv|sp\. z o\.o|z o\.o|company|university|department|ministry)"
)
COMPANY = re.compile(rf"(?<!\w){_COMPANY}\.?(?!\w)", re.IGNORECASE)
"""A legal form: a company's name, not a person's."""
CONTACT = re.compile(
    r"@|www\.|https?:|\+\d{2}|(?:tel|fax|phone|telefon|téléphone|teléfono|telefono|telefone|mobil|mobile|e-?mail|iban|bic|"
    r"ust|vat|tva|nif|cif|nip|kvk|btw|p\.?\s?iva)\b\.?-?[\s:/]",
    re.IGNORECASE,
)
"""A line of a letterhead rather than of an address."""
POSTCODE = re.compile(
    r"(?<!\w)(?:(?:[A-Z]{1,2}[- ])?(?:\d{5}(?:-\d{3,4})?|\d{4}(?: ?[A-Z]{2})?|\d{2}-\d{3}|\d{4}-\d{3})"
    r"|[A-Z]{1,2}\d[\dA-Z]? ?\d[A-Z]{2}|[A-Z]\d[A-Z] ?\d[A-Z]\d)(?!\w)"
)
