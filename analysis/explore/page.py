"""One page in a browser: its state, what is shown of it at once, and what when the hand rests."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from importlib.resources import files
from typing import Any

from bokeh.core.templates import get_env
from bokeh.document import Document
from bokeh.events import Tap
from bokeh.layouts import column
from bokeh.models import CustomJS, Div, TextInput

from cascade_steering.analysis.explore import page_answers, page_texts
from cascade_steering.analysis.explore.map_around import map_around
from cascade_steering.analysis.explore.page_controls import Controls, Move
from cascade_steering.analysis.explore.page_figures import CourseFigure, MapFigure, TrajectoryFigure
from cascade_steering.analysis.explore.page_state import LaboratoryNumbers, PageState
from cascade_steering.analysis.explore.recipes import SETUP_FILE, commands, python_lines

__all__ = ["Page", "add_page"]

# Milliseconds: moves that arrive within the first are answered together; what takes longer waits until the hand rests.
_AT_ONCE, _RESTS = 15, 180
# else a table is as wide as it likes to be
_WHOLE_WIDTH = ".bk-clearfix { display: block !important; width: 100%; }"
# budgets take seconds, in which sliders are to answer
_BUDGETS = ThreadPoolExecutor(max_workers=1, thread_name_prefix="budget")


def add_page(document: Document) -> None:
    """Make the page of a browser's session; a link that cannot be read is said on the page."""
    context = document.session_context
    request = None if context is None else context.request
    arguments = {} if request is None else request.arguments
    host = "" if request is None else str(request.headers.get("Host", ""))
    problem = []
    try:
        state = PageState.of_query(_query(arguments))
    except (ValueError, ArithmeticError) as error:
        state, problem = PageState(), [f"The link cannot be read: {_line(error)}. This is the page without it."]
    Page(document, state, address=f"http://{host}/" if host else "", problem=problem)


def _query(arguments: Mapping[str, Sequence[bytes]]) -> str:
    from urllib.parse import urlencode

    pairs = [(name, value.decode("utf-8", "replace")) for name, values in arguments.items() for value in values]
    return urlencode(pairs)


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())


