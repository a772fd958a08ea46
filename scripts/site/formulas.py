"""Formulas as the pages write them, in plain text with the signs of physics, turned into TeX.

The pages are read in editors and terminals as well, so that they keep plain text as their one source:

    E₊|₋ = N₊/γ₊ + s Re[κ*(2R/γ₊ + Q/N₋)]/(γ₋ + γ₊)      L_k = s e^{iφ} √Γ₋B a₋

A letter carries accents, subscripts (₋, ₀, ``_jk``, ``_{j<n}``) and superscripts (†, ², ``^{iφ}``); √ reaches over the
next letter or bracket; Σ and Π with a subscript are a sum and a product; [[ a, b ], [ c, d ]] is a matrix and [X; Y] a
column; three spaces and more separate formulas; words of three and more small letters are text.
"""

import re
import unicodedata

from scripts.site.signs import FUNCTIONS, LETTERS, MARKS, OPERATORS, SUBSCRIPTS, SUPERSCRIPTS

__all__ = ["UnknownSignError", "display", "tex"]

_CLOSING = {"(": ")", "[": "]", "{": "}"}
_SHORT_WORDS = frozenset(["of", "at", "is", "in", "as", "to", "no", "by", "on", "or", "if", "be", "an", "it", "we"])
_WORD = re.compile(r"[A-Za-z]+(?![\u0300-\u036f])")
# F_hx is F with the index h, times x; of several letters are only words, and indices that are named here
_PLAIN_SUBSCRIPT = re.compile(
    r"[a-z]{3,}(?![a-z_])|(?:in|ex|eff|LO|GG|[xY]{2}|[Jc]{2}|[ijklmnpq]{2}|[ijk][BP]|ab|[a-z]?[0-9]+)(?![A-Za-z0-9_])|\S"
)


class UnknownSignError(ValueError):
    """A formula has a sign that is not in the tables, or a bracket that is not closed."""


def tex(formula: str) -> str:
    """One formula. Raises UnknownSignError for a sign that is not known, or unbalanced brackets."""
    reader = _Reader(unicodedata.normalize("NFD", formula).replace("=\u0338", "≠"))
    return re.sub(r"\s+", " ", re.sub(r" (?=[})\]^_])", "", reader.sequence(""))).strip()


def display(block: str) -> list[list[str]]:
    """The formulas of a block: for each line those that stand beside each other. Raises as ``tex``."""
    return [[tex(cell) for cell in _cells(line)] for line in block.split("\n") if line.strip()]


def _cells(line: str) -> list[str]:
    """The parts between runs of three spaces outside brackets; spaces that align an equality separate nothing."""
    line = re.sub(r"\s+(?=(=|∋|←|∝)\s)", " ", line.strip())
    cells, depth, start = [], 0, 0
    for found in re.finditer(r"[(\[{]|[)\]}]|   +", line):
        if found[0] in "([{":
            depth += 1
        elif found[0] in ")]}":
            depth -= 1
        elif depth == 0:
            cells.append(line[start : found.start()])
            start = found.end()
    return [cell for cell in (*cells, line[start:]) if cell.strip()]


