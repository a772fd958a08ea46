"""Finds the formulas in sentences of the pages, where nothing marks them: "At C₋ = 50 the rate √Γ_B a is …"."""

import re
import unicodedata

from scripts.site.formulas import UnknownSignError, tex
from scripts.site.signs import FUNCTIONS, TEXT_OPERATORS

__all__ = ["formulas_in"]

_CALLS = "|".join(sorted(FUNCTIONS, key=len, reverse=True))
# signs that only formulas have; an underscore or a hat joins a letter to its index
_OF_FORMULAS = re.compile(
    r"[\u0370-\u03ff½¼√∫∂𝟙ℓħ†ᵀ′″⟨⟩‖₀-₉₊₋ₙ⁰¹²³⁴-⁹⁻⁺ⁿ\u0302-\u0307𝒜-𝔏𝖠-𝖹∞]|(?<=[\w)])[_^]|^\(?[a-zA-Z]\([^)]|\w·\w|W⊥"
)
_WEAK = re.compile(rf"[A-Za-z]|[0-9.]+|[A-Z]{{2}}|{_CALLS}|\.\.\.|…")
_DIFFERENTIAL = re.compile(r"[A-Z]?d[a-np-zA-Z]")
# a letter that stands alone in a sentence and is no word
_VARIABLE = re.compile(r"[B-HJ-Zb-z][,;:]?|[b-z]\.")
_SENTENCE = re.compile(r"[a-z]{3,}|[A-Z][a-z]{3,}")


def formulas_in(text: str) -> list[tuple[bool, str]]:
    """The text cut into parts, each with whether it is a formula; joined again they are the text."""
    words = re.findall(r"\s+|\S+", text)
    parts: list[tuple[bool, str]] = []
    at = 0
    while at < len(words):
        length = _formula(words, at) or int(_is_variable(words, at))
        if not length:
            parts.append((False, words[at]))
            at += 1
            continue
        before, formula, after = _bare("".join(words[at : at + length]))
        parts += [(False, before), (True, formula), (False, after)]
        at += length
    return _joined([part for part in parts if part[1]])


def _is_variable(words: list[str], at: int) -> bool:
    """Whether a letter alone in a sentence is one of physics: no article, initial or part of a name."""
    before = next((word for word in reversed(words[:at]) if not word.isspace()), "")
    if before in ("Appendix", "Rev.", "Secs.", "Sec."):
        return False
    # at the beginning of a sentence it may be the article
    is_matrix = words[at] in ("A", "A,") and before != "" and before[-1] not in ".:?!"
    return is_matrix or _VARIABLE.fullmatch(words[at]) is not None


def _formula(words: list[str], at: int) -> int:
    """How many words from here on are one formula; 0 for none."""
    best, strong = 0, False
    if words[at].isspace():
        return 0
    for end in range(at, len(words)):
        word = words[end]
        if word.isspace():
            if "\n\n" in word:
                break
            continue
        kind = _kind(word)
        run = "".join(words[at : end + 1])
        last = _next(words, end)
        if kind == "text":
            break
        between = kind == "operator" and end > at and _kind(last) != "text"
        strong = strong or kind == "strong" or (between and not (word in "−+/·" and re.match("[0-9.]", last)))
        strong = strong or (
            "," in run and _depth(run) == 0 and run[0] in "([" and re.search("[A-Za-z]", run) is not None
        )
        if end == at and kind == "operator":
            break
        if end == at and kind == "weak" and not _goes_on(word, last):
            break
        if end > at and kind == "weak" and not _continues(words, at, end, last):
            break
        if strong and kind != "operator" and _readable(run):
            best = end + 1 - at
        if re.search(r"[,;:.]$", word) and word != "h.c." and _depth(run) <= 0:
            break
    return best


