"""What of the found material is shown: the nearest of each kind, nothing twice."""

from __future__ import annotations

from gammapygpt.knowledge.ranking import chosen
from gammapygpt.state import Snippet


def piece(source: str, score: float, text: str = "") -> Snippet:
    """A snippet whose words are its own unless a text is given."""
    return Snippet(source=source, title=source, text=text or f"{source} says {score}", score=score)


def sources(found: list[Snippet]) -> list[str]:
    return [snippet.source for snippet in found]


def test_the_best_recipe_has_a_place_where_it_is_near() -> None:
    found = [piece("tutorial:a#1", 0.5), piece("api:x.Y", 0.4), piece("recipe:r", 0.35), piece("recipe:far", 0.2)]
    assert sources(chosen(found, 6, mixed=True)) == ["tutorial:a#1", "api:x.Y", "recipe:r"]
    assert sources(chosen(found, 2, mixed=True)) == ["tutorial:a#1", "recipe:r"]
    assert sources(chosen(found, 1, mixed=True)) == ["tutorial:a#1"]


def test_a_recipe_that_is_far_is_left_out() -> None:
    assert sources(chosen([piece("api:x.Y", 0.8), piece("recipe:r", 0.2)], 6, mixed=True)) == ["api:x.Y"]


def test_changes_of_the_api_and_one_tutorial_do_not_fill_the_prompt() -> None:
    found = [piece(f"drift:{n}", 0.9) for n in range(5)] + [piece(f"tutorial:a#{n}", 0.8) for n in range(5)]
    found += [piece("tutorial:b", 0.2), piece("api:x.Y", 0.1)]
    shown = sources(chosen(found, 5, mixed=True))
    assert shown == ["tutorial:a#0", "drift:0", "drift:1", "tutorial:b", "api:x.Y"]


def test_where_there_is_nothing_else_more_of_the_same_page_is_shown() -> None:
    found = [piece(f"tutorial:a#{n}", 0.8 - n / 10) for n in range(5)] + [piece(f"drift:{n}", 0.1) for n in range(5)]
    assert sources(chosen(found, 9, mixed=True)) == [
        *("tutorial:a#0", "drift:0", "drift:1"),
        *("tutorial:a#1", "tutorial:a#2", "tutorial:a#3", "tutorial:a#4"),
    ]


def test_the_same_code_below_two_titles_is_shown_once() -> None:
    code = "maker = SafeMaskMaker(methods=['aeff-max'])\ndataset = maker.run(dataset, observation)\n"
    code += "figure = plt.figure(figsize=(8, 6))\ndataset.mask_safe.plot(ax=figure.gca())\n"
    found = [piece("tutorial:a#1", 0.5, code), piece("tutorial:b#7", 0.4, code + "again()"), piece("guide:c", 0.3)]
    assert sources(chosen(found, 6, mixed=True)) == ["tutorial:a#1", "guide:c"]
    assert sources(chosen(found, 6, mixed=False)) == ["tutorial:a#1", "guide:c"]


def test_asked_for_by_kind_the_nearest_come_as_they_are() -> None:
    found = [piece(f"drift:{n}", 1 - n / 10) for n in range(5)]
    assert sources(chosen(found, 4, mixed=False)) == ["drift:0", "drift:1", "drift:2", "drift:3"]