class Page:
    """The page of one session.

    Parameters
    ----------
    document : where its widgets are put
    state : what it shows first
    address : of the server, for the link; empty for a relative link
    problem : what is said first
    """

    def __init__(self, document: Document, state: PageState, *, address: str = "", problem: Sequence[str] = ()) -> None:
        self.document, self.state, self._address = document, state, address
        self._problems: dict[str, Sequence[str]] = {"link": problem}
        self._soon: Any = None
        self._later: Any = None
        self._asked: Future[Any] | None = None
        self.controls = Controls(self.move)
        self.map, self.course, self.trajectory = MapFigure(), CourseFigure(), TrajectoryFigure()
        self.alert, self.numbers, self.budget, self.recipes = (
            Div(name=name, sizing_mode="stretch_width", stylesheets=[_WHOLE_WIDTH])
            for name in ("alert", "numbers", "budget", "recipes")
        )
        self.link = TextInput(name="link", title="A link to this state", sizing_mode="stretch_width")
        self._lay_out()
        self._at_once()
        self._at_rest()

    def move(self, how: Move) -> None:
        """Go to another state; what is wrong with it is said, and the page stays where it is."""
        try:
            found = how(self.state)
        except (ValueError, ArithmeticError) as error:
            self._say("move", [f"{_line(error)}. The page still shows the numbers of before."])
            return
        self._say("move", [])
        self._say("link", [])
        self.state = found
        if self._soon is None:
            self._soon = self.document.add_timeout_callback(self._at_once, _AT_ONCE)
        if self._later is not None:
            self.document.remove_timeout_callback(self._later)
        self._later = self.document.add_timeout_callback(self._at_rest, _RESTS)

    def _lay_out(self) -> None:
        document = self.document
        # before the figure is in the document, which else does not pass the event on
        self.map.figure.on_event(Tap, self._tapped)
        for each in (self.map, self.course, self.trajectory):
            document.add_root(each.layout)
        # the address of the browser follows, so that reloading keeps the state
        self.link.js_on_change(
            "value", CustomJS(code="window.history.replaceState(null, '', new URL(cb_obj.value, document.baseURI))")
        )
        for root in (self.controls.layout, self.alert, self.numbers, self.budget):
            document.add_root(root)
        document.add_root(column(self.link, self.recipes, name="recipes", sizing_mode="stretch_width"))
        self.recipes.name = "lines"
        document.title = "steering explore"
        document.on_session_destroyed(lambda _: self._forget())
        template = (files("cascade_steering.analysis.explore") / "page.html").read_text(encoding="utf-8")
        document.template = get_env().from_string("{% extends base %}\n" + template)

    def _tapped(self, event: Tap) -> None:
        """Move the working point to where the map was clicked."""
        if event.x is not None and event.y is not None:
            numbers = self.map.clicked(float(event.x), float(event.y), self.state.axes)
            self.move(lambda state: state.moved(**numbers))

    def _at_once(self) -> None:
        """What takes a few milliseconds: E, the regime, the cross on the map, the lines and the link."""
        self._soon = None
        state = self.state
        self.controls.follow(state)
        self._show("numbers", self._numbers)
        self.map.mark(state.point, state.axes)
        if state.shown == "unconditional":
            self._show("map", self._map)
        self.link.value = f"{self._address}?{state.query}" if state.query else self._address or "?"
        self.recipes.text = self._lines()

    def _at_rest(self) -> None:
        """What takes some ten milliseconds: E(t), a trajectory, the map given the record; and the budget."""
        self._later = None
        if self.state.shown == "conditional":
            self._show("map", self._map)
        self._show("course", lambda: self.course.show(page_answers.course(self.state)), self.course.show)
        self._show(
            "trajectory", lambda: self.trajectory.show(page_answers.one_trajectory(self.state)), self.trajectory.show
        )
        self._ask_for_budget()

    def _show(self, name: str, how: Callable[[], None], clear: Callable[[None], None] | None = None) -> None:
        """Show one part; where it does not exist, say why, and clear it."""
        try:
            how()
        except (ValueError, ArithmeticError) as error:
            self._say(name, [f"{_line(error)}."])
            if clear is not None:
                clear(None)
        else:
            self._say(name, [])

    def _say(self, name: str, messages: Sequence[str]) -> None:
        self._problems[name] = messages
        # the same is said once
        said = list(dict.fromkeys(each for found in self._problems.values() for each in found))
        self.alert.text, self.alert.visible = page_texts.alert_html(said), bool(said)

    def _numbers(self) -> None:
        state = self.state
        self.numbers.text = "no steady state"
        elimination = None if state.laboratory is None else page_answers.elimination_of(state.laboratory)
        found, regimes = page_answers.at_rest(state.point), page_answers.regimes_of(state.point)
        self.numbers.text = page_texts.numbers_html(found, regimes, elimination)

    def _map(self) -> None:
        state = self.state
        self.map.show(map_around(state.point, state.axes, state.shown), state.shown)

    def _lines(self) -> str:
        titles = {"setup": "From the numbers of the laboratory", "E": "E", "course": "E(t)", "trajectory": "Trajectory"}
        parts = [page_texts.code_html(titles[name], line, name) for name, line in commands(self.state).items()]
        laboratory = self.state.laboratory
        if laboratory is not None and not laboratory.preset:
            parts.insert(0, f"<p>{SETUP_FILE} holds the numbers on the left.</p>")
        return "".join([*parts, page_texts.code_html("Python", python_lines(self.state), "python")])

    def _ask_for_budget(self) -> None:
        laboratory = self.state.laboratory
        if laboratory is None:
            self.budget.text = page_texts.budget_html(None, self.state.shown)
            return
        self.budget.text = "<p>One moment: each number is changed in turn.</p>"
        self._forget()
        self._asked = asked = _BUDGETS.submit(page_answers.budget_of, laboratory)
        asked.add_done_callback(
            lambda done: (
                None
                if done.cancelled()
                else self.document.add_next_tick_callback(partial(self._show_budget, laboratory, done))
            )
        )

    def _forget(self) -> None:
        """Ask no longer for the last budget, if it is not begun: others wait behind it."""
        if self._asked is not None:
            self._asked.cancel()

    def _show_budget(self, laboratory: LaboratoryNumbers, done: "Future[Any]") -> None:
        if laboratory != self.state.laboratory:
            return

        def show() -> None:
            warnings = page_answers.warnings_of(laboratory)
            self.budget.text = page_texts.budget_html(done.result(), self.state.shown, warnings)

        self._show("budget", show)
