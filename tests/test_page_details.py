"""What the page tells beside the picture, in a real browser: arithmetic, uses, findings, arrays, and what leads there."""

import pytest
from rolled_programs import rolled_trace
from viz_programs import trace_of

from tracer import record
from viz import labels


@pytest.mark.parametrize(
    "name", ["splitter", "residual", "calls", "cut", "not_finite", "zeros", "operands"]
)
def test_every_number_of_the_trace_is_in_the_details(visit, name):
    trace = trace_of(name)
    page = visit(trace)
    for node in trace.nodes:
        page.page.locator(f"#stage [data-ref=n{node.index}]").dispatch_event("click")
        told = page.text("#details")
        for number in (node.value, node.grad):
            if number is not None:
                assert labels.norm(number) in told
        if node.kind == "function":
            for edge in node.in_edges:
                if edge.step is not None:
                    assert labels.norm(edge.upstream) in told
                    assert labels.norm(edge.grad) in told
                    assert (
                        edge.local is None
                        or labels.is_array(edge.grad)
                        or labels.number(edge.local) in told
                    )
        if node.kind == "splitter" and node.op == "copy":
            for edge in node.out_edges:
                assert edge.step is None or labels.norm(edge.grad) in told
    for edge in trace.edges:
        page.page.locator(f"#stage [data-ref=e{edge.index}]").first.dispatch_event("click")
        told = page.text("#details")
        assert labels.norm(edge.value) in told
        assert labels.norm(edge.grad) in told


def test_a_line_lights_its_nodes_and_a_node_its_line(visit):
    page = visit(trace_of("splitter"))
    lines = page.page.locator(".line.made")
    lines.nth(0).hover()
    assert page.refs("hover") == {"n3"}
    page.page.mouse.move(*page.place("n4"))
    assert page.refs("hover") == {"n4"}
    assert page.texts(".line.is-lit .text") == ["return s * x"]
    lines.nth(1).click()
    assert page.refs("chosen") == {"n4"}
    assert page.text("#details h2") == "×"


def test_a_click_shows_the_arithmetic_and_its_links_lead_on(visit):
    page = visit(trace_of("splitter"))
    page.page.mouse.click(*page.place("n4"))
    assert page.texts("#details .arithmetic tbody tr") == [
        "s 1st operand 1 × 2 = 2 local = x",
        "x 2nd operand 1 × 5 = 5 local = s",
    ]
    page.page.click("#details .arithmetic tr:last-child .link")
    assert page.refs("chosen") == {"e4"}
    page.page.click("#details dd >> text=splitter of x")
    assert page.refs("chosen") == {"n1"}
    rows = page.texts("#details .arithmetic tbody tr")
    assert [row.split()[-2:] for row in rows] == [["5", "5"], ["2", "7"]]
    page.press("Escape")
    assert page.refs("chosen") == set()
    assert page.text("#details h2") == "Inputs and outputs"


def test_findings_lead_to_their_place(visit):
    trace = trace_of("not_finite")
    (finding,) = trace.findings()
    page = visit(trace)
    assert finding.message in page.text(".findings")
    assert finding.advice in page.text(".findings")
    page.page.click(".findings .link")
    assert page.refs("chosen") == {f"n{finding.node.index}"}
    assert finding.message in page.text("#details")


@pytest.mark.parametrize(("query", "ref"), [("s", "n3"), ("y", "n2"), ("25", "n4"), ("multiply", "n4")])
def test_search_by_name_and_by_line(visit, query, ref):
    page = visit(trace_of("splitter"))
    page.press("/")
    page.page.keyboard.type(query)
    assert page.refs("found") >= {ref}
    page.press("Enter")
    assert page.refs("chosen") == {ref}
    assert page.run("document.activeElement.dataset.ref") == ref
    assert page.page.locator("#hits").is_hidden()


def test_search_leads_to_a_call_and_opens_it(visit):
    page = visit(trace_of("calls"))
    sign = page.page.locator("#stage .scope[data-call] .sign").first
    name = page.page.locator("#stage .scope[data-call]").first.get_attribute("aria-label").split("(")[0]
    sign.click()
    assert page.page.locator("#stage .scope.is-folded").count() == 1
    page.page.fill("#search", name[:4])
    assert any(name in text for text in page.texts("#hits [role=option] b"))
    page.page.locator("#search").press("Enter")
    assert page.page.locator("#stage .scope.is-folded").count() == 0
    assert page.run("document.activeElement.matches('.scope:focus-visible')")


def test_search_says_when_nothing_is_found(visit):
    page = visit(trace_of("splitter"))
    page.page.fill("#search", "zebra")
    assert page.texts("#hits li") == ["nothing is called so"]
    page.press("Escape")
    assert page.page.locator("#hits").is_hidden()


