"""Laws of the calculator: it agrees with Python's fractions, and reads its own normalised text back the same."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from tools.calculator import Calculation, calculate
from tools.calculator.spelled import TENS, UNITS, spelled_value

_SIGNS = {"+": "+", "-": "-", "\u2212": "-", "*": "*", "\u00d7": "*", "/": "/", "÷": "/", "plus": "+", "times": "*"}
_WRAPPERS = ("What is {}?", "{}", "Compute {}.", "Please calculate {}", "{} = ?")


@dataclass(frozen=True)
class Written:
    """A text and the fraction Python gives it; None where Python divides by zero."""

    text: str
    value: Fraction | None


def combine(left: Written, sign: str, right: Written) -> Fraction | None:
    if left.value is None or right.value is None:
        return None
    match _SIGNS[sign]:
        case "+":
            return left.value + right.value
        case "-":
            return left.value - right.value
        case "*":
            return left.value * right.value
        case _:
            return left.value / right.value if right.value else None


def numbers() -> st.SearchStrategy[Written]:
    whole = st.integers(min_value=0, max_value=10**9)
    places = st.integers(min_value=0, max_value=4)
    return st.builds(_number, whole, places, grouped=st.booleans())


def _number(digits: int, places: int, *, grouped: bool) -> Written:
    value = Fraction(digits, 10**places)
    whole, rest = divmod(digits, 10**places)
    text = f"{whole:,}" if grouped else str(whole)
    return Written(f"{text}.{rest:0{places}d}" if places else text, value)


def expressions() -> st.SearchStrategy[Written]:
    return st.recursive(numbers(), _nested, max_leaves=8)


def _nested(inner: st.SearchStrategy[Written]) -> st.SearchStrategy[Written]:
    pairs = st.builds(
        lambda left, sign, right: Written(f"({left.text} {sign} {right.text})", combine(left, sign, right)),
        inner,
        st.sampled_from(tuple(_SIGNS)),
        inner,
    )
    negated = inner.map(lambda one: Written(f"(-{one.text})", None if one.value is None else -one.value))
    return pairs | negated


def value_of(question: str) -> Fraction:
    answer = calculate(question)
    assert isinstance(answer, Calculation), (question, answer)
    return Fraction(answer.value.split(" ≈ ")[0])


@given(
    expressions(), expressions(), st.sampled_from(tuple(_SIGNS)), st.sampled_from(("What is {}?", "{}", "Compute {}."))
)
def test_nested_expressions_agree_with_fractions(left: Written, right: Written, sign: str, wrapper: str) -> None:
    expected = combine(left, sign, right)
    assume(expected is not None)

    assert value_of(wrapper.format(f"{left.text} {sign} {right.text}")) == expected


@given(st.lists(st.tuples(st.sampled_from("+-*/"), st.integers(1, 999)), min_size=1, max_size=8), st.integers(1, 999))
def test_signs_bind_as_in_school(rest: list[tuple[str, int]], first: int) -> None:
    text = f"{first}" + "".join(f" {sign} {number}" for sign, number in rest)
    terms = [Fraction(first)]
    for sign, number in rest:
        if sign in "+-":
            terms.append(Fraction(number if sign == "+" else -number))
        else:
            terms[-1] *= Fraction(number) if sign == "*" else Fraction(1, number)

    assert value_of(f"What is {text}?") == sum(terms)


@given(expressions(), st.integers(0, 12))
def test_powers_agree_with_fractions(base: Written, exponent: int) -> None:
    assume(base.value is not None and base.value != 0)
    assert base.value is not None

    assert value_of(f"Compute ({base.text})^{exponent}") == base.value**exponent


@given(numbers(), numbers())
def test_percentages_agree_with_fractions(share: Written, whole: Written) -> None:
    assert share.value is not None
    assert whole.value is not None

    assert value_of(f"What is {share.text}% of {whole.text}?") == share.value * whole.value / 100
    assert value_of(f"Increase {whole.text} by {share.text} percent") == whole.value * (1 + share.value / 100)


@given(expressions(), expressions(), st.sampled_from(tuple(_SIGNS)))
def test_the_normalised_expression_reads_back_to_the_same_value(left: Written, right: Written, sign: str) -> None:
    answer = calculate(f"Compute {left.text} {sign} {right.text}")
    assume(isinstance(answer, Calculation))
    assert isinstance(answer, Calculation)

    again = calculate(f"Compute {answer.expression}")

    assert again == answer


@given(numbers(), st.integers(2, 5))
def test_a_root_of_a_power_is_the_number(base: Written, degree: int) -> None:
    assert base.value is not None

    assert value_of(f"What is the {degree}th root of ({base.text}^{degree})?") == base.value


@given(st.integers(0, 999_999_999))
def test_spelled_numbers_are_read_as_they_are_spelled(number: int) -> None:
    assert spelled_value(spell(number)) == number


_SMALL = {value: word for word, value in UNITS.items()}
_TENS = {value: word for word, value in TENS.items()}


def spell(number: int) -> list[str]:
    millions, rest = divmod(number, 1_000_000)
    thousands, ones = divmod(rest, 1000)
    words = [*_hundreds(millions), "million"] if millions else []
    words += [*_hundreds(thousands), "thousand"] if thousands else []
    return words + (_hundreds(ones) if ones or not words else [])


def _hundreds(number: int) -> list[str]:
    hundreds, rest = divmod(number, 100)
    words = [_SMALL[hundreds], "hundred"] if hundreds else []
    if rest >= 20:
        return [*words, _TENS[rest - rest % 10], *([_SMALL[rest % 10]] if rest % 10 else [])]
    return words + ([_SMALL[rest]] if rest or not words else [])
