"""Facet view: what the matches wear, counted, each count a click away from being asked."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from app.editing import narrowed
from app.wording import ATTRIBUTES, label_words
from app.workspace import Workspace
from query.facets import Facet
from query.search import SearchResult
from query.tree import Has, Not, Query, clauses, format_query

View = dict[str, Any]

WORN = ("Coat", "UpperClothes", "Pants", "Skirt", "Shoes", "Hat", "Glasses", "Scarf", "Socks", "Glove", "Mask")
LOOKED_AT = (("UpperClothes", "color"), ("Coat", "color"), ("Pants", "color"), ("Skirt", "color"), ("Hair", "color"),
             ("Shoes", "color"), ("Coat", "size"), ("Pants", "size"), ("Skirt", "size"), ("Hair", "size"),
             ("UpperClothes", "pattern"))  # fmt: skip
SHOWN = 6  # facets beside "Wearing", and values of each
UNASKABLE = ("Undetermined",)
COUNT = itemgetter("count")


def facet_views(workspace: Workspace, result: SearchResult) -> list[View]:
    """Facets that can narrow the result down, those of garments asked for first."""
    facets, question = workspace.searcher.facets(result)
    by_key = {(facet.attribute, facet.task): facet for facet in facets}
    asked = {group for clause in clauses(result.query) for group in clause.has.attribute}
    worn = _worn([by_key[group, "attribute"] for group in WORN if group not in asked], result)
    first = None if question is None else (question.facet.attribute, question.facet.task)
    keys = sorted((key for key in LOOKED_AT if key != first), key=lambda key: key[0] not in asked)
    labels = [_labels(by_key[key], result) for key in keys]
    shown = [] if question is None else [_question(question.facet, result)]
    chosen = [*shown, worn, *[one for one in labels if len(one["values"]) > 1][:SHOWN]]
    counted = _counted(chosen, workspace, result)
    return [view for view in counted if len(view["values"]) > (view is not worn)]  # one label alone is no choice


def _counted(views: list[View], workspace: Workspace, result: SearchResult) -> list[View]:
    """The facets with the number of people whom a click finds, which their winning labels only come near.

    What would not make the matches fewer is left out: a clause that nearly all fulfil raises what a person scores.
    """
    values = [value for view in views for value in view["values"]]
    totals = workspace.searcher.totals([value.pop("tree") for value in values], result)
    for value, total in zip(values, totals, strict=True):
        value["count"] = total
    for view in views:
        fewer = [value for value in view["values"] if 0 < value["count"] < result.total]
        view["values"] = sorted(fewer, key=COUNT, reverse=True)
    return views


def _question(facet: Facet, result: SearchResult) -> View:
    """The facet whose answer would narrow the result down most, asked as a question."""
    words = ATTRIBUTES[facet.attribute]
    if facet.task != "attribute":
        return _labels(facet, result) | {"title": f"Which {words} {facet.task}?"}
    worn = Has((facet.attribute,))
    values = [
        _value(f"with {words}", facet.counts["seen"], result, worn),
        _value(f"no {words}", facet.counts["absent"], result, Not(worn)),
    ]
    return {"title": f"With {words} or without?", "values": values}


def _worn(facets: Sequence[Facet], result: SearchResult) -> View:
    """How many wear each garment, most first."""
    values = [
        _value(ATTRIBUTES[facet.attribute], facet.counts["seen"], result, Has((facet.attribute,)))
        for facet in facets
        if 0 < facet.counts["seen"] < result.total
    ]
    return {"title": "Also wearing", "values": sorted(values, key=COUNT, reverse=True)[:SHOWN]}


def _labels(facet: Facet, result: SearchResult) -> View:
    """How many have each label, most first; nothing where the query says it already."""
    if _is_asked(facet, result.query):
        return {"title": "", "values": []}
    values = [
        _value(label, count, result, _has(facet, label))
        for label, count in facet.counts.items()
        if count and label not in UNASKABLE
    ]
    title = f"{ATTRIBUTES[facet.attribute]} {facet.task}"
    return {"title": title, "values": sorted(values, key=COUNT, reverse=True)[:SHOWN]}


def _value(label: str, count: int, result: SearchResult, more: Has | Not) -> View:
    tree = narrowed(result.query, more)
    return {"label": label, "words": label_words(label), "count": count, "query": format_query(tree), "tree": tree}


def _has(facet: Facet, label: str) -> Has:
    asked: dict[str, Any] = {facet.task: (label,)}
    return Has((facet.attribute,), **asked)


def _is_asked(facet: Facet, query: Query) -> bool:
    return any(facet.attribute in clause.has.attribute and clause.has.labels(facet.task) for clause in clauses(query))
