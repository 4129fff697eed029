"""The words of dates: months, weekdays, numbers, seasons, in English, French and Spanish, with common slips."""

from __future__ import annotations

from pipeline.extract.numbers import NUMBER_WORDS

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "january jan janaury janurary janvier enero", "february feb febuary feburary feburay février fevrier febrero", "march mar mars marzo",
            "april apri1 apr avril abril", "may mai mayo", "june jun juin junio", "july juiy jul juillet julio",
            "august aug agust augst août aout agosto", "september sept sep septmber setpember septembre septiembre", "october oct ocotber 0ctober octobre octubre",
            "november nov novemeber novmber novembre noviembre", "december dec decmber decemeber décembre decembre diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
WEEKDAYS = {
    name: number
    for number, names in enumerate(
        (
            "monday mon lundi lunes", "tuesday tues tue mardi martes", "wednesday wed weds mercredi miércoles",
            "thursday thurs thur thu jeudi jueves", "friday fri vendredi viernes", "saturday sat samedi sábado",
            "sunday sun dimanche domingo",
        )
    )
    for name in names.split()
}  # fmt: skip
_FRENCH = ["un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix"]
_SPANISH = ["uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez"]
NUMBERS = (
    NUMBER_WORDS
    | {"a": 1, "an": 1, "couple of": 2, "a couple of": 2, "une": 1, "una": 1}
    | {word: number for words in (_FRENCH, _SPANISH) for number, word in enumerate(words, start=1)}
)
_ORDINALS = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth
eighteenth nineteenth twentieth twenty-first twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh
twenty-eighth twenty-ninth thirtieth thirty-first
""".split()  # noqa: SIM905 -- a list of thirty lines says no more
ORDINALS = {word: number for number, word in enumerate(_ORDINALS, start=1)}
FEASTS = {
    "christmas": (12, 25), "christmas day": (12, 25), "christmas eve": (12, 24), "new year's day": (1, 1), "new year's eve": (12, 31),
    "may day": (5, 1),
}  # fmt: skip
SEASONS = {"spring": (3, 5), "summer": (6, 8), "autumn": (9, 11), "fall": (9, 11), "winter": (12, 2)}
# What a period is counted by, and in which direction a word points from the report's date.
UNITS = {
    "semaine": "week", "semana": "week", "mois": "month", "mes": "month", "année": "year", "annee": "year", "an": "year", "año": "year",
}  # fmt: skip
STEPS = {
    "last": -1, "past": -1, "previous": -1, "preceding": -1, "earlier this": 0, "later this": 0, "this past": -1, "dernier": -1, "dernière": -1, "derniere": -1, "passé": -1, "passée": -1, "pasado": -1,
    "pasada": -1, "this": 0, "current": 0, "next": 1, "coming": 1, "prochain": 1, "prochaine": 1, "próximo": 1, "próxima": 1,
}  # fmt: skip
# Months that our calendar cannot say without a table of the moon, or of another era: found, and left unresolved.
OTHER_MONTHS = [
    "muharram",
    "safar",
    "rajab",
    "shaaban",
    "sha'ban",
    "ramadan",
    "ramadhan",
    "ramazan",
    "shawwal",
    "farvardin",
    "ordibehesht",
    "khordad",
    "tir",
    "mordad",
    "shahrivar",
    "mehr",
    "aban",
    "azar",
    "dey",
    "bahman",
    "esfand",
    "hamal",
    "sawr",
    "jawza",
    "saratan",
    "asad",
    "sunbula",
    "mizan",
    "aqrab",
    "qaws",
    "jadi",
    "dalw",
    "hut",
    "meskerem",
    "tikimt",
    "hidar",
    "tahsas",
    "yekatit",
    "megabit",
    "miyazya",
    "ginbot",
    "sene",
    "hamle",
    "nehasse",
    "pagume",
]
