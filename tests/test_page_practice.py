"""The exercises of a page: their answers are those of the trace, and no mistake is taken for the right answer."""

import math
import re

import numpy as np
import pytest
from rolled_programs import ROLLED, remember, rolled_trace
from test_page import data_of
from test_samples import trace_of as sample
from viz_programs import trace_of

from tracer import record
from tracer.diagnose.verdict import KINDS
from viz import labels
from viz.export import Shown
from viz.layout import geometry
from viz.page.data import page_data
from viz.page.numbering import Numbering
from viz.page.practice import Asker
from viz.rolled_diagram import rolled_diagram
from viz.rollup import roll_up

CLOSE = 5e-3  # as answers.js has it
EXACT = ("splitter", "residual", "fan_out", "calls", "constants", "order", "zeros")
SAMPLES = ("rnn", "resnet", "attention", "newton", "logistic")


def views_of(trace):
    rolled = roll_up(trace)
    shown = Shown(trace, rolled, rolled_diagram(rolled), ())
    return rolled, page_data(shown, geometry(shown.diagram, "built-in"), "built-in")["views"]


def is_right(exercise, given):
    """Judge as the page does: near the answer, and nearer than to any mistake."""
    answer = exercise["answer"]
    off = [abs(given - each["number"]) for each in exercise["mistakes"]]
    return abs(given - answer) <= CLOSE * abs(answer) and all(abs(given - answer) < each for each in off)


def read(text):
    return float(text.replace("−", "-"))


def check(exercise, grads):
    """Whether the answer is one of these gradients; who reads and rounds is right, and who makes a mistake is not."""
    answer = exercise["answer"]
    assert answer in grads
    assert is_right(exercise, answer)
    assert is_right(exercise, read(exercise["shown"]))
    assert exercise["shown"] in exercise["working"]
    told = {name: read(number) for name, number, _ in exercise.get("given", ())}
    if "uses" in exercise and len(told) > 1:
        assert is_right(exercise, sum(read(number) for _, number, _ in exercise["given"]))
    elif "local" in told and "upstream" in told:
        assert is_right(exercise, told["upstream"] * told["local"])
    for mistake in exercise["mistakes"]:
        assert mistake["kind"] in KINDS
        assert not is_right(exercise, mistake["number"])
        assert labels.number(mistake["number"]) != exercise["shown"]
        assert "claimed" not in mistake["text"]
    assert exercise["mistakes"]


def items(grad):
    return np.ravel(grad).tolist()


@pytest.mark.parametrize("name", [*EXACT, *SAMPLES])
def test_answers_of_an_exact_page_are_those_of_the_trace(name, tmp_path):
    trace = trace_of(name) if name in EXACT else sample(name)
    (view,) = data_of(trace, tmp_path)["views"]
    assert view["practice"]
    for each in view["practice"]:
        edge = trace.edges[each["edge"]]
        check(each, items(edge.grad))
        for mistake in each["mistakes"]:
            if mistake["kind"] == "mean-not-sum":
                uses = [use for use in edge.dst.out_edges if use.step is not None]
                means = each["answer"] / len(uses), each["answer"] / 3
                assert any(mistake["number"] == pytest.approx(mean) for mean in means)
            if mistake["kind"] == "sign":
                assert mistake["number"] == -each["answer"]
    fired = [edge for edge in trace.edges if edge.step is not None and edge.dst.kind != "output"]
    assert len(view["practice"]) + sum(view["unasked"]) == len(fired)


@pytest.mark.parametrize("name", ROLLED)
def test_answers_of_a_rolled_page_are_those_of_the_turn(name):
    rolled, (view, *_) = views_of(rolled_trace(name))
    assert view["practice"]
    for each in view["practice"]:
        edge = rolled.edges[each["edge"]]
        exact = [rolled.trace.edges[int(member)] for member in edge.members]
        check(each, [item for run in exact for item in items(run.grad)])
        if "turn" in each:
            told = view["edges"][each["edge"]]["turns"][str(each["turn"])]
            assert "item" in each or each["shown"] in told["grad"]
        if "uses" in each and edge.count == 1:
            uses = [use for use in exact[0].dst.out_edges if use.step is not None]
            assert each["uses"] == len(uses)
        for _, _, given in each.get("given", ()):
            assert given is None or 0 <= given < len(view["edges"])


