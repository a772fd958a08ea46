"""The documentation, but for the build itself, which is a step of CI: what is made of pages, names and formulas."""

import re
from pathlib import Path

import click
import pytest

import cascade_steering as cs
from cascade_steering.analysis.cli.commands.group import steering
from scripts.site import formulas, pages, prose, stage
from scripts.site.check_links import faults
from scripts.site.docstrings import as_rst
from scripts.site.facade_pages import entries

ROOT = Path(__file__).parents[2]
DOCUMENTS = stage.documents()
BLOCKS = re.findall(r"^```\n(.*?)^```$", re.sub(
    r"^```\w+\n.*?^```$", "", (ROOT / "sim" / "README.md").read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
), flags=re.DOTALL | re.MULTILINE)  # fmt: skip


def listed() -> set[str]:
    """The documents that are in a list of contents."""
    found = set()
    for name, text in DOCUMENTS.items():
        trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
        trees += re.findall(r"^\.\. toctree::\n((?:\s*\n|   .*\n?)*)", text, flags=re.MULTILINE)
        lines = [line.strip() for tree in trees for line in tree.splitlines() if line.strip()]
        folder = name.rpartition("/")[0]
        found |= {
            line[1:] if line[0] == "/" else f"{folder}/{line}".lstrip("/") for line in lines if line[0] != ":"
        }  # fmt: skip
    return found


def test_every_page_of_the_repository_is_in_the_documentation() -> None:
    written = {
        str(path.relative_to(ROOT))
        for top in (*ROOT.glob("*.md"), ROOT / "sim", ROOT / "analysis", ROOT / "scripts")
        for path in ([top] if top.is_file() else top.rglob("*.md"))
    }
    assert {page.source for page in pages.PAGES} | {"scripts/site/contents.md"} == written


def test_every_document_is_in_a_list_of_contents() -> None:
    assert len(DOCUMENTS) > 70
    assert listed() == {name.rpartition(".")[0] for name in DOCUMENTS} - {"index"}


def test_every_public_name_has_one_entry() -> None:
    names = [name for part in entries().values() for name in part]
    assert sorted(names) == sorted(cs.__all__)
    shown = re.findall(r"^\.\. auto(?:class|function|exception):: (\w+)$", "\n".join(DOCUMENTS.values()), re.MULTILINE)
    assert sorted(shown) == sorted(names)


@pytest.mark.parametrize("name", steering.commands)
def test_the_help_of_a_command_names_its_page(name: str) -> None:
    context = click.Context(steering.commands[name], info_name=name, parent=click.Context(steering))
    page = re.search(r"More: page '(.*?)' of", " ".join(context.get_help().split()))
    assert page
    assert DOCUMENTS[f"commands/{name}.rst"].startswith(f"``{page[1]}``\n")
    said = [each for each in steering.commands[name].get_params(context) if each.get_help_record(context)]
    assert DOCUMENTS[f"commands/{name}.rst"].count(".. option::") == len(said)


@pytest.mark.parametrize("path", [pytest.param(path, id=path.stem) for path in pages.tutorials()])
def test_a_tutorial_has_the_form_that_its_page_asks_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    cells = re.split(r"^# %%", text, flags=re.MULTILINE)
    assert "format_name: percent" in cells[0]
    assert re.match(r" \[markdown\]\n# # .*\?\n", cells[1])
    assert cells[-1].startswith(" [markdown]")
    assert path.name == path.name.lower()


@pytest.mark.parametrize(
    ("plain", "typeset"),
    [
        ("√Γ₋B a₋†", r"\sqrt{\Gamma_{-B}} a_{-}^{\dagger}"),
        ("E₊|₋ = N₊/γ₊", r"E_{+|-} = N_{+} /\gamma_{+}"),
        ("x̂ + γ̃₀(n̄ + ½)", r"\hat{x} + \tilde{\gamma}_{0} (\bar{n} + \tfrac12)"),
        ("Σ_k √η_k L_kρ", r"\sum_{k} \sqrt{\eta_{k}} L_{k} \rho"),
        ("Σ(G + Im C†C)", r"\Sigma (G + \operatorname{Im} C^{\dagger} C)"),
        ("[[ a, f(b, c) ], [ 0, 1 ]]", r"\begin{pmatrix}a & f (b , c) \\ 0 & 1\end{pmatrix}"),
        ("[Φ; F_h]V", r"\begin{pmatrix}\Phi \\ F_{h} \end{pmatrix} V"),
        ("[X, P] = i", "[X , P] = i"),
        ("∫₀^τ e^{As} ds", r"\int_{0}^{\tau} e^{A s} \,d s"),
        ("V_RT, V_xY, D_{j<n}", r"V_{R} T , V_{xY} , D_{j <n}"),
        ("|k|²N₋ for a Gaussian state", r"|k |^{2} N_{-} \;\text{for a Gaussian state}\;"),
        ("W⊥ᵀx ≠ V⁻¹", r"W_{\perp}^{\mathsf{T}} x \ne V^{-1}"),
    ],
)
def test_a_formula_is_set_in_type(plain: str, typeset: str) -> None:
    assert formulas.tex(plain) == typeset


