"""Calls in the page: each closed group has a view of its own, and what opens and closes, in a real browser."""

import pytest
from rolled_programs import grouped, many_calls
from test_page import Parts, data_of
from viz_programs import trace_of

from tracer import record


@pytest.fixture(scope="module")
def closed():
    return record(grouped(), 0.5)


def test_a_closed_group_has_a_view_of_its_own(closed, tmp_path):
    data = data_of(closed, tmp_path)
    whole, inside = data["views"]
    (group,) = [node for node in whole["nodes"] if node["kind"] == "group"]
    assert group["opens"] == 1
    assert (inside["parent"], inside["name"]) == (0, "helper()")
    assert len(inside["nodes"]) >= group["nodes"]


def test_views_inside_views_lead_back(tmp_path):
    data = data_of(record(many_calls, 0.3, 0.2), tmp_path)
    for number, view in enumerate(data["views"][1:], 1):
        assert 0 <= view["parent"] < number
        opened = [node for node in data["views"][view["parent"]]["nodes"] if node.get("opens") == number]
        assert len(opened) == 1


def test_groups_open_and_the_breadcrumb_leads_back(visit, closed):
    page = visit(closed)
    (group,) = [node for node in closed_nodes(page) if node is not None]
    assert page.text("#crumbs") == "program whole program"
    for way_in in (
        lambda: page.page.click("#stage .call .sign"),
        lambda: page.page.click("#details .fold[aria-expanded=false]"),
        lambda: (page.page.locator(f"#stage [data-ref={group}]").focus(), page.press("o")),
        lambda: (page.choose(group), page.page.click("#details button:has-text('Open')")),
    ):
        assert page.page.get_attribute(f"#stage [data-ref={group}]", "aria-expanded") == "false"
        way_in()
        assert page.texts("#crumbs > *") == ["program", "\u203a helper()", "\u2212"]
        assert page.page.locator("#stage .function").count() > 100
        page.press("Home", "ArrowRight")
        assert page.text("#count").startswith("1 /")
        page.page.click("#crumbs .close")
        assert page.text("#crumbs") == "program whole program"
    page.page.dblclick(f"#stage [data-ref={group}] > rect")
    page.page.click("#crumbs .link >> nth=0")
    page.page.click("#stage .call .sign")
    page.press("Escape")
    assert page.text("#crumbs") == "program whole program"


def closed_nodes(page):
    nodes = Parts(page.path.read_text("utf-8")).data["views"][0]["nodes"]
    return [f"n{number}" if node["kind"] == "group" else None for number, node in enumerate(nodes)]


def seen(page, within="#stage .function"):
    return page.page.locator(f"{within}:visible").count()


def test_a_call_closes_at_its_frame_and_opens_again(visit):
    page = visit(trace_of("calls"))
    every = seen(page)
    inner = page.page.locator("#stage .scope:has-text('helper[1]')")
    assert inner.get_attribute("aria-label") == "helper[1], 2 nodes inside"
    inner.locator(".sign").click()
    assert seen(page) == every - 2
    assert inner.get_attribute("aria-expanded") == "false"
    assert page.texts("#details .fold[aria-expanded=false]") == ["+ helper[1] 2 inside"]
    page.page.click("#details .fold:has-text('outer_helper()')")
    assert seen(page) == every - 5
    assert page.run("document.activeElement.innerText") == "+ outer_helper() 5 inside"
    page.page.click("#details .fold:has-text('helper[1]')")
    assert seen(page) == every - 5  # what is around it is closed


def test_what_is_led_to_opens_and_what_fires_in_a_closed_call_lights_it(visit):
    trace = trace_of("calls")
    page = visit(trace)
    every = seen(page)
    inside = next(node for node in trace.nodes if node.name == "u")
    page.page.locator(f"#stage [data-ref=n{inside.index}]").focus()
    page.press("o")
    assert seen(page) == every - 2
    lit = set()
    page.press("Home")
    for _ in trace.edges:
        page.press("ArrowRight")
        lit |= set(page.page.locator("#stage .scope.is-now > text").all_text_contents())
    assert lit == set(page.page.locator("#stage .scope.is-folded > text").all_text_contents())
    page.press("/")
    page.page.keyboard.type("u")
    page.press("Enter")
    assert seen(page) == every
    assert page.run("document.activeElement.dataset.ref") == f"n{inside.index}"


def test_a_call_that_goes_on_in_other_rows_is_one_call(visit, closed):
    page = visit(closed)
    page.page.click("#stage .call .sign")
    frames = page.page.locator("#stage .scope").count()
    assert frames > 3
    assert page.texts("#details .fold") == ["\u2212 helper() 200 inside"]
    page.page.locator("#stage .scope .sign").nth(1).click()
    assert page.page.locator("#stage .scope.is-folded").count() == frames
    assert seen(page) == 0
