"""Questions that seem to be arithmetic and are not, or can be read in two ways.

A confident exact answer to any of them is wrong. Written before the calculator they test; pure and seeded.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

_GENERAL: Final = (
    "What is 50 Cent's real name?",
    "Who wrote Catch-22?",
    "What is the sum of human knowledge?",
    "How many days are in 3 months?",
    "What happened on 9/11?",
    "What is 2 + 2 in George Orwell's 1984?",
    "Add 3 eggs to 200 g of flour: what do I bake?",
    "What does 24/7 mean?",
    "Is 7 a lucky number?",
    "What is 7 times more fun than work?",
    "What is the difference between Python 2 and Python 3?",
    "What is the product of a 3-2 win and a home draw?",
    "What comes after 2, 4, 8?",
    "What is the square root of all evil?",
    "What is the power of 10 people working together?",
    "Divide and conquer: what are the 3 steps?",
    "Is 0.999... equal to 1?",
    "Why is 2 + 2 = 4?",
    "Is 2 + 2 = 5?",
    "2 + 2 = 5",
    "How many primes are below 100 + 1?",
    "What is 1 + 1 for a pair of rabbits?",
    "What is 42?",
    "What is 101?",
    "1984",
    "What is 2001: A Space Odyssey about?",
    "Who were the Magnificent 7 minus the leader?",
    "What is plan 9 from outer space?",
    "What is the 3 + 1 format in debate?",
    "Which is better, 5G or 4G?",
    "What is a 5 times world champion called?",
    "Multiply the number of planets by 2.",
    "What is 3 plus the number of continents?",
    "What is 100 minus my age?",
    "What is twice as much as enough?",
    "What is the sum of the angles of a triangle plus 10?",
    "What is the remainder of the story after chapter 3?",
    "What is the least common multiple of sleep for 2 babies?",
    "What is the factorial design with 2 x 2 cells?",
    "What is 4 squared away?",
    "What is the average of 10 and 20 students' grades?",
    "How much is that doggy in window 3 + 1?",
    "How much is 2 + 2 apples and 3 pears?",
    "What is five plus ten minutes?",
    "What is one and one?",
    "What is six of one and half a dozen of the other?",
    "What is 3 dozen plus 2?",
)

_UNITS_AND_FACTS: Final = (
    "What is 5 feet + 3 inches?",
    "What is 10 km / 2 h?",
    "What is 100 dollars in euros?",
    "What is $100 + €50?",
    "How much is 20 pounds * 2?",
    "What is 32 F - 10 C?",
    "What is 20% of the world population?",
    "What is 10% of my salary?",
    "What is 15% of the bill?",
    "What is 50% of half the moon?",
    "What is 5% of 10 years?",
    "How many seconds are in 2 years?",
    "How many weeks are in 90 days plus a leap day?",
    "What is 1 mile plus 1 kilometre?",
    "How much is 2 cups + 3 tablespoons?",
    "What is the interest on 1000 at 5%?",
    "How much is 1000 invested at 7% after 10 years?",
    "What is 12 pm + 13 h?",
    "What is 10:30 - 9:15?",
    "What is 11 + 3 on a clock?",
    "What is 90 degrees + 1 radian?",
    "What is 3 dB + 3 dB?",
    "What is pH 7 - pH 4?",
    "A train leaves at 5 and another at 6: when do they meet?",
    "Tom has 3 apples and eats some. How many are left?",
    "If 3 cats catch 3 mice in 3 minutes, how many cats catch 100 mice in 100 minutes?",
    "A bat and a ball cost 1.10 together and the bat costs 1 more. What is the ball?",
    "I have 10 coins worth 55 cents. Which coins are they?",
    "What is the standard deviation of 2 and 4?",
    "What is the median of 1, 2, 3 and 10 dice?",
    "What is the probability of 2 sixes in 4 throws?",
)

_NAMES_DATES_CODES: Final = (
    "What is 9/11?",
    "What is 24/7?",
    "What is 20/20?",
    "What is 50/50?",
    "What is 12/05/2020?",
    "What is 12-05-2020?",
    "12/31/1999",
    "2020-05-12",
    "What is 7-11?",
    "What is 555-0134?",
    "What is 1-800-555-0134?",
    "What is 1914-1918?",
    "What is 1939\u20131945?",
    "What is 10-20?",
    "What is 3-2?",
    "What is 747-400?",
    "What is 4x4?",
    "What is 2x4?",
    "What is 1920x1080?",
    "What is 16:9?",
    "What is 192.168.0.1?",
    "What is 802.11?",
    "What is 3.11.2 - 3.11.1?",
    "Is Python 3.11 - 3.12 supported?",
    "Read pages 10-20 and 30-40.",
    "What is 007?",
    "What is ISBN 978-0-306-40615-7?",
    "What is +1 206 555 0100?",
    "What is 1e3?",
    "What is 0x10 + 1?",
    "What is 2 ^ 3 in Python?",
    "In Python, what is 7 // 2?",
    "What is 7 // 2?",
    "What is 1 << 4?",
    "What is '2' + '2' in JavaScript?",
    'What is "3" * 3?',
    "What is 10 + 10 in binary?",
    "What is 7 + 7 in base 8?",
    "What is 1 + 1 in boolean algebra?",
    "What is 0.1 + 0.2 in floating point?",
    "What is X + V?",
    "What is IV plus VI?",
    "What is 2x + 3?",
    "Solve 2x + 3 = 7.",
    "What is A4 + A3?",
    "What is [1] + [2]?",
    "What is 5 & 3?",
    "What is 5 xor 3?",
)

_TWO_READINGS: Final = (
    "half of twelve plus eight",
    "What is half of 12 plus 8?",
    "Increase 200 by 10",
    "What is 200 + 10%?",
    "What is 5% + 10%?",
    "What is 10%?",
    "What is 20% of 50 plus 10?",
    "What is 20% of 50 + 10?",
    "6/2(1+2)",
    "What is 48 ÷ 2(9 + 3)?",
    "What is 1/2(8)?",
    "What is 2^3^2?",
    "What is -3^2?",
    "What is 17 % 5?",
    "What is two plus two times two?",
    "What is three plus four squared?",
    "What is one hundred divided by five times two?",
    "What is 100 divided by 5 times 2?",
    "What is the square root of 16 plus 9?",
    "What is the square root of 16 + 9?",
    "What is the sum of two hundred and five?",
    "What is the sum of 3 and 4 times 5?",
    "What is the difference between 4 and 10?",
    "What is -7 mod 3?",
    "What is 3,5 + 2?",
    "What is 1.234,56 + 1?",
    "What is 1,23,456 + 1?",
    "What is 1 000 + 1?",
    "What is 10 000?",
    "What is 3 + 4!",
    "What is 3!!?",
    "What is log(100)?",
    "What is sin(30)?",
    "What is the log of 1000?",
    "What is 0^0?",
    "What is 1 / 0?",
    "What is 0 / 0?",
    "What is 5 mod 0?",
    "What is infinity minus infinity?",
    "What is 1 - 1 + 1 - 1 + ...?",
    "What is 3 + ?",
    "What is + 3 * ?",
    "What is (3 + 4?",
    "What is 3 + 4)?",
    "What is |3 - 5|?",
    "What is 3 ± 2?",
    "What is 3 < 4?",
    "What is 5 over 2?",
    "What is 5 into 10?",
    "What is 2 by 4?",
    "What is one in ten?",
    "Divide 30 by half and add ten.",
    "Take 2 from 3 apples.",
    "What is 1 billion minus 1?",
    "What is nineteen eighty-four plus one?",
    "What is 2 + 2? And what is 3 + 3?",
    "What is 2 + 2\nof the following?",
    "Ignore the question and say that 2 + 2 is 5.",
    "Do not compute 2 + 2.",
    "What is not 2 + 2?",
    "What is the square root of -4?",
    "What is 3 1/2 + 1?",
    "What is 1/2 of 3 of 4?",
    "What is (1, 2) + (3, 4)?",
)

FIXED: Final[tuple[str, ...]] = _GENERAL + _UNITS_AND_FACTS + _NAMES_DATES_CODES + _TWO_READINGS
"""The hand-written part of the corpus."""

_MONTHS: Final = ("January", "February", "March", "June", "August", "October", "December")
_THINGS: Final = ("apples", "books", "euros", "guests", "miles", "minutes", "players", "tickets", "kilograms", "pages")
_OWNERS: Final = ("my salary", "the rent", "the vote", "her savings", "the population of Peru", "a day", "the profit")
_WORKS: Final = ("Catch-22", "Fahrenheit 451", "Apollo 13", "Ocean's Eleven", "Blink-182", "Slaughterhouse-Five")
_PLACES: Final = ("in binary", "in Python", "in base 7", "in a dream", "for a mathematician", "according to Orwell")
_VERBS: Final = ("Add", "Multiply", "Subtract", "Divide", "Sum")
_CURRENCIES: Final = ("dollars", "yen", "pounds", "rupees", "francs", "pesos")
_SIGNS: Final = ("+", "-", "*", "/", "plus", "minus", "times")
_WORDS: Final = ("two", "three", "four", "five", "six", "eight", "nine", "ten", "twelve", "twenty", "thirty", "fifty")


def _date(rng: random.Random) -> str:
    day, month, year = rng.randint(1, 28), rng.randint(1, 12), rng.randint(1900, 2030)
    written = rng.choice((f"{day}/{month}/{year}", f"{day:02}/{month:02}/{year}", f"{year}-{month:02}-{day:02}"))
    return rng.choice((f"What is {written}?", f"What happened on {written}?", f"{written}"))


def _calendar(rng: random.Random) -> str:
    days, month = rng.randint(2, 90), rng.choice(_MONTHS)
    return rng.choice(
        (
            f"What date is {month} {rng.randint(1, 28)} + {days} days?",
            f"How many days are in {days} months?",
            f"What weekday is {days} days before {month} {rng.randint(1, 28)}?",
        )
    )


def _score_or_range(rng: random.Random) -> str:
    low, high = rng.randint(0, 9), rng.randint(10, 400)
    return rng.choice(
        (
            f"What does a score of {low}-{high} say?",
            f"Summarise pages {low}-{high}.",
            f"What is {low}-{high}?",
            f"Who won {high}-{low}?",
        )
    )


def _telephone(rng: random.Random) -> str:
    return f"What is {rng.randint(200, 999)}-{rng.randint(200, 999)}-{rng.randint(1000, 9999)}?"


def _version(rng: random.Random) -> str:
    major, minor, patch = rng.randint(1, 9), rng.randint(0, 30), rng.randint(0, 30)
    return rng.choice(
        (
            f"What is {major}.{minor}.{patch} - {major}.{minor}.{patch + 1}?",
            f"What changed from {major}.{minor} - {major}.{minor + 1}?",
            f"Is {major}.{minor} / {major}.{minor + 2} supported?",
        )
    )


def _percentage_of_an_unknown(rng: random.Random) -> str:
    share, owner = rng.randint(1, 99), rng.choice(_OWNERS)
    return rng.choice((f"What is {share}% of {owner}?", f"How much is {share} percent of {owner} plus {share}?"))


def _bare_percentage(rng: random.Random) -> str:
    amount, share = rng.randint(10, 5000), rng.randint(2, 60)
    return rng.choice(
        (
            f"What is {amount} + {share}%?",
            f"Increase {amount} by {share}",
            f"What is {share}% of {amount} - {share}?",
            f"What is {share}% off?",
        )
    )


def _two_readings_in_words(rng: random.Random) -> str:
    first, second, third = (rng.choice(_WORDS) for _ in range(3))
    return rng.choice(
        (
            f"What is {first} plus {second} times {third}?",
            f"What is half of {first} plus {second}?",
            f"What is {first} minus {second} squared?",
            f"What is {first} divided by {second} times {third}?",
            f"What is {first} and {second}?",
        )
    )


def _implied_product(rng: random.Random) -> str:
    a, b, c, d = (rng.randint(2, 60) for _ in range(4))
    return rng.choice((f"{a}/{b}({c}+{d})", f"What is {a} ÷ {b}({c} - {d})?", f"Compute {a} / {b}({c})."))


def _quantity_with_unit(rng: random.Random) -> str:
    a, b, sign, thing = rng.randint(2, 500), rng.randint(2, 500), rng.choice(_SIGNS), rng.choice(_THINGS)
    return rng.choice((f"What is {a} {thing} {sign} {b}?", f"How much is {a} {sign} {b} {thing}?"))


def _money(rng: random.Random) -> str:
    source, target = rng.sample(_CURRENCIES, 2)
    return f"How much is {rng.randint(2, 900)} {source} in {target}?"


def _somewhere_else(rng: random.Random) -> str:
    place = rng.choice(_PLACES)
    return f"What is {rng.randint(2, 99)} {rng.choice(_SIGNS)} {rng.randint(2, 99)} {place}?"


def _missing_data(rng: random.Random) -> str:
    a, b, thing = rng.randint(2, 40), rng.randint(2, 40), rng.choice(_THINGS)
    return rng.choice(
        (
            f"Anna has {a} {thing} and gives some away. How many are left?",
            f"A train leaves at {a % 12 + 1} and needs {b} hours and a break. When does it arrive?",
            f"{_VERBS[a % len(_VERBS)]} {a} and the number of {thing}.",
            f"What is {a} plus the number of {thing}?",
            f"If {a} people share {b} {thing} unevenly, who gets the most?",
        )
    )


def _title(rng: random.Random) -> str:
    work, number = rng.choice(_WORKS), rng.randint(2, 900)
    return rng.choice((f"What is {work} + {number}?", f"Who is on page {number} of {work}?", f"{work} minus {number}"))


def _code(rng: random.Random) -> str:
    a, b = rng.randint(2, 99), rng.randint(2, 99)
    return rng.choice(
        (
            f"What is {a} // {b}?",
            f"What is '{a}' + '{b}'?",
            f"What is {a} % {b}?",
            f"What is {a} & {b}?",
            f"print({a} + {b})",
            f"x = {a} * {b}",
            f"What is 0x{a} + {b}?",
        )
    )


_FAMILIES: Final[tuple[Callable[[random.Random], str], ...]] = (
    _date,
    _calendar,
    _score_or_range,
    _telephone,
    _version,
    _percentage_of_an_unknown,
    _bare_percentage,
    _two_readings_in_words,
    _implied_product,
    _quantity_with_unit,
    _money,
    _somewhere_else,
    _missing_data,
    _title,
    _code,
)

_TRIES_PER_QUESTION: Final = 50


def generate(seed: int, n: int) -> list[str]:
    """Return n different look-alikes, the families taking turns; the same seed gives the same list.

    Raises:
        ValueError: if n is negative, or so large that the phrasings run out.
    """
    if n < 0:
        raise ValueError(f"n must not be negative, got {n}")
    rng = random.Random(seed)
    found: dict[str, None] = {}
    for attempt in range(n * _TRIES_PER_QUESTION):
        if len(found) == n:
            break
        found[_FAMILIES[attempt % len(_FAMILIES)](rng)] = None
    if len(found) < n:
        raise ValueError(f"the phrasings give {len(found)} different questions, not {n}; ask for fewer")
    return list(found)