def test_the_sum_over_all_turns_knows_the_mistakes_of_loops():
    trace = record(remember, 0.3, 1.4)
    _, (view, *_) = views_of(trace)
    (of_w,) = [
        each
        for each in view["practice"]
        if each.get("uses") == 60 and view["edges"][each["edge"]]["from"] == 1
    ]
    total, terms = trace.grads["w"], [edge.grad for edge in trace["w"].uses]
    assert of_w["answer"] == total
    made = {each["text"].split(":")[0].split(" is ")[0]: each["number"] for each in of_w["mistakes"]}
    line = remember.__code__.co_firstlineno + 3
    assert f"the last to arrive, × 0 at line {line}, turn 0" in [name for name, *_ in of_w["given"]]
    assert made["only the last to arrive"] == terms[0] == 0.0
    assert made["the first to arrive"] == pytest.approx(total - terms[-1])
    numbers = [each["number"] for each in of_w["mistakes"] if each["kind"] == "mean-not-sum"]
    assert numbers == pytest.approx(
        [total / 60, total / 3]
    )  # of all uses, or of the three sums that are told


def uneven(x):
    return 1000 * x + x


def test_a_mistake_within_the_rounding_of_people_is_still_one(tmp_path):
    exercise = data_of(record(uneven, 2.0), tmp_path)["views"][0]["practice"][-1]
    assert exercise["answer"] == 1001
    assert is_right(exercise, 1001)
    (kind,) = {each["kind"] for each in exercise["mistakes"] if each["number"] == 1000}
    assert kind == "missing-uses"
    assert not is_right(exercise, 1000)


def twice(x):
    return x * x


def test_what_gives_the_right_number_by_chance_is_no_mistake(tmp_path):
    exercises = data_of(record(twice, 2.0), tmp_path)["views"][0]["practice"]
    (total,) = [each for each in exercises if "uses" in each]
    assert total["answer"] == 4.0  # 2 + 2, and 2 × 2
    assert "product-not-sum" not in {each["kind"] for each in total["mistakes"]}
    (alone,) = [each for each in total["mistakes"] if each["number"] == 2.0]
    assert len({alone["text"], alone["or"]}) == 2  # the mean, or one use alone


def saturated(x):
    return math.tanh(x) * 1e6


def cancelling(x):
    return (1e6 + 0.123) * x - 1e6 * x


def solved(matrix, x):
    return np.linalg.solve(matrix, x).sum()


@pytest.mark.parametrize(
    ("function", "arguments", "unfair"),
    [(saturated, (6.0,), 0), (cancelling, (1.0,), 1), (solved, (np.eye(2), np.ones(2)), 3)],
)
def test_what_no_reader_could_answer_is_not_asked(function, arguments, unfair, tmp_path):
    (view,) = data_of(record(function, *arguments), tmp_path)["views"]
    assert view["unasked"] == [unfair, 0]


def test_a_local_partial_that_its_rounded_operands_do_not_give_is_told(tmp_path):
    (view,) = data_of(record(saturated, 6.0), tmp_path)["views"]
    (told,) = [each["given"] for each in view["practice"] if "given" in each]
    assert [name for name, *_ in told] == ["local"]


def gathered(x):
    h, states = np.zeros(3), []
    for _ in range(9):
        h = np.tanh(x + h)
        states.append(h)
    return np.stack(states).sum()


def test_of_an_array_its_largest_item_is_asked_for():
    trace = record(gathered, np.array([0.3, 0.1, -0.9]))
    _, (view, *_) = views_of(trace)
    asked = [each for each in view["practice"] if each.get("uses") == 9]
    at = int(np.argmax(np.abs(trace.grads["x"])))
    assert [(each["item"], each["answer"]) for each in asked] == [(f"[{at}]", trace.grads["x"][at])]


def test_a_value_that_is_used_once_in_its_turn_is_no_sum():
    trace = record(remember, 0.3, 0.9)
    rolled = roll_up(trace)
    asker = Asker(trace, Numbering(rolled.of_node, rolled.of_edge), is_seen=False)
    splits = [edge for edge in trace.edges if edge.dst.kind == "splitter" and len(edge.dst.out_edges) > 1]
    assert all(asker.ask(edge)["uses"] == len(edge.dst.out_edges) for edge in splits)


PANE = "#details"


