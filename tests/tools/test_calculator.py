"""What the calculator answers: examples of every form it reads, with the exact value."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tools.calculator import Calculation, calculate

ANSWERED = {
    "What is 17.5% of 2340?": "409.5",
    "Compute (3 + 4) * 12 - 5^2": "59",
    "What is 2 to the power of 64?": "18446744073709551616",
    "square root of 144": "12",
    "What is 10 / 3?": "10/3 ≈ 3.333333333",
    "What is the square root of 2?": "sqrt(2) ≈ 1.414213562",
    "What is 2^0.5?": "sqrt(2) ≈ 1.414213562",
    "What is sqrt(8) * sqrt(2)?": "4",
    "1 / (1 + sqrt(2))": "-1 + sqrt(2) ≈ 0.4142135624",
    "What is 0.1 + 0.2?": "0.3",
    "What is twenty-five plus seventeen?": "42",
    "What is two hundred and five plus five?": "210",
    "What is 3 million plus 5?": "3000005",
    "Please calculate the sum of 1,200, 300 and 45.": "1545",
    "What is the product of 6 and 7?": "42",
    "What is the difference between 10 and 4?": "6",
    "What is the average of 2, 4 and 9?": "5",
    "What is the quotient of 91 and 7?": "13",
    "What is the remainder when 17 is divided by 5?": "2",
    "What is the remainder of 100 divided by 7?": "2",
    "17 mod 5": "2",
    "gcd(12,18)": "6",
    "What is the greatest common divisor of 48 and 36?": "12",
    "What is the lcm of 4, 6 and 10?": "60",
    "What is 6!?": "720",
    "What is the factorial of 10?": "3628800",
    "3 squared plus 4 squared": "25",
    "What is the cube root of 27?": "3",
    "What is 8^(2/3)?": "4",
    "What is 15% of 20% of 300?": "9",
    "Increase 80 by 25%": "100",
    "What is 80 decreased by 12.5 percent?": "70",
    "What is 30% less than 90?": "63",
    "20 is what percent of 80?": "25%",
    "What is 20 as a percentage of 80?": "25%",
    "What is 2/3 of 60?": "40",
    "What is half of 30?": "15",
    "Multiply 12 by 12.5": "150",
    "Subtract 3 from 10": "7",
    "What does 3 + 4 equal?": "7",
    "12 x 12 = ?": "144",
    "How much is 1,234.5 \u00d7 2 \u2212 3 \u00f7 4?": "2468.25",
    "Could you please tell me what is 12 plus 7 minus 5?": "14",
    "What is 5 - -3?": "8",
    "What is 2^-3?": "0.125",
}


@pytest.mark.parametrize(("question", "value"), ANSWERED.items())
def test_a_calculation_is_answered_exactly(question: str, value: str) -> None:
    answer = calculate(question)

    assert isinstance(answer, Calculation)
    assert answer.value == value


def test_the_answer_shows_what_was_read() -> None:
    percentage = calculate("What is 17.5 percent of 2,340?")
    root = calculate("the square root of 2")

    assert percentage == Calculation("17.5% of 2340", "409.5", "17.5% of 2340 = 409.5")
    assert root == Calculation("sqrt(2)", "sqrt(2) ≈ 1.414213562", "sqrt(2) ≈ 1.414213562")


def test_sympy_is_imported_only_for_irrational_results() -> None:
    program = (
        "import sys; from tools.calculator import calculate; calculate('square root of 9'); calculate('17.5% of 2340')"
        "; before = 'sympy' in sys.modules; calculate('square root of 2'); print(before, 'sympy' in sys.modules)"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)

    assert printed.stdout.split() == ["False", "True"]
