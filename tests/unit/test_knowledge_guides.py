"""The user guide and its How-Tos: sections with their code, questions with the steps that answer them."""

from __future__ import annotations

from pathlib import Path

import pytest

from gammapygpt.knowledge.document import LENGTH, Document
from gammapygpt.knowledge.guides import guide_documents, howto_documents, with_questions
from gammapygpt.knowledge.rst import parts, plain
from gammapygpt.knowledge.tutorials import tutorial_documents
from gammapygpt.state import Snippet

PAGE = """
.. include:: ../references.txt

.. _made:

*********
Made page
*********

.. currentmodule:: gammapy.makers

Overview
--------

The `~gammapy.makers.RingBackgroundMaker` is described in :ref:`elsewhere <ring>` and in `a paper <https://a.paper>`__.

.. figure:: ring.png

    A figure that cannot be seen.

.. testcode::

    from gammapy.makers import RingBackgroundMaker

    maker = RingBackgroundMaker(r_in="0.5 deg", width="0.3 deg")
    plt.show()

.. note::

    Be careful with it.

A figure
--------

.. plot:: user-guide/draw.py
    :include-source:

.. plot:: ../../../secret.py

Too short
---------

.. toctree::
    :maxdepth: 1

    other
"""

DROPDOWNS = """
How To
======

This page answers questions.

.. dropdown:: Copy part of a store
    :name: dropdown-copy

    Use `~gammapy.data.DataStore.copy_obs`:

    .. code::

        store.copy_obs([1], "copy")

    .. button-link:: ../tutorials/data/made.html#load
       :color: primary

       To the tutorial...

.. dropdown:: Say its name

    Like a pie.
"""

ACCORDIONS = """
How To
======

.. accordion-header::
    :id: HowToCopy
    :title: Copy part of a store
    :link: ../tutorials/data/made.html#load

Use `~gammapy.data.DataStore.copy_obs`:

.. code::

    store.copy_obs([1], "copy")

.. accordion-footer::

.. accordion-header::
    :id: HowToSay
    :title: Say its name

Like a pie.

.. accordion-footer::
"""

OVERVIEW = """
Getting started
===============

Installation
------------

By conda or pip, as it is told on many pages of the world, at length and with all that can go wrong
on the way, and more.

.. dropdown:: How to compute a thing

    It takes a `~gammapy.data.DataStore`.

    :bdg-link-primary:`The tutorial <../tutorials/data/made.html>`
"""

PATHS = """
Troubleshooting
===============

Not found
---------

Say where it is, and look at the answer, which should be the folder of the environment that was made
for it; if it is another one, then activate yours:

.. code-block:: bash

    which gammapy

.. glossary::

    DL3
      Data of level three.
"""

STEP = Document(Snippet(source="tutorial:data/made#load", title="Made > Load", text="store = 1\n"), "Made > Load", "x")


def tree(folder: Path, **pages: str) -> Path:
    guide = folder / "tree" / "docs" / "user-guide"
    guide.mkdir(parents=True)
    for name, text in pages.items():
        (guide / f"{name}.rst").write_text(text)
    return folder / "tree"


def test_a_page_becomes_sections_with_their_code_and_without_figures(tmp_path: Path) -> None:
    root = tree(tmp_path, page=PAGE)
    (root / "docs" / "user-guide" / "draw.py").write_text("line = 1\n")
    (tmp_path / "secret.py").write_text("secret = 1\n")
    found, notes = guide_documents(root, "9.9")
    assert notes == []
    assert [document.snippet.source for document in found] == [
        "guide:user-guide/page#overview",
        "guide:user-guide/page#a-figure",
    ]
    assert found[0].heading == "Made page > Overview"
    assert found[0].snippet.text == (
        'Gammapy 9.9, user guide, "Made page > Overview"\n\n'
        "The RingBackgroundMaker is described in elsewhere and in a paper.\n\n"
        "```python\nfrom gammapy.makers import RingBackgroundMaker\n\n"
        'maker = RingBackgroundMaker(r_in="0.5 deg", width="0.3 deg")\n'
        'plt.savefig("page_overview_1.png")\nplt.close()\n```\n\n'
        "Be careful with it."
    )
    assert "```python\nline = 1\n```" in found[1].snippet.text
    assert "secret" not in found[1].snippet.text


