"""The signs in which the pages write formulas, and their names in TeX."""

__all__ = ["FUNCTIONS", "LETTERS", "MARKS", "OPERATORS", "SUBSCRIPTS", "SUPERSCRIPTS", "TEXT_OPERATORS"]

_GREEK = [
    "Γ", "Gamma", "Δ", "Delta", "Θ", "Theta", "Λ", "Lambda", "Ξ", "Xi", "Π", "Pi", "Σ", "Sigma", "Φ", "Phi",
    "Ψ", "Psi", "Ω", "Omega", "α", "alpha", "β", "beta", "γ", "gamma", "δ", "delta", "ε", "varepsilon", "ζ",
    "zeta", "η", "eta", "θ", "theta", "ϑ", "vartheta", "κ", "kappa", "λ", "lambda", "μ", "mu", "ν", "nu", "ξ",
    "xi", "π", "pi", "ρ", "rho", "σ", "sigma", "τ", "tau", "φ", "varphi", "χ", "chi", "ψ", "psi", "ω", "omega",
    "ℓ", "ell", "ħ", "hbar",
]  # fmt: skip

LETTERS = {sign: rf"\{name}" for sign, name in zip(_GREEK[::2], _GREEK[1::2], strict=True)}
LETTERS |= {chr(ord("𝖠") + i): rf"\mathsf{{{chr(65 + i)}}}" for i in range(26)}
LETTERS |= {chr(ord("𝒜") + i): rf"\mathcal{{{chr(65 + i)}}}" for i in range(26)}
LETTERS |= {chr(ord("𝓐") + i): rf"\mathcal{{{chr(65 + i)}}}" for i in range(26)}
LETTERS |= {
    "½": r"\tfrac12",
    "¼": r"\tfrac14",
    "𝟙": r"\mathbb{1}",
    "ø": r"\text{ø}",
    "∞": r"\infty",
    "∂": r"\partial",
    "∇": r"\nabla",
}
LETTERS |= {"…": r"\ldots", "%": r"\%"}

# accents, which follow their letter
MARKS = {"\u0304": r"\bar", "\u0307": r"\dot", "\u0302": r"\hat", "\u0303": r"\tilde", "\u0308": r"\ddot"}

OPERATORS = {
    "−": "-", "±": r"\pm", "∓": r"\mp", "·": r"\cdot ", "×": r"\times ", "⊗": r"\otimes ", "→": r"\to ",
    "←": r"\leftarrow ", "↦": r"\mapsto ", "≥": r"\ge ", "≤": r"\le ", "≠": r"\ne ", "≈": r"\approx ", "≪": r"\ll ",
    "≫": r"\gg ", "∝": r"\propto ", "∋": r"\ni ", "∈": r"\in ", "◁": r"\triangleleft ", "⟨": r"\langle ",
    "⟩": r"\rangle ", "‖": r"\|", "=": "=", "+": "+", "<": "<", ">": ">", "/": "/", "|": "|", ",": ",", ";": ";",
    ":": ":", ".": ".", "-": "-", "#": r"\#", "~": r"\sim ", "∼": r"\sim ", "*": "*", "∪": r"\cup ",
    "!": "!", "°": r"^{\circ}", "≡": r"\equiv ", "⊂": r"\subset ", "∘": r"\circ ",
}  # fmt: skip

# of these, the ones that join two parts of a formula in a sentence
TEXT_OPERATORS = frozenset("=+−±∓·×⊗→←↦≥≤≠≈≪≫∝∋∈◁<>/⊂≡")

SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙₖⱼᵢₘₐₑₓ", "0123456789+-nkjimaex", strict=True)) | {"⊥": r"\perp "}
SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿʰʲʳᵗⁱᵏᵐ", "0123456789+-nhjrtikm", strict=True))
SUPERSCRIPTS |= {"†": r"\dagger ", "ᵀ": r"\mathsf{T}", "*": "*"}

_NAMED = ["cos", "sin", "tan", "cot", "cosh", "sinh", "tanh", "coth", "exp", "log", "ln", "det", "max", "min", "arg"]
FUNCTIONS = {name: rf"\{name} " for name in _NAMED}
_UPRIGHT = [
    "tr",
    "Tr",
    "Re",
    "Im",
    "diag",
    "Cov",
    "Var",
    "ad",
    "cov",
    "rank",
    "sign",
    "erf",
    "erfc",
    "artanh",
    "arcosh",
]
FUNCTIONS |= {name: rf"\operatorname{{{name}}}" for name in _UPRIGHT}