def test_a_rolled_page_is_practised_turn_by_turn(visit):
    page = visit(rolled_trace("remember"))
    page.press("p")
    exercises = page.run("JSON.parse(document.getElementById('data').textContent).views[0].practice")
    assert "turn 59 (last of 60, from 0)" in page.text(f"{PANE} .exercises li:first-child")
    fields = page.page.locator(f"{PANE} .exercises input")
    assert fields.count() == len(exercises) > 3
    assert page.refs("later")
    given = page.page.locator(f"{PANE} .exercises li:nth-child(2) .is-later")
    assert given.count() == 1  # upstream is what the exercise before it asks for
    first = exercises[0]
    (added,) = [each for each in first["mistakes"] if each["kind"] == "added-not-multiplied"]
    page.page.keyboard.type(repr(added["number"]))
    page.press("Enter")
    assert "this is their sum" in page.text(f"{PANE} .is-wrong .verdict")
    page.press("Control+a")
    page.page.keyboard.type(repr(first["answer"]))
    page.press("Enter")
    assert given.count() == 0
    assert first["working"] in page.shown(f"e{first['edge']}")
    for at, each in enumerate(exercises[1:], 1):
        fields.nth(at).fill(each["shown"].replace("−", "-"))
        fields.nth(at).press("Enter")
    assert page.text(".score").startswith(f"{len(exercises)} of {len(exercises)} right")
    assert page.refs("later") == set()
    sums = [
        page.text(f"{PANE} .exercises li:nth-child({at + 1})")
        for at, each in enumerate(exercises)
        if "uses" in each
    ]
    assert any(re.search(r"w: sum of 60 uses.*the 58 after it together", text) for text in sums)


def test_what_is_left_out_is_counted(visit):
    page = visit(rolled_trace("stepped"))
    page.press("p")
    unfair, _ = page.run("JSON.parse(document.getElementById('data').textContent).views[0].unasked")
    assert unfair > 1
    assert f"{unfair} gradients are not asked for" in page.text(PANE)


def rest(matrix, x):
    return np.linalg.solve(matrix, x).sum()


def test_practice_without_exercises_hides_nothing_and_says_why(visit):
    page = visit(record(rest, np.eye(2), np.ones(2)))
    page.press("p")
    assert page.refs("later") == set()
    assert "no question about them is fair" in page.text("#details")
    assert "hidden" not in page.text("#status")


def answer(page, number):
    page.page.keyboard.type(number)
    page.press("Enter")


def test_practice_hides_gradients_and_names_the_mistake(visit):
    page = visit(trace_of("splitter"))
    page.press("p")
    assert page.shown("e2") == ["3", "?"]
    assert page.shown("n1") == ["2", "?"]
    assert "7" not in page.text("#details")
    assert page.refs("chosen") == {"e4"}
    verdict = "#details .is-wrong .verdict"
    answer(page, "6")
    assert "this is their sum: (1 + 5)" in page.text(verdict)
    page.press("Control+a")
    answer(page, "5")
    assert page.shown("e4") == ["2", "1 × 5 = 5"]
    for right in ("1 * 2", "2", "2"):
        answer(page, right)
    assert page.refs("chosen") == {"e0"}
    for wrong, words in (
        ("3.5", "2 uses, whose gradients are added; this is their mean"),
        ("10", "this is their product"),
        ("5", "only the first of 2 to arrive is in it"),
        ("2", "only the last to arrive"),
        ("-7", "it has the wrong sign"),
        ("0", "none of the 2 uses of x was added"),
        ("99", "none of the usual mistakes gives it"),
        ("seven", "That is no number"),
    ):
        page.press("Control+a")
        answer(page, wrong)
        assert words in page.text(verdict)
    page.press("Control+a")
    answer(page, "7")
    assert page.text(".score") == "5 of 5 right, 3 at the first try"
    assert page.shown("n0") == ["x", "2", "7"]
    assert page.refs("later") == set()
    page.page.click("text=Begin again")
    assert page.text(".score") == "0 of 5 right"
    assert page.shown("n0") == ["x", "2", "?"]


def test_practice_can_be_shown_the_answer_and_left(visit):
    page = visit(trace_of("splitter"))
    page.page.click("#practice-button")
    page.page.click("#details button:has-text('Show') >> nth=0")
    assert page.text(".score") == "0 of 5 right"
    assert page.shown("e4") == ["2", "1 × 5 = 5"]
    page.page.mouse.click(*page.place("n0"))
    assert page.refs("chosen") == {"e0"}
    page.page.locator("#zoom-fit").focus()
    page.press("ArrowLeft")
    assert page.text("#count") == "6 / 6"
    page.press("Escape")
    assert page.refs("later") == set()
    assert page.page.get_attribute("#practice-button", "aria-pressed") == "false"