class _Reader:
    """Reads one formula from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def peek(self, length: int = 1) -> str:
        return self.text[self.at : self.at + length]

    def sequence(self, closing: str) -> str:
        """All up to the closing bracket, which is taken; with no bracket, all that is left."""
        out: list[str] = []
        while self.at < len(self.text):
            if closing and self.peek() == closing:
                self.at += 1
                return "".join(out)
            out.append(self.item())
        if closing:
            raise UnknownSignError(f"no {closing} in the formula: {self.text}")
        return "".join(out)

    def item(self) -> str:
        """An operator, text, or a letter with all that it carries."""
        if self.peek().isspace():
            self.at += 1
            return " "
        if self.peek(4) == "h.c.":
            self.at += 4
            return r"\text{h.c.}"
        if words := self.words():
            return words
        if match := re.compile(r"d/d([tshτ])(?!\w)").match(self.text, self.at):
            self.at = match.end()
            return rf"\frac{{d}}{{d{_letter(match[1])}}}"
        if self.peek() in "|‖" and self.at:
            sign = self.peek()
            self.at += 1
            return self.scripted(OPERATORS[sign], sign)
        if self.peek() in OPERATORS and self.peek() != "⟨":
            self.at += 1
            return OPERATORS[self.text[self.at - 1]]
        return self.scripted(*self.base())

    def words(self) -> str:
        """Words of a sentence, joined."""
        found: list[str] = []
        at = self.at
        while match := re.compile(r"([A-Za-z][A-Za-z'-]*)(?![\u0300-\u036f_^\w(′†*])").match(self.text, at):
            after = re.compile(r"\s[a-z]{3}").match(self.text, match.end())
            if not (_is_text(match[1]) or (match[1] == "a" and (found or (after and not self.function(match.end()))))):
                break
            found.append(match[1])
            self.at = match.end()
            gap = re.compile(r"[ ]+").match(self.text, self.at)
            at = gap.end() if gap else self.at
            if not gap:
                break
        return rf"\;\text{{{' '.join(found)}}}\;" if found else ""

    def function(self, at: int) -> bool:
        """Whether a function follows, as in "a cosh r"."""
        match = _WORD.match(self.text, at + 1)
        return match is not None and match[0] in FUNCTIONS

    def base(self) -> tuple[str, str]:
        """A letter with accents, a function, a number or a bracket; and the sign itself."""
        sign = self.peek()
        if sign == "√":
            return self.root(), sign
        if self.peek(2) == "[[":
            return self.matrix(), "["
        if sign in _CLOSING:
            return self.bracket(), sign
        if sign == "⟨":
            self.at += 1
            return r"\langle " + self.sequence("⟩") + r"\rangle ", sign
        if sign == "∫":
            self.at += 1
            return r"\int ", sign
        if match := _WORD.match(self.text, self.at):
            name = next((match[0][:n] for n in range(len(match[0]), 1, -1) if match[0][:n] in FUNCTIONS), "")
            if name and (name == match[0] or name in ("exp", "tr", "Tr", "Re", "Im", "log", "det")):
                self.at += len(name)
                return FUNCTIONS[name], name
        if match := re.compile(r"[0-9]+(\.[0-9]+)?|\.[0-9]+").match(self.text, self.at):
            self.at = match.end()
            return match[0], match[0]
        if not (sign.isascii() and sign.isalpha()) and sign not in LETTERS:
            raise UnknownSignError(f"the sign {sign!r} is not known in the formula: {self.text}")
        self.at += 1
        letter = LETTERS.get(sign, sign)
        if sign == "d" and re.match(r" d\w", self.text[max(self.at - 2, 0) : self.at + 1]):
            letter = r"\,d"
        while self.peek() and self.peek() in MARKS:
            letter = f"{MARKS[self.peek()]}{{{letter}}}"
            self.at += 1
        return letter + (" " if letter.startswith("\\") and letter[-1].isalpha() else ""), sign

    def root(self) -> str:
        self.at += 1
        while self.peek() == " ":
            self.at += 1
        if self.peek() == "(":
            self.at += 1
            return rf"\sqrt{{{self.sequence(')')}}}"
        base, sign = self.base()
        inner = self.scripted(base, sign)
        if sign in FUNCTIONS:
            while self.peek() == " ":
                self.at += 1
            inner += self.scripted(*self.base())
        return rf"\sqrt{{{inner}}}"

    def bracket(self) -> str:
        opening = self.peek()
        self.at += 1
        start = self.at
        inner = self.sequence(_CLOSING[opening])
        if opening == "[" and ";" in _top_level(self.text[start : self.at - 1]):
            return _matrix([[part] for part in inner.split(";")])
        tall = "pmatrix" in inner
        left, right = (rf"\{opening}", rf"\{_CLOSING[opening]}") if opening == "{" else (opening, _CLOSING[opening])
        return rf"\left{left}{inner}\right{right}" if tall else f"{left}{inner}{right}"

    def matrix(self) -> str:
        """[[ a, b ], [ c, d ]]."""
        self.at += 1
        rows = []
        while True:
            self.at += 1
            start = self.at
            _Reader.sequence(self, "]")
            rows.append([tex(cell) for cell in _split(self.text[start : self.at - 1])])
            gap = re.compile(r"\s*,\s*(?=\[)").match(self.text, self.at)
            if not gap:
                break
            self.at = gap.end()
        while self.peek() == " ":
            self.at += 1
        if self.peek() != "]":
            raise UnknownSignError(f"the matrix is not closed in the formula: {self.text}")
        self.at += 1
        return _matrix(rows)

    def scripted(self, base: str, sign: str) -> str:
        """The base with the subscripts and superscripts that follow it."""
        below, above, primes = "", "", ""
        while rest := self.peek():
            if rest in SUBSCRIPTS:
                below += SUBSCRIPTS[rest]
                self.at += 1
                if sign == "Γ" and self.peek() in ("B", "P"):
                    below += self.peek()
                    self.at += 1
                elif sign != "(" and self.peek(2) in ("|₋", "|₊"):
                    below += "|"
                    self.at += 1
                elif self.peek(3) == ",in":
                    below += r",\mathrm{in}"
                    self.at += 3
            elif rest == "±" and not above and re.match(r"[^\w\s]|\s|$", self.text[self.at + 1 : self.at + 2]):
                if self.text[self.at - 1].isspace():
                    break
                below += r"\pm"
                self.at += 1
            elif rest == "*" and re.match(r"\w", self.text[self.at + 1 : self.at + 2]) and base.isdigit():
                break
            elif rest in SUPERSCRIPTS:
                above += SUPERSCRIPTS[rest]
                self.at += 1
            elif rest in "′″'":
                primes += {"′": "'", "'": "'", "″": "''"}[rest]
                self.at += 1
            elif rest == "_":
                below += self.subscript()
            elif rest == "^":
                above += self.superscript()
            else:
                break
        if below and sign in "ΣΠ":
            base = {"Σ": r"\sum", "Π": r"\prod"}[sign]
        return base.rstrip() + primes + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "") + " "

    def subscript(self) -> str:
        self.at += 1
        if self.peek() == "{":
            self.at += 1
            return self.sequence("}")
        match = _PLAIN_SUBSCRIPT.match(self.text, self.at)
        if not match:
            raise UnknownSignError(f"nothing after _ in the formula: {self.text}")
        self.at = match.end()
        word = match[0]
        upright = word in ("in", "ex", "LO") or re.fullmatch("[a-z]{3,}", word)
        return rf"\mathrm{{{word}}}" if upright else tex(word) if len(word) == 1 else "".join(map(_letter, word))

    def superscript(self) -> str:
        self.at += 1
        closing = {"{": "}", "(": ")"}.get(self.peek())
        if closing:
            self.at += 1
            return self.sequence(closing)
        if self.peek() == "#":
            self.at += 1
            return r"\#"
        return self.base()[0].rstrip()


def _letter(sign: str) -> str:
    return LETTERS.get(sign, sign) + (" " if sign in LETTERS else "")


def _is_text(word: str) -> bool:
    """Whether letters are a word of a sentence and no product of variables."""
    if word in FUNCTIONS:
        return False
    return word in _SHORT_WORDS or re.fullmatch(r"[A-Za-z]?[a-z]{3,}(-[a-z]+)*", word) is not None or word in _THREE


# words of three letters, which may else be products of variables
_THREE = frozenset({
    "and", "all", "any", "are", "for", "has", "its", "not", "one", "per", "the", "two", "tri", "lag", "was",
    "off", "new", "old", "sum",
})  # fmt: skip


def _top_level(text: str) -> str:
    """The text without what is in brackets."""
    while (shorter := re.sub(r"[(\[{][^()\[\]{}]*[)\]}]", "", text)) != text:
        text = shorter
    return text


def _split(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return parts


def _matrix(rows: list[list[str]]) -> str:
    return r"\begin{pmatrix}" + r" \\ ".join(" & ".join(row) for row in rows) + r"\end{pmatrix}"
