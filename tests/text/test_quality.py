"""Text layers that are no text are told from honest pages, however odd these are."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmatix.text.quality import MIN_QUALITY, measure_quality

ENGLISH = (
    "The harbour master counted forty ships before noon and wrote their names into the register. Two of them had come "
    "from Lisbon with salt and cork, and a third was waiting for the tide outside the bar. The fee for a berth depends "
    "on the length of the ship and on the days it stays; fishermen of the town pay nothing between May and October."
)
TEXTS = {
    "en": ENGLISH,
    "de": "Der Hafenmeister zählte bis zum Mittag vierzig Schiffe und schrieb ihre Namen in das Verzeichnis. Zwei "
    "kamen mit Salz und Kork aus Lissabon, ein drittes wartete draußen auf die Flut. Die Gebühr für einen Liegeplatz "
    "hängt von der Länge des Schiffes ab; Fischer der Stadt zahlen von Mai bis Oktober nichts für ihre Plätze.",
    "fr": "Le maître du port a compté quarante navires avant midi et a inscrit leurs noms dans le registre. Deux "
    "d'entre eux étaient arrivés de Lisbonne chargés de sel et de liège, un troisième attendait la marée à l'extérieur "
    "de la barre. Le prix d'une place dépend de la longueur du navire et de la durée du séjour des équipages.",
    "pl": "Kapitan portu naliczył do południa czterdzieści statków i wpisał ich nazwy do rejestru. Dwa z nich "
    "przypłynęły z Lizbony z solą i korkiem, a trzeci czekał na przypływ przed mierzeją. Opłata za miejsce zależy od "
    "długości statku i od liczby dni postoju; rybacy z miasta nie płacą niczego od maja do października.",
    "ru": "Начальник порта насчитал до полудня сорок кораблей и записал их названия в журнал. Два из них пришли из "
    "Лиссабона с солью и пробкой, третий ждал прилива за отмелью. Плата за стоянку зависит от длины корабля и от числа "
    "дней; городские рыбаки с мая по октябрь ничего не платят за свои места у причала.",
    "el": "Ο λιμενάρχης μέτρησε σαράντα πλοία πριν από το μεσημέρι και έγραψε τα ονόματά τους στο μητρώο. Δύο από αυτά "
    "είχαν έρθει από τη Λισαβόνα με αλάτι και φελλό, ενώ ένα τρίτο περίμενε την παλίρροια έξω από το λιμάνι.",
    "ar": "أحصى مدير الميناء أربعين سفينة قبل الظهر وكتب أسماءها في السجل. جاءت اثنتان منها من لشبونة محملتين بالملح "
    "والفلين وكانت الثالثة تنتظر المد خارج الميناء. يعتمد رسم الرسو على طول السفينة وعلى عدد الأيام التي تبقى فيها.",
    "vi": "Người quản lý cảng đã đếm được bốn mươi con tàu trước buổi trưa và ghi tên của chúng vào sổ đăng ký. Hai "
    "chiếc trong số đó đến từ Lisbon với muối và gỗ bần, chiếc thứ ba đang chờ thủy triều ở bên ngoài bến cảng.",
    "is": "Hafnarstjórinn taldi fjörutíu skip fyrir hádegi og skrifaði nöfn þeirra í skrána. Tvö þeirra höfðu komið "
    "frá Lissabon með salt og kork og það þriðja beið eftir flóðinu fyrir utan höfnina. Gjaldið fyrir legupláss fer "
    "eftir lengd skipsins og dögunum sem það dvelur; sjómenn bæjarins greiða ekkert frá maí til október.",
}
HONEST = {
    "table": "Item Qty Unit price Amount\n"
    + "\n".join(f"Hex bolt M{n} zinc 4{n} 0.{n}5 USD 1{n}.80" for n in range(9)),
    "codes": "\n".join(f"SKU-{n}4X KLV-29 QWZ{n}7 RR/TT 00{n}-AX PCS KG GTIN WLTP" for n in range(30)),
    "names": "Anna Kowalska Björn Sigurðsson Nguyễn Văn An Wolfgang Schmidtke Krzysztof Szczepański Giuseppe Bianchi "
    "Olu Adebayo-Okonkwo Siobhán O'Rourke Jean-Baptiste Lefèvre Dmitri Ivanov Xiuying Zhang Mbali Dlamini Raj Patel "
    "Ngozi Eze Þórunn Jónsdóttir Hyun-woo Kim Priya Raghunathan Matthijs van der Heijden Ioana Popescu Ahmet Yılmaz",
    "code": "def read_rows(path: Path, *, limit: int | None = None) -> Iterator[dict[str, Any]]:\n    with path.open() "
    "as file:\n        for number, line in enumerate(csv.reader(file)):\n            if limit is not None and number "
    ">= limit: break\n            yield {key: parse(value) for key, value in zip(header, line, strict=True)}",
    "formulas": "where f(x) = ax2 + bx + c, x ∈ R, and lim f(x) = ∞ as x → ∞; hence dy/dx = 2ax + b and ∫ f dx = F(b) "
    "− F(a) for all a, b ∈ [0, 1]. Let p, q, r be primes with p | qr; then p | q or p | r, which proves the lemma.",
    "chemistry": "Sodium hydroxide NaOH 1310-73-2, hydrochloric acid HCl 7647-01-0, dichloromethane CH2Cl2, toluene, "
    "tetrahydrofuran, dimethyl sulfoxide DMSO, N,N-dimethylformamide, 4-(dimethylamino)pyridine, acetonitrile MeCN",
    "capitals": ENGLISH.upper(),
    "one word": "TEST " * 100,
    "one long word": f"{ENGLISH} {'w' * 5000}",
    "mixed": TEXTS["fr"] + "\n" + ENGLISH + "\n" + TEXTS["de"],
    "consonants": "Strč prst skrz krk. " * 20,
    "lorem": "Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor invidunt ut "
    "labore et dolore magna aliquyam erat, sed diam voluptua. At vero eos et accusam et justo duo dolores et ea rebum.",
    "vowel points": "بِسْمِ اللَّهِ الرَّحْمَٰنِ الرَّحِيمِ الْحَمْدُ لِلَّهِ رَبِّ الْعَالَمِينَ الرَّحْمَٰنِ الرَّحِيمِ مَالِكِ يَوْمِ الدِّينِ إِيَّاكَ نَعْبُدُ وَإِيَّاكَ نَسْتَعِينُ",
    "soft OCR": ENGLISH.replace("The harbour", "Tlie harbour").replace("come", "corne").replace("nothing", "notbing"),
}
TOO_LITTLE = [
    "",
    "Invoice 42",
    "1,204 3,988 77.4 % " * 50,
    "XML HTTP PDF DNS " * 5,
    "港務局長在中午之前數了四十艘船。" * 20,
]


@pytest.mark.parametrize("text", [*TEXTS.values(), *HONEST.values()], ids=[*TEXTS, *HONEST])
def test_what_somebody_wrote_is_not_garbled(text: str):
    quality = measure_quality(text)
    assert quality is None or quality >= MIN_QUALITY


@pytest.mark.parametrize("language", [language for language in TEXTS if language != "is"])
def test_prose_reads_well(language: str):
    assert (measure_quality(TEXTS[language]) or 0) > 0.85


@pytest.mark.parametrize("text", TOO_LITTLE)
def test_numbers_few_letters_and_other_scripts_have_no_quality(text: str):
    assert measure_quality(text) is None


def shift(text: str, by: int) -> str:
    return "".join(c if c.isspace() or not 33 <= ord(c) + by < 127 else chr(ord(c) + by) for c in text)


def permute(text: str, seed: int) -> str:
    letters = "abcdefghijklmnopqrstuvwxyz"
    mixed = "".join(random.Random(seed).sample(letters, 26))
    return text.translate(str.maketrans(letters + letters.upper(), mixed + mixed.upper()))


def interleave(one: str, other: str) -> str:
    return "".join(a + b for a, b in zip(one, other, strict=False))


def hit_keys(text: str) -> str:
    keys = random.Random(1)
    return " ".join("".join(keys.choice("asdfghjkl;qwertuiop") for _ in word) for word in text.split())


def read_as(text: str, encoding: str, wrong: str) -> str:
    return text.encode(encoding, "replace").decode(wrong, "ignore")


def misread(text: str, *, strength: float) -> str:
    """A text as OCR reads it from bad print: other letters, broken words, dirt, capitals within words."""
    draw = random.Random(3)
    looks = {"e": "co", "a": "uno", "t": "lif", "h": "bl", "n": "um", "o": "ce0", "i": "l1!", "s": "a5", "r": "vi"}
    kinds: list[Callable[[str], str]] = [
        lambda c: draw.choice(looks.get(c, "ijlfJ")),
        lambda c: c + draw.choice([" ", " ; ", " : ", " .' ", ";", "!", ":.", ",'"]),
        lambda c: c.upper() + draw.choice(["", "I", "i"]),
        lambda c: f" {draw.choice('xvtrXJV')} ",
    ]
    return "".join(draw.choice(kinds)(c) if c.isalpha() and draw.random() < strength else c for c in text)


GARBLED = {
    **{f"codes off by {by}": shift(ENGLISH, by) for by in (-29, -31, -30, -11, -3, -1, 1, 3)},
    "codes off by -60": shift(ENGLISH * 2, -60),
    "two fonts, each off by its own": shift(ENGLISH[:200], -29) + "\n" + shift(ENGLISH[200:], -10),
    "half of it off": ENGLISH + "\n" + shift(ENGLISH, -29),
    **{f"letters permuted ({seed})": permute(ENGLISH, seed) for seed in range(3)},
    "German permuted": permute(TEXTS["de"], 5),
    "two texts, letter by letter": interleave(ENGLISH, TEXTS["fr"]),
    "two texts without spaces": interleave(ENGLISH.replace(" ", ""), TEXTS["de"].replace(" ", "")),
    "keys": hit_keys(ENGLISH),
    "Russian in UTF-8 as Latin-1": read_as(TEXTS["ru"], "utf-8", "cp1252"),
    "Russian as Latin-1": read_as(TEXTS["ru"], "cp1251", "latin-1"),
    "KOI8 as CP1251": read_as(TEXTS["ru"], "koi8-r", "cp1251"),
    "Greek as Latin-1": read_as(TEXTS["el"], "iso8859-7", "latin-1"),
    "Arabic in UTF-8 as Latin-1": read_as(TEXTS["ar"], "utf-8", "latin-1"),
    "French in UTF-8 as Latin-1": read_as(TEXTS["fr"], "utf-8", "cp1252"),
    "German in UTF-8 as Latin-1": read_as(TEXTS["de"], "utf-8", "cp1252"),
    "French in UTF-8 as Mac Roman": read_as(TEXTS["fr"], "utf-8", "mac-roman"),
    "French in Mac Roman as Latin-1": read_as(TEXTS["fr"], "mac-roman", "cp1252"),
    "Polish in UTF-8 as Latin-1": read_as(TEXTS["pl"], "utf-8", "cp1252"),
    "Symbol as text": ENGLISH.lower().translate(
        str.maketrans("abcdefghijklmnopqrstuwxyz", "αβχδεφγηιϕκλμνοπθρστυωξψζ")
    ),
    "a newspaper's OCR": misread(ENGLISH * 3, strength=0.2),
    "a worse newspaper's OCR": misread(ENGLISH * 3, strength=0.35),
    "numbers of glyphs": "(cid:12)(cid:7)(cid:33) " * 20,
}


@pytest.mark.parametrize("text", GARBLED.values(), ids=GARBLED)
def test_what_nobody_wrote_is_garbled(text: str):
    quality = measure_quality(text)
    assert quality is not None
    assert quality < MIN_QUALITY


@given(st.text(max_size=400))
def test_any_text_has_the_same_quality_twice_and_between_0_and_1(text: str):
    quality = measure_quality(text)
    assert quality is None or 0 <= quality <= 1
    assert measure_quality(text) == quality


@given(st.integers(0, 2**32), st.integers(1, 5))
def test_more_misread_letters_never_read_much_better(seed: int, strength: int):
    def swap(share: float) -> str:
        draw = random.Random(seed)
        return "".join(draw.choice("etaoinsrhl") if c.isalpha() and draw.random() < share else c for c in ENGLISH * 3)

    assert (measure_quality(swap(strength / 6)) or 0) <= (measure_quality(swap(0)) or 0) + 0.02


@pytest.mark.parametrize("leader", ["." * 40, ". " * 25, "-" * 40, "_" * 40, "*" * 40])
def test_leader_dots_and_lines_to_write_on_say_nothing_of_the_words_between_them(leader: str) -> None:
    names = "Introduction Methods Results Discussion Conclusions References Appendix Background Objectives".split()
    contents = "\n".join(f"{name} {leader} {page}" for page, name in enumerate(names * 3))
    assert measure_quality(contents) == pytest.approx(1.0, abs=0.1)
    shifted = "".join(chr(ord(letter) - 3) if letter.isalpha() else letter for letter in contents)
    quality = measure_quality(shifted)
    assert quality is not None
    assert quality < MIN_QUALITY
