"""An exact calculator for questions in plain English: it answers exactly or declines, and never guesses.

`tokens` and `spelled` read the words, `wrapping` takes politeness off, `infix`, `readings`
and `phrases` are the grammar, `evaluation` computes. Imported by wiring; everything else takes it through a port.
"""

from __future__ import annotations

from tools.calculator.calculation import Calculation, Declined, calculate

__all__ = ["Calculation", "Declined", "calculate"]
