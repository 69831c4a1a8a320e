"""Series over the turns of a loop and one turn of it, in a real browser; colour by size."""

import math

import numpy as np
from rolled_programs import rnn, tanh_loop
from viz_programs import trace_of

from tracer import record


def test_a_turn_can_be_chosen_and_the_picture_tells_it(visit):
    trace = record(tanh_loop, 0.3, 0.9)
    page = visit(trace)
    edge = page.first_edge("edge.backTo")
    page.choose(f"e{edge}")
    assert page.page.locator("#details .plot").count() == 1
    page.page.select_option("#turn", "2")
    told = page.run(
        f"JSON.parse(document.getElementById('data').textContent).views[0].edges[{edge}].turns[2]"
    )
    assert told["working"] in page.text("#details")
    assert told["working"] in page.shown(f"e{edge}")
    assert told["value"] in page.shown(f"e{edge}")
    assert page.text("#turn-text") == "turn 2 (of 100, from 0); pale: all turns"
    middles = f"""[...document.querySelectorAll("#stage .wire[data-ref=e{edge}] :is(text:has(.value), .note)")].map((each) => each.getBBox()).map(({{ x, width }}) => x + width / 2)"""
    assert len({round(middle) for middle in page.run(middles)}) == 1
    replaced = page.page.locator(f"#stage .wire[data-ref=e{edge}] .is-replaced").all_text_contents()
    assert any("→" in text for text in replaced)
    page.page.click("#back")
    assert told["value"] not in page.shown(f"e{edge}")
    assert page.page.locator("#turn-note").is_hidden()
    assert page.run("document.querySelectorAll('.is-apart, .is-one-turn').length") == 0
    page.page.select_option("#turn", "1")
    assert page.page.locator("#turn-note").is_visible()
    page.page.click("#turn-end")
    assert told["working"] not in page.shown(f"e{edge}")
    assert page.page.locator("#turn-note").is_hidden()


def test_nothing_is_written_over_what_was_each_time_the_same(visit):
    def mean(x):
        total = 0.0
        for t in range(100):
            total = total + math.tanh(x * t)
        return total / 100

    page = visit(record(mean, 0.01))
    edge = page.first_edge("edge.backTo")
    wire = page.page.locator(f"#stage .wire[data-ref=e{edge}] text:visible")
    assert any("each time" in text for text in wire.all_text_contents())
    page.choose(f"e{edge}")
    page.page.select_option("#turn", "2")
    assert not any("each time" in text for text in wire.all_text_contents())
    assert any("0.01 × 1 = 0.01" in text for text in wire.all_text_contents())


def test_colour_shows_the_size_of_gradients_and_can_be_turned_off(visit):
    page = visit(trace_of("loop"), motion="reduce")
    plain = page.run("getComputedStyle(document.querySelector('.wire > path:not(.hit)')).stroke")
    page.press("c")
    strokes = "[...document.querySelectorAll('#stage .is-coloured > path:not(.hit)')].map((path) => getComputedStyle(path).stroke)"
    assert len(set(page.run(strokes))) > 10
    assert page.text("#scale").startswith("|gradient|, small to large")
    assert page.page.locator("#scale .tick").count() > 2
    assert page.page.get_attribute("#colour-button", "aria-pressed") == "true"
    page.page.click("#colour-button")
    assert page.run(strokes) == []
    assert page.page.locator("#scale").is_hidden()
    assert page.run("getComputedStyle(document.querySelector('.wire > path:not(.hit)')).stroke") == plain


def test_colour_shows_what_vanishes_over_the_turns_and_the_chosen_turn(visit):
    page = visit(record(rnn, np.eye(3) / 10, np.ones(3), np.ones((60, 3))))
    page.press("c")
    decades = page.page.get_attribute("#scale svg", "aria-label")
    assert "from 1e-" in decades
    assert "left to right" in page.text("#scale")
    assert "as thick as its largest" in page.text("#scale")
    edge = page.first_edge("edge.backTo")
    stroke = f"getComputedStyle(document.querySelector('#stage .wire[data-ref=e{edge}] > path:not(.hit)')).stroke"
    name = page.run(stroke).removeprefix('url("#').split('"')[0]
    stops = page.run(
        f"[...document.getElementById('{name}').children].map((each) => getComputedStyle(each).stopColor)"
    )
    assert len(set(stops)) > 10
    page.choose(f"e{edge}")
    page.page.select_option("#turn", "1")
    page.choose("n0")
    early = page.run(stroke)
    assert "(of 60" in page.text("#scale")
    assert page.page.get_attribute("#scale svg", "aria-label") == decades
    page.choose(f"e{edge}")
    page.page.select_option("#turn", "59")
    page.choose("n0")
    assert early != page.run(stroke)
    assert early.startswith("rgb")
    page.press("c")
    assert page.page.locator("#stage linearGradient").count() == 0


def in_two_loops(x, w):
    total = 0.0
    for i in range(30):
        h = x * i
        for j in range(10):
            h = math.tanh(h * w + j)
        total = total + h
    return total


def test_a_turn_of_each_loop_is_chosen_beside_the_picture(visit):
    page = visit(record(in_two_loops, 0.5, 0.9))
    loops = page.page.locator("select[data-loop]")
    assert loops.count() == 2
    assert page.texts("#details li.row label")[0].startswith("30 turns at line ")
    loops.nth(0).select_option("3")
    assert page.text("#turn-text") == "i = 3 (of 30); pale: all turns"
    loops.nth(1).select_option("299")
    assert page.text("#turn-text").startswith("i = 29, j = 9 (last of 300)")
    assert loops.nth(0).input_value() == ""  # one at a time
    page.page.click("#turn-end")
    assert loops.nth(1).input_value() == ""
    loops.nth(0).select_option("0")
    loops.nth(0).select_option(label="all turns")
    assert page.page.locator("#turn-note").is_hidden()
