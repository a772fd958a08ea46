"""One style for all figures: colours that differ for every colour vision, and fonts that a PDF keeps."""

import warnings
from itertools import combinations
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import cascade_steering as cs
from cascade_steering.analysis.paper.figures.paper_style import CURVES
from cascade_steering.analysis.plots import colours, style

# of linear RGB, for readers without one kind of cones: Machado, Oliveira and Fernandes, IEEE Trans. Vis. Comput. Graph.
# 15, 1291 (2009), severity 1
VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
# colours that stand side by side
TOGETHER = {
    "lines": (*colours.COLOURS, colours.GAIN_COLOUR),
    "regions": tuple(colours.REGION_COLOURS.values()),
    "paper": tuple(colour for colour, _, _ in CURVES.values()),
}
# CIE 1976 difference: 2.3 is just noticeable, and 10 is seen at a glance
SEEN = 10.0


def lightness_and_hue(colour: str, vision: np.ndarray) -> np.ndarray:
    """CIELAB of a colour as a reader sees it."""
    rgb = np.array(to_rgb(colour))
    linear = np.clip(vision @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0.0, 1.0)
    to_xyz = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
    xyz = np.array(to_xyz) @ linear / [0.95047, 1.0, 1.08883]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16.0 / 116.0)
    return np.array([116.0 * f[1] - 16.0, 500.0 * (f[0] - f[1]), 200.0 * (f[1] - f[2])])


def difference(one: str, other: str, vision: np.ndarray) -> float:
    return float(np.linalg.norm(lightness_and_hue(one, vision) - lightness_and_hue(other, vision)))


@pytest.mark.parametrize("vision", VISIONS)
@pytest.mark.parametrize("group", TOGETHER)
def test_colours_side_by_side_differ_for_every_colour_vision(group: str, vision: str) -> None:
    for one, other in combinations(TOGETHER[group], 2):
        assert difference(one, other, VISIONS[vision]) > SEEN, (one, other)


def test_grey_and_pink_are_one_colour_without_green_cones() -> None:
    # colours in which the regions were once drawn: the test above would have said so
    assert difference("#d4d4d4", "#f8c8d4", VISIONS["usual"]) > SEEN
    assert difference("#d4d4d4", "#f8c8d4", VISIONS["deuteranopia"]) < SEEN


@pytest.fixture
def labelled() -> Figure:
    """A figure with the symbols of all others, drawn in the style of a user."""
    figure = Figure()
    axes = figure.subplots()
    symbols = [*style.SYMBOLS.values(), r"\tilde\gamma_0", r"\langle X_{-}\rangle", r"\theta_+/\pi", r"\frac{1}{2}"]
    axes.set_title(" ".join(f"${each}$" for each in symbols) + " ½ γ̃₀")
    axes.set(xlim=(-1, 1), yscale="log", ylim=(1e-3, 1))
    return figure


def test_fonts_are_truetype_in_pdf_and_text_in_svg_whatever_a_user_has_set(tmp_path: Path, labelled: Figure) -> None:
    with warnings.catch_warnings(), mpl.rc_context({"pdf.fonttype": 3, "svg.fonttype": "path"}):
        # a glyph that a font does not have is a warning
        warnings.simplefilter("error")
        for ending in ("pdf", "svg"):
            cs.save_figure(labelled, tmp_path / f"figure.{ending}")
        labelled.savefig(tmp_path / "users.pdf")
    found = (tmp_path / "figure.pdf").read_bytes()
    assert b"/Type3" not in found.replace(b" ", b"")
    assert b"/CIDFontType2" in found.replace(b" ", b"")
    assert b"/Type3" in (tmp_path / "users.pdf").read_bytes().replace(b" ", b"")
    assert "<text" in (tmp_path / "figure.svg").read_text(encoding="utf-8")


def test_a_figure_is_written_from_its_axes_and_refused_with_another_ending(tmp_path: Path, labelled: Figure) -> None:
    cs.save_figure(labelled.axes[0], tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"figure '.*figure\.doc' must end in one of .*pdf.*png.*svg"):
        cs.save_figure(labelled, tmp_path / "figure.doc")
    # what needs LaTeX would be missed after the work
    with pytest.raises(ValueError, match=r"figure\.pgf' must end in one of"):
        style.drawable(tmp_path / "figure.pgf")


def test_one_symbol_for_a_direction_as_text_and_as_an_object() -> None:
    way = cs.Steered(mode="server", by=("a_1", "b"))
    assert style.symbol("plus_given_minus") == "E_{+|-}"
    assert style.symbol(way) == style.symbol(str(way)) == r"E_{\mathrm{server|a\_1\_b}}"
    assert [style.oscillator_sign(each) for each in ("minus", "plus", "a_1")] == ["-", "+", r"\mathrm{a\_1}"]


@pytest.mark.parametrize(
    ("limits", "labels"),
    [
        ((0.35, 0.85), ["0.4", "0.5", "0.6", "0.8"]),
        ((0.15, 12.0), ["0.2", "0.5", "1", "2", "5", "10"]),
        ((0.2, 2e5), ["1", "10", "100", "1000", "10000", "100000"]),
        ((1e-7, 1e-4), ["$10^{-7}$", r"$2 \times 10^{-7}$", r"$5 \times 10^{-7}$", "$10^{-6}$"]),
    ],
    ids=["within a decade", "two decades", "six decades", "small numbers"],
)
def test_a_logarithmic_axis_has_as_many_numbers_as_there_is_room_for(
    limits: tuple[float, float], labels: list[str]
) -> None:
    axes = style.new_axes()
    axes.plot([0.0, 1.0], limits)
    style.logarithmic_axis(axes)
    axes.set_ylim(limits)
    axis = axes.yaxis
    shown = {place: axis.get_major_formatter()(place) for place in axis.get_majorticklocs()}
    shown |= {place: axis.get_minor_formatter()(place) for place in axis.get_minorticklocs()}
    # Matplotlib asks for places beyond the ends as well
    found = [shown[place] for place in sorted(shown) if shown[place] and limits[0] <= place <= limits[1]]
    assert found[: len(labels)] == labels