@pytest.mark.parametrize("plain", ["a ☃ b", "√(a + b", "[[ a, b ]", "f(x", "a_"])
def test_what_is_no_formula_is_found_out(plain: str) -> None:
    with pytest.raises(formulas.UnknownSignError, match=re.escape(plain)):
        formulas.tex(plain)


def test_all_formulas_of_the_theory_page_can_be_set_in_type() -> None:
    cells = [cell for block in BLOCKS for row in formulas.display(block) for cell in row]
    assert len(cells) > 200
    for cell in cells:
        assert cell.count(r"\begin") == cell.count(r"\end")
        bare = cell.replace(r"\{", "").replace(r"\}", "")
        assert bare.count("{") == bare.count("}")
        # all that is left is plain: what TeX does not know would be seen in the page
        assert cell.isascii(), cell


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("At C₋ = C₊ = 50, hot baths, it is √Γ_B a.", ["C₋ = C₊ = 50", "√Γ_B a"]),
        ("By x = (X₋, P₋), with [X, P] = i, a motion that grows", ["x = (X₋, P₋)", "[X, P] = i"]),
        ("the rate a of a state, Appendix B by J. Gough in Itô's sense; E is ⟨b_out + h.c.⟩.", ["E", "⟨b_out + h.c.⟩"]),
        ("Nothing here, in two-way windows: 3 of 4 and/or 10 %.", []),
    ],
)
def test_formulas_are_found_in_sentences(sentence: str, found: list[str]) -> None:
    parts = prose.formulas_in(sentence)
    assert [text for is_formula, text in parts if is_formula] == found
    assert "".join(text for _, text in parts) == sentence


def test_a_docstring_becomes_restructured_text() -> None:
    lines = ["E₊|₋ of `` ``x``s.", "", "    dY = F x dt", "", "Parameters", "----------", "a_, b : of", "    both"]
    lines[0] = "E₊|₋ of ``x``s. Section 4 of"
    lines.insert(1, "sim/README.md.")
    assert as_rst(lines) == [
        r"E₊\|₋ of ``x``\ s. :doc:`Section 4 of the theory </theory/4-first-and-second-moments>`.", "",
        ".. code-block:: none", "", "    dY = F x dt", "",
        ".. rubric:: Parameters", "", "- ``a_``, ``b``: of both", "",
    ]  # fmt: skip


def test_links_that_lead_nowhere_and_fetches_from_a_network_are_found(tmp_path: Path) -> None:
    good = '<h1 id="top"><a href="#top">x</a><a href="b.html#there">y</a><a href="https://arxiv.org">z</a></h1>'
    (tmp_path / "a.html").write_text(good, encoding="utf-8")
    (tmp_path / "b.html").write_text('<p id="there">', encoding="utf-8")
    assert faults(tmp_path) == []
    bad = {
        '<a href="c.html">': "does not exist",
        '<img src="_images/no.png">': "does not exist",
        '<a href="b.html#nowhere">': "no such place",
        '<script src="https://cdn.example/x.js"></script>': "fetches",
        '<link href="//fonts.example/x.css">': "fetches",
    }
    (tmp_path / "b.html").write_text("".join(bad), encoding="utf-8")
    (tmp_path / "a.css").write_text(
        "@import 'https://x.example'; a {background: url(//y.example/z.png)}", encoding="utf-8"
    )
    lines = faults(tmp_path)
    for tag, reason in bad.items():
        address = re.findall('"(.*?)"', tag)[0]
        assert any(address in line and reason in line for line in lines), (tag, lines)
    # beside these, the page that a.html leads to has lost its place, and the sheet fetches two addresses
    assert len(lines) == len(bad) + 3


@pytest.mark.parametrize("path", pages.tutorials(), ids=lambda path: path.stem)
def test_links_of_a_tutorial_lead_to_pages(path: Path) -> None:
    # also where their words go on in the next line, and to headings within a section
    text = DOCUMENTS[f"tutorials/{path.name}"]
    found = re.findall(r"\]\(([^)#\s:]+)(?:#([^)\s]+))?\)", text)
    assert found
    for target, anchor in found:
        name = str(Path("tutorials") / target).replace("tutorials/../", "")
        assert name in DOCUMENTS
        headings = [pages.slug(each) for each in re.findall(r"^#+ (.+)$", DOCUMENTS[name], re.MULTILINE)]
        assert not anchor or anchor in headings