@pytest.mark.parametrize("page", [DROPDOWNS, ACCORDIONS], ids=["gammapy 2", "gammapy 1"])
def test_a_how_to_has_its_answer_its_names_and_the_step_that_it_links_to(tmp_path: Path, page: str) -> None:
    copy, say = howto_documents(tree(tmp_path, howto=page), "9.9", [STEP])
    assert copy.snippet.source == "howto:copy-part-of-a-store"
    assert copy.heading == "Copy part of a store"
    assert copy.snippet.text == (
        "How to: Copy part of a store (Gammapy 9.9)\n\nUse DataStore.copy_obs:\n\n"
        '```python\nstore.copy_obs([1], "copy")\n```\n\n'
        "API: gammapy.data.DataStore.copy_obs\n\nSee tutorial:data/made#load\n\n```python\nstore = 1\n```"
    )
    assert say.snippet.text == "How to: Say its name (Gammapy 9.9)\n\nLike a pie."


def test_a_step_is_found_by_the_questions_that_link_to_it(tmp_path: Path) -> None:
    howtos = howto_documents(tree(tmp_path, howto=DROPDOWNS), "9.9", [STEP])
    (step,) = with_questions([STEP], howtos)
    assert step.body == "x\nCopy part of a store"
    assert step.snippet == STEP.snippet


def test_what_folds_out_on_the_first_page_is_a_question_too(tmp_path: Path) -> None:
    root = tree(tmp_path, howto=DROPDOWNS)
    (root / "docs" / "getting-started").mkdir()
    (root / "docs" / "getting-started" / "index.rst").write_text(OVERVIEW)
    setup = STEP._replace(snippet=STEP.snippet.model_copy(update={"source": "tutorial:data/made#setup"}))
    *_, thing = howto_documents(root, "9.9", [setup, STEP])
    assert thing.snippet.source == "howto:compute-a-thing"
    assert "See tutorial:data/made#load\n" in thing.snippet.text
    assert guide_documents(root, "9.9") == ([], [])


def test_first_steps_have_their_commands_and_a_glossary_its_words(tmp_path: Path) -> None:
    root = tree(tmp_path)
    (root / "docs" / "getting-started").mkdir()
    (root / "docs" / "getting-started" / "paths.rst").write_text(PATHS)
    ((page,), _) = guide_documents(root, "9.9")
    assert page.snippet.source == "guide:getting-started/paths#not-found"
    assert page.snippet.text.startswith('Gammapy 9.9, getting started, "Troubleshooting > Not found"')
    assert "which gammapy" in page.snippet.text
    assert "DL3\n  Data of level three." in page.snippet.text


def test_a_tree_without_documentation_has_none(tmp_path: Path) -> None:
    assert guide_documents(tmp_path, "9.9") == ([], [])
    assert howto_documents(tmp_path, "9.9", []) == []


def test_headings_have_the_level_of_their_underline() -> None:
    text = "Page\n====\n\nOne\n---\n\na\n\nTwo\n~~~\n\nb\n\nThree\n-----\n\nc\n"
    assert [(part.titles, " ".join(part.lines).strip()) for part in parts(text.splitlines())][2:] == [
        (("Page", "One"), "a"),
        (("Page", "One", "Two"), "b"),
        (("Page", "Three"), "c"),
    ]


def test_markup_becomes_words() -> None:
    assert plain("list of `~gammapy.maps.Map`, or ``None``") == "list of Map, or None"
    assert plain("see :doc:`the page </a/page>`, `~gammapy.data.DataStore.obs`") == "see the page, DataStore.obs"


def test_the_guide_of_the_installed_version(gammapy_sources: Path) -> None:
    steps, _ = tutorial_documents(gammapy_sources, "2.1")
    sections, notes = guide_documents(gammapy_sources, "2.1")
    howtos = howto_documents(gammapy_sources, "2.1", steps)
    assert notes == []
    assert len(sections) > 80
    assert all(len(document.snippet.text) <= LENGTH for document in (*sections, *howtos))
    assert all(document.snippet.text.count("```") % 2 == 0 for document in sections)
    answers = {document.heading: document.snippet.text for document in howtos}
    assert len(answers) >= 20
    assert "See tutorial:starting/analysis_2#defining-the-datastore" in answers["Select observations"]
    assert "data_store.obs_table.select_observations(selection)" in answers["Select observations"]
