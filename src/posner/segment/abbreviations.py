"""Abbreviations that keep their dot, and words that begin sentences, as data.

An entry stands as people write it, without its dot, and is known in capitals
throughout too. Words that are ordinary words too (`no`, `sat`, `fig`) count as abbreviations
only before a number. Abbreviations with dots inside (`U.S.`, `p.m.`) need no entry unless they
never end a sentence (`e.g.`). Of a word with hyphens the last part counts (`R-Ariz.`).
"""

from __future__ import annotations

import re


def _words(entries: str) -> frozenset[str]:
    return frozenset(entries.split())


# A name, or what the abbreviation belongs to, follows: it never ends a sentence.
BEFORE_NAME = _words(
    """
    Mr Mrs Ms Mx Messrs Dr Drs Prof Rev Hon Fr St Ste Mt Ft Pvt Cpl Sgt Lt Capt Cmdr Col Maj Gen
    Brig Adm Sen Rep Gov Pres Supt Insp Det Amb Atty Pfc Mme Mlle Mgr Hr Hrn Frl Dipl Ing Sra
    Srta Dra Dña Ud Uds Gral Lic Arq Avda Pza Sto Sta Excmo Mtro Cnel Tte Mons Sig Dott
    Avv Onor vs v viz cf ca approx aprox incl excl resp bzw geb verh evtl ggf inkl zzgl vgl sog
    Sens Reps Govs Gens Drs Msgr Cllr Const Wm Chas Thos Jas Cpt Pte MM Mmes Mlles av apr
    éd ej med phil jur rer nat habil ehem gest gegr Fam hl lat griech engl frz ital insb insbes
    bspw lt e.g i.e z.B d.h u.a v.a p.ej т.е т.к т.н им ул просп пр-т гр тов св акад проф доц ген
    полк оз пл пер наб бул пос напр ср англ лат нем фр греч укр итал исп
    """
)

# It may end a sentence; what follows decides.
MAY_END = _words(
    """
    Inc Corp Co Cos Ltd Bros Assn Dept Univ Jr Esq PLC Pty Mfg Intl Natl etc Ave Blvd Rd Hwy
    Pkwy Ala Ariz Calif Colo Conn Fla Kan Mass Mich Minn Mont Neb Nev Okla Penn Pa Tenn Va Vt
    Wis Wyo Ark Del Ga Ill Ind Ky Md Mo Ore Tex Wash Sr Feb Apr Aug Sep Sept Oct Nov Dec usw Std
    Mio Mrd Tsd Cía Cia al cit Jh Jhd Chr Zt UU OO HH др пр тыс млн млрд руб обл
    """
)

# Only before a number: most of these are words or ends of sentences elsewhere.
BEFORE_NUMBER = _words(
    """
    No no Nos nos Nr nr Nº p pp P PP Vol vol Vols vols Ch ch chap Chap Fig fig Figs figs Sec sec
    Art art Eq eq Ref ref Ed ed Bd Abs Abb Tab S Jan Mar Jun Jul Mon Tue Tues Wed Thu Thur Thurs
    Fri Sat Sun Tel tel ext Ext núm Núm pág págs art Op Opp op opp Kap Ziff Aufl Str c b d r n nn
    fl ft lb lbs oz hr hrs min max mind Apt Rm Bldg Pt Rte janv févr avr juil ene feb mar abr jun
    jul ago sept sep oct nov déc dic tél Tél стр рис табл д кв корп оф гл п т ч с ст вып илл род
    ок тел
    """
)

# Before a letter or a Roman number too (`Fig. A`, `Vol. II`).
BEFORE_LABEL = _words(
    """
    Fig Figs Vol Vols Ch Chap Sec Eq Abb Tab Bd Kap fig figs vol vols chap sec eq
    """
)

# Before a name, but not behind a number (`1990 г.`) or another abbreviation (`т. д.`).
BEFORE_NAME_ALONE = _words("г р с д п см")

# Capitalised words that hardly ever follow an abbreviation but at the start of a sentence.
SENTENCE_STARTERS = _words(
    """
    A About After Although Among An And Another Any As At Because Before Both But By Despite
    During Each Even Every For From Further Furthermore Had Has Have He Her Here His How However
    I If In Instead Is It Its Last Later Many Meanwhile Moreover Most My Nevertheless Nobody Not
    Nothing Now On Once One Only Or Other Others Our Over Several She Since So Some Such Than
    That The Their Then There These They This Those Though Thus To Today Under Until Was We Were
    What When Where Whether Which While Who Whose Why With Within Without Yesterday Yet You Your
    Aber Als Auch Bei Das Dem Den Der Des Die Diese Ein Eine Er Es Für Ich Ihr Im Mit Nach Sie
    Und Von Wir Wo Zu Ce Ces Cette Dans Elle Elles En Et Il Ils Je La Le Les Mais Nous On Pour
    Selon Sur Un Une Vous El Ella Ellos Entre Este Esta Esto Las Los Para Pero Según Sin Sobre
    Su Sus Una Uno Yo В Во Вот Для До За И Из Как Мы На Но Он Она Они От По При С Со Так То У
    Что Это Я
    """
)

