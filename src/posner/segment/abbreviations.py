"""Abbreviations that keep their dot, and words that begin sentences, as data.

An entry stands as people write it, without its dot, and is known in capitals
throughout too. Words that are ordinary words too (`no`, `sat`, `fig`) count as abbreviations
only before a number. Abbreviations with dots inside (`U.S.`, `e.g.`, `z.B.`) need no entry.
"""

from __future__ import annotations


def _words(entries: str) -> frozenset[str]:
    return frozenset(entries.split())


# A name, or what the abbreviation belongs to, follows: it never ends a sentence.
BEFORE_NAME = _words(
    """
    Mr Mrs Ms Mx Messrs Dr Drs Prof Rev Hon Fr St Ste Mt Ft Pvt Cpl Sgt Lt Capt Cmdr Col Maj Gen
    Brig Adm Sen Rep Gov Pres Supt Insp Det Amb Atty Pfc Mme Mlle Mgr Hr Hrn Frl Dipl Ing Sra
    Srta Dra Dña Ud Uds Mons Sig Dott Avv Onor vs viz cf ca approx incl excl resp bzw geb verh
    evtl ggf inkl zzgl vgl sog им ул просп гр тов
    """
)

# It may end a sentence; what follows decides.
MAY_END = _words(
    """
    Inc Corp Co Cos Ltd Bros Assn Dept Univ Jr Esq PLC Pty Mfg Intl Natl etc Ave Blvd Rd Hwy
    Pkwy Ala Ariz Calif Colo Conn Fla Kan Mass Mich Minn Mont Neb Nev Okla Penn Pa Tenn Va Vt
    Wis Wyo Ark Del Ga Ill Ind Ky Md Mo Ore Tex Wash Sr Feb Apr Aug Sep Sept Oct Nov Dec usw Std
    Mio Mrd Tsd Cía Cia др пр тыс млн млрд руб
    """
)

# Only before a number: most of these are words or ends of sentences elsewhere.
BEFORE_NUMBER = _words(
    """
    No no Nos nos Nr nr Nº p pp P PP Vol vol Vols vols Ch ch chap Chap Fig fig Figs figs Sec sec
    Art art Eq eq Ref ref Ed ed Bd Abs Abb Tab S Jan Mar Jun Jul Mon Tue Tues Wed Thu Thur Thurs
    Fri Sat Sun Tel tel ext Ext núm Núm pág págs art стр рис табл
    """
)

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
    Jahrhundert Jahrhunderts Weltkrieg Bundesliga Liga Platz Runde Minute
    """
)

# Last labels of host names and of files that are kept whole without a scheme (`example.com`).
# Those that are common words (`in`, `it`, `is`, `no`, `me`) are left out.
DOT_ENDINGS = _words(
    """
    com org net edu gov mil info biz io dev app tv eu uk de fr nl es pl ru cn jp br ch se dk fi
    au ca nz kr pdf html htm txt csv tsv json xml js py md exe zip tar gz doc docx xls xlsx png
    jpg jpeg gif
    """
)

_LONGEST = max(len(entry) for entry in BEFORE_NAME | MAY_END | BEFORE_NUMBER)


def _listed(word: str, entries: frozenset[str]) -> bool:
    if len(word) > _LONGEST:
        return False
    return word in entries or (len(word) > 1 and word.isupper() and word.capitalize() in entries)


def is_abbreviation(word: str, *, before_number: bool) -> bool:
    """Whether the dot after `word` (given without it) belongs to it."""
    return (
        _listed(word, BEFORE_NAME)
        or _listed(word, MAY_END)
        or (before_number and _listed(word, BEFORE_NUMBER))
    )


def never_ends(word: str) -> bool:
    """Whether `word`, an abbreviation or an item's number with its dot, needs what follows it."""
    bare = word.removesuffix(".")
    if len(bare) == 1 or bare.isdigit():
        return True
    return _listed(bare, BEFORE_NAME) or _listed(bare, BEFORE_NUMBER)
