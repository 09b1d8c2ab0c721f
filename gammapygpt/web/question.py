"""What a run waits for: its plan or script, to be accepted, edited or rejected. It waits as long as it takes."""

from __future__ import annotations

import streamlit as st

from gammapygpt.errors import UserError
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.results import clean
from gammapygpt.state import Answer, Plan, Question
from gammapygpt.web.attempts import found
from gammapygpt.web.plans import fields, show
from gammapygpt.web.words import errors_told, plain

NEXT = {"plan": "a script is written after it", "script": "it is run in the sandbox"}


def put(folder: RunFolder, question: Question) -> None:
    """Show the question, and pass on the answer to it."""
    with st.container(border=True):
        title, accept, reject = st.columns([5, 1, 1], vertical_alignment="center")
        number = f" of attempt {question.number}" if question.about == "script" else ""
        title.markdown(f"#### Approve the {question.about}{number}")
        st.caption(f"Accept it and {NEXT[question.about]}; change it and yours is taken; reject it and the run ends.")
        if question.problem:
            st.error(plain(question.problem))
        with accept:
            if st.button("Accept", type="primary", icon=":material/check:", width="stretch"):
                pass_on(folder, Answer(decision="accept"))
        with reject, st.popover("Reject", icon=":material/close:", width="stretch"):
            why = st.text_input("Why", key="reason", placeholder="It uses the wrong runs")
            if st.button("Reject it"):
                pass_on(folder, Answer(decision="reject", reason=(why or "").strip()))
        as_it_is, edit = st.tabs(["As it is", "Edit"])
        with as_it_is:
            if question.about == "plan":
                show(question.plan)
            else:
                st.code(clean(question.script), language="python", line_numbers=True, height=460)
                found(question.findings)
        with edit:
            edited(folder, question)


def edited(folder: RunFolder, question: Question) -> None:
    """The plan or script in widgets."""
    changed: Plan | UserError | str | None
    if question.about == "plan":
        changed = fields(question.plan or Plan(), "edited")
    else:
        changed = st.text_area("Script", question.script, key="edited_script", height=460, label_visibility="collapsed")
    if st.button(f"Go on with this {question.about}", icon=":material/edit:"):
        with errors_told():
            pass_on(folder, answer_with(changed, question))


def answer_with(changed: Plan | UserError | str | None, question: Question) -> Answer:
    """The answer that the widgets hold, checked before a process is started for it.

    Raises
    ------
    UserError
        It is no plan, names a recipe or constants that there are not, or is empty.
    """
    from gammapygpt.agents.approval import check_edit

    if isinstance(changed, UserError):
        raise changed
    given = {"plan": changed} if isinstance(changed, Plan) else {"script": changed or ""}
    answer = Answer(decision="edit", **given)
    check_edit(answer, question)
    return answer


def pass_on(folder: RunFolder, answer: Answer) -> None:
    """Let the run go on with an answer."""
    from gammapygpt import detached

    with errors_told():
        detached.go_on(folder, answer)
        st.rerun()