def test_what_is_searched_for_is_seen_also_where_all_was_fitted(visit):
    page = visit(rolled_trace("recurrent"), width=1100, height=420)
    page.press("0")
    drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    scale = "document.querySelector('#stage > svg').getBoundingClientRect().width"
    page.run(drawn)
    before = page.run(scale)
    page.press("/")
    page.page.keyboard.type("h")
    page.press("Enter")
    page.run(drawn)
    (ref,) = page.refs("chosen")
    assert page.run(scale) > 1.5 * before
    shape = page.page.locator(f"#stage [data-ref={ref}] > :is(rect, ellipse, polygon)").first.bounding_box()
    stage = page.page.locator("#stage").bounding_box()
    assert shape["height"] >= 10
    assert stage["x"] <= shape["x"] <= stage["x"] + stage["width"]
    assert stage["y"] <= shape["y"] <= stage["y"] + stage["height"]


def test_arrays_are_heat_maps_whose_cells_tell_their_numbers(visit):
    trace = trace_of("network")
    page = visit(trace)
    node = trace["hidden"]
    page.page.locator(f"#stage [data-ref=n{node.index}]").dispatch_event("click")
    figures = page.page.locator("#details .heat")
    assert figures.count() == 2
    assert figures.first.locator("rect").count() == node.value.size
    figures.first.locator("rect").nth(17).hover()
    assert (
        figures.first.locator(".cell-value").inner_text() == f"[1, 1] = {labels.number(node.value[1, 1])}"
    )
    figures.nth(1).locator("rect").nth(5).hover()
    assert (
        figures.nth(1).locator(".cell-value").inner_text() == f"[0, 5] = {labels.number(node.grad[0, 5])}"
    )


def test_the_arrow_keys_go_from_cell_to_cell_and_take_no_step(visit):
    trace = trace_of("network")
    page = visit(trace)
    node = trace["hidden"]
    page.page.locator(f"#stage [data-ref=n{node.index}]").dispatch_event("click")
    figure = page.page.locator("#details .heat").first
    figure.locator("svg").focus()
    columns = node.value.shape[1]
    for key, at in (
        ("ArrowRight", 0),
        ("ArrowRight", 1),
        ("ArrowDown", 1 + columns),
        ("ArrowLeft", columns),
        ("ArrowUp", 0),
        ("ArrowUp", 0),
        ("End", node.value.size - 1),
        ("Home", 0),
    ):
        page.press(key)
        row, column = divmod(at, columns)
        told = f"[{row}, {column}] = {labels.number(node.value[row, column])}"
        assert figure.locator(".cell-value").inner_text() == told
        assert figure.locator(".is-at").count() == 1
    assert page.text("#count").startswith(page.text("#count").split(" / ")[1])


def used_often(x):
    total = x
    for _ in range(900):
        total = total + x
    return total


@pytest.fixture(scope="module")
def often():
    return record(used_often, 1.5)


def test_a_long_list_shows_as_much_again_until_all_is_there(visit, often):
    page = visit(often, exact=True)
    page.press("/")
    page.page.keyboard.type("splitter")
    page.press("Enter")
    rows = page.page.locator("#details .arithmetic tbody tr")
    assert rows.count() == 201
    assert page.text("#details .arithmetic tbody tr:last-child") == "Show 200 more 200 of 901 are shown"
    page.page.click("#details .arithmetic .grow")
    assert rows.count() == 401
    assert page.run(
        "document.activeElement === document.querySelectorAll('#details .arithmetic tbody tr')[200].querySelector('button')"
    )
    while page.page.locator("#details .arithmetic .grow").is_visible():
        page.page.click("#details .arithmetic .grow")
    assert rows.count() == 902
    assert page.texts("#details .arithmetic tbody tr")[-2].endswith(" 901")
    assert page.text("#details .arithmetic tbody tr:last-child") == "901 of 901 are shown"


def test_what_is_shown_later_is_hidden_as_what_was_there(visit, often):
    page = visit(often, exact=True)
    page.press("/")
    page.page.keyboard.type("splitter")
    page.press("Enter", "Home")
    page.page.click("#details .arithmetic .grow")
    assert page.page.locator("#details .arithmetic td.gradient:not(.is-later)").count() == 0


def test_all_that_was_found_can_be_reached_by_the_arrow_keys(visit):
    page = visit(trace_of("loop"))
    page.press("/")
    page.page.keyboard.type("tanh")
    nodes = len(page.refs("found"))
    assert nodes == 25
    assert page.texts("#hits li")[-1] == "and 13 more"
    for _ in range(12):
        page.press("ArrowDown")
    assert page.page.locator("#hits [aria-selected=true]").get_attribute("id") == "hit-12"
    assert page.texts("#hits li")[-1] == "and 1 more"
    page.page.click("#hits .more")
    assert page.page.locator("#hits li").count() == 25