# German writes ordinals with a dot (`3. Oktober`); these words follow them.
AFTER_ORDINAL = _words(
    """
    Januar Jänner Februar März April Mai Juni Juli August September Oktober November Dezember
    Jan Feb Apr Jun Jul Aug Sep Sept Okt Nov Dez
    Jahrhundert Jahrhunderts Jh Jhd Weltkrieg Weltkriegs Bundesliga Liga Platz Runde Minute FC SC
    Spieltag Spieltags Etage Stock Tag Klasse Kapitel Auflage Teil Mal Halbzeit Etappe Geburtstag
    Todestag Division Armee Korps Bezirk Wahlgang Senat Semester Quartal Satz Lebensjahr Rang
    Strafkammer Zivilsenat Stufe Advent Legislaturperiode Wahlperiode Jahrestag
    """
)

# What stands behind a company's name (`Yahoo! Inc.`) begins no sentence.
COMPANY_ENDINGS = _words("Inc Corp Ltd LLC PLC Co GmbH")

# Last labels of host names and of files that are kept whole without a scheme (`example.com`).
# Those that are common words (`in`, `it`, `is`, `no`, `me`) are left out.
DOT_ENDINGS = _words(
    """
    com org net edu gov mil info biz io dev app tv eu uk de fr nl es pl ru cn jp br ch se dk fi
    au ca nz kr pdf html htm txt csv tsv json xml js py md exe zip tar gz doc docx xls xlsx png
    jpg jpeg gif
    """
)

_GAP = "[ \u00a0\u202f]"
# Abbreviations that are written with a space inside; the first part of those that may end a
# sentence. Their letters alone are no abbreviations.
SPACED = re.compile(
    rf"(?<!\w)(?:(?:[zZ]\.{_GAP}?[BT]|[dD]\.{_GAP}h|i\.{_GAP}d\.{_GAP}R|[uU]\.{_GAP}[aU]|v\.{_GAP}a"
    rf"|e\.{_GAP}g|i\.{_GAP}e|[тТ]\.{_GAP}[екн]|и\.{_GAP}о)\.|[ad]\.(?={_GAP}[CDM]\.)"
    rf"|[oOuU]\.(?={_GAP}[ÄÖ]\.)|[vn]\.(?={_GAP}Chr\b)|z\.(?={_GAP}Zt\b)|p\.(?={_GAP}ej\b)|Rt\.(?={_GAP}Hon\b)"
    rf"|([A-Z])\1\.(?={_GAP}([A-Z])\2\.))"
)
"""The dots of `z. B.`, of `EE. UU.` before the space, and their kin."""

_LABEL = re.compile(r"(?:[IVX]{2,5}|[A-Z])(?!\w|['’])")
_LONGEST = max(len(entry) for entry in BEFORE_NAME | MAY_END | BEFORE_NUMBER)


def _listed(word: str, entries: frozenset[str]) -> bool:
    if len(word) > _LONGEST:
        return False
    return word in entries or (len(word) > 1 and word.isupper() and word.capitalize() in entries)


def _told(word: str) -> str:
    """The part of a word that tells what it is: `Ariz` of `R-Ariz`, `str` of `Hauptstr`."""
    if word.endswith("str"):
        return "Str"
    head, _, tail = word.rpartition("-")
    return tail if head and tail[:1].isupper() else word


def is_abbreviation(word: str, *, following: str) -> bool:
    """Whether the dot after `word` (given without it) belongs to it.

    Args:
        word: it.
        following: the next word, if there is one, with the punctuation at it.
    """
    told = _told(word)
    if _listed(told, BEFORE_NAME) or _listed(told, MAY_END):
        return True
    if following[:1].isdigit():
        return _listed(told, BEFORE_NUMBER)
    # `A` and `I` begin sentences too: after a word in small letters they are not taken for labels.
    return (
        told in BEFORE_LABEL
        and _LABEL.match(following) is not None
        and (told[0].isupper() or following[:1] not in "AI" or following[1:2].isupper())
    )


def never_ends(word: str) -> bool:
    """Whether `word`, an abbreviation or an item's number with its dot, needs what follows it."""
    bare = _told(word.removesuffix("."))
    if len(bare) == 1 or bare.isdigit() or bare in BEFORE_NAME_ALONE:
        return True
    return _listed(bare, BEFORE_NAME) or _listed(bare, BEFORE_NUMBER) or _is_doubled(bare)


def _is_doubled(bare: str) -> bool:
    """Whether this is the first half of a plural such as `EE. UU.`; `MAY_END` has the second."""
    return len(bare) == 2 and bare[0] == bare[1] and bare.isupper() and bare not in MAY_END