def _goes_on(word: str, after: str) -> bool:
    """Whether a letter, number or function alone begins a formula, by the word after it."""
    kind = _kind(after) if after else "text"
    if word in FUNCTIONS:
        return kind in ("strong", "weak")
    if _depth(word) > 0:
        return kind != "text"
    if re.fullmatch(r"[−+]?[0-9.]+|[B-DF-Zi]", word):
        return kind in ("operator", "strong")
    return kind == "operator"


def _continues(words: list[str], at: int, end: int, after: str) -> bool:
    """Whether a letter or number belongs to the formula before it."""
    before = next(word for word in reversed(words[at:end]) if not word.isspace())
    open_bracket = _depth("".join(words[at:end])) > 0
    joined = before in TEXT_OPERATORS or before.lstrip("(") in FUNCTIONS or open_bracket
    word = words[end]
    if joined or _DIFFERENTIAL.fullmatch(word.rstrip(",;:.)")):
        return True
    if word in FUNCTIONS:
        return _kind(after) in ("strong", "weak")
    if word[0].isdigit():
        return False
    return word.rstrip(",;:.") not in ("a", "A", "I") or not after or _kind(after) == "operator" or word[-1] in ",;:."


def _next(words: list[str], at: int) -> str:
    return next((word for word in words[at + 1 :] if not word.isspace()), "")


def _kind(word: str) -> str:
    """``operator``, ``strong`` for what only a formula has, ``weak`` for letters and numbers, or ``text``."""
    if not word or word in TEXT_OPERATORS:
        return "operator" if word else "text"
    if word in FUNCTIONS:
        return "weak"
    if word == "h.c." or _DIFFERENTIAL.fullmatch(word.rstrip(",;:.)")):
        return "weak"
    core = _bare(word)[1] if not re.search(r"[(\[{]", word.rstrip(",;:.")) else word.rstrip(",;:.")
    plain = unicodedata.normalize("NFD", core)
    outside = re.sub(rf"_\{{[^}}]*\}}|_\w+|\b(?:{_CALLS})\b|sim/\S+", "", plain)
    if _SENTENCE.search(outside) or re.search(r"\w-\w|[A-Za-z]/[a-z]{2}|@|://|'s$", plain):
        return "text"
    if _OF_FORMULAS.search(plain):
        return "strong"
    if _WEAK.fullmatch(plain.strip("()[]{}|,−+")) or re.fullmatch(r"[|(\[{)\]}−+0-9A-Za-z.,/]{1,6}", plain):
        return "weak" if re.search(r"[0-9A-Za-z]", plain) and not re.fullmatch(r"[a-z]{2,}", plain) else "text"
    return "text"


def _bare(run: str) -> tuple[str, str, str]:
    """What stands before a formula, the formula, and what follows it: unbalanced brackets, commas, a full stop."""
    before = after = ""
    while run:
        if re.search(r"[,;:.?!]$", run) and not run.endswith(("…", "h.c.")):
            run, after = run[:-1], run[-1] + after
        elif run[0] in "([{" and _unclosed(run):
            run, before = run[1:], before + run[0]
        elif run[-1] in ")]}" and _depth(run) < 0:
            run, after = run[:-1], run[-1] + after
        else:
            break
    return before, run, after


def _depth(run: str) -> int:
    return sum(run.count(sign) for sign in "([{") - sum(run.count(sign) for sign in ")]}")


def _unclosed(run: str) -> bool:
    """Whether the first bracket is never closed."""
    depth = 0
    for sign in run:
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return False
    return True


def _readable(run: str) -> bool:
    """Whether what is left without punctuation is a formula as a whole."""
    formula = _bare(run)[1]
    try:
        return bool(formula) and _depth(formula) == 0 and bool(tex(formula))
    except UnknownSignError:
        return False


def _joined(parts: list[tuple[bool, str]]) -> list[tuple[bool, str]]:
    out: list[tuple[bool, str]] = []
    for is_formula, text in parts:
        if out and not is_formula and not out[-1][0]:
            out[-1] = (False, out[-1][1] + text)
        else:
            out.append((is_formula, text))
    return out
