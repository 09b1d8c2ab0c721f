"""The page of one run: the result first, everything that it rests on in tabs, the next request at the bottom."""

from __future__ import annotations

from typing import Any

import streamlit as st
from markupsafe import Markup

from gammapygpt import detached
from gammapygpt.commands.tables import spent
from gammapygpt.runs.folder import RunFolder
from gammapygpt.runs.history import at_work, status, waits
from gammapygpt.runs.record import attempts_of, plan_of
from gammapygpt.runs.remarks import findings
from gammapygpt.runs.results import clean, counted
from gammapygpt.settings import Settings
from gammapygpt.state import Question
from gammapygpt.web import live, question
from gammapygpt.web.another_way import another_way
from gammapygpt.web.ask import begin
from gammapygpt.web.attempts import attempts, found, log, logs
from gammapygpt.web.choices import choices
from gammapygpt.web.downloads import downloads, other_files
from gammapygpt.web.history import asks, badge, open_run
from gammapygpt.web.place import Place
from gammapygpt.web.plans import show
from gammapygpt.web.result import choices_made, result
from gammapygpt.web.words import duration, errors_told, html, local, plain, seconds_since

TABS = ["Choices", "Plan", "Script", "Attempts", "Log", "Record", "Files", "Another way"]
ENDED = ("Choices", "Files", "Another way")
"""Tabs that have nothing to show before the end."""
LONG_REASON = 500
LONG = 240
"""Characters of a request that is shown in smaller letters."""


def run_page(place: Place, settings: Settings, folder: RunFolder) -> None:
    """The whole page."""
    manifest = folder.manifest()
    stands = "asks" if asks(folder) else status(folder)
    head(folder, manifest, stands)
    if stands == "running":
        live.watch(folder)
    else:
        ended(folder, manifest, stands)
    if stands not in ("running", "asks"):
        next_request(place, settings, folder)
    tabs(place, settings, folder, manifest, stands)


def head(folder: RunFolder, manifest: dict[str, Any], stands: str) -> None:
    """Status, request, where it comes from, and what can be taken home."""
    follows, forked = manifest.get("follows", {}), manifest.get("forked", {})
    text = follows.get("text") or manifest.get("request", {}).get("text", "")
    title = html("<p class='g-title {long}'>{text}</p>", long="g-long" if len(text) > LONG else "", text=text)
    st.html(
        html(
            "<div class='g-head'>{badge}{title}<div class='g-meta'>{meta}</div></div>",
            badge=badge(stands),
            title=title,
            meta=meta(folder, manifest),
        )
    )
    before = follows.get("run") or forked.get("run")
    if before or stands in ("running", "interrupted") or (folder.final / "report.html").is_file():
        with st.container(horizontal=True, gap="small"):
            downloads(folder)
            steer(folder, stands)
            if before:
                what = "Follows" if follows else "Forked from"
                st.button(
                    plain(f"{what} {before}"),
                    icon=":material/undo:",
                    type="tertiary",
                    on_click=open_run,
                    args=(before,),
                )
    if changes := follows.get("changes"):
        st.caption(plain(f"Read as: {'; '.join(map(str, changes))}"))
    if follows:
        with st.expander("The whole request"):
            st.text(clean(manifest.get("request", {}).get("text", "")))


def steer(folder: RunFolder, stands: str) -> None:
    """Resume a run that was left, stop one that is at work."""
    if stands == "interrupted" and waits(folder) and st.button("Resume", icon=":material/play_arrow:", type="primary"):
        with errors_told():
            detached.go_on(folder)
            st.rerun()
    if stands == "running" and at_work(folder):
        st.button("Stop the run", icon=":material/stop_circle:", on_click=detached.stop, args=(folder,))


def meta(folder: RunFolder, manifest: dict[str, Any]) -> Markup:
    """Name, time, backend, data and costs in one line."""
    switches = manifest.get("switches", {})
    backends = dict.fromkeys(str(switches.get(f"{role}_backend", "")) for role in ("planner", "coder", "critic"))
    took = seconds_since(manifest.get("created", ""), manifest.get("finished", "")) if manifest.get("finished") else 0
    told = [
        folder.name,
        local(manifest.get("created", ""), "%d %b %Y, %H:%M"),
        f"took {duration(took)}" if took else "",
        f"backend {', '.join(filter(None, backends))}",
        f"at most {counted(switches.get('attempts', 0), 'attempt')}",
        spent(manifest.get("usage", {})).partition(", ")[0],
    ]
    return html("{told}", told=" · ".join(filter(None, told)))


def ended(folder: RunFolder, manifest: dict[str, Any], stands: str) -> None:
    """The result, the question, or why there is no result."""
    if stands == "asks":
        asked = Question.model_validate(manifest["question"])
        live.draw(folder, going=False, asks=asked.about)
        question.put(folder, asked)
    elif stands == "passed":
        result(folder, manifest)
    else:
        without_result(folder, manifest, stands)


def without_result(folder: RunFolder, manifest: dict[str, Any], stands: str) -> None:
    """Why there is none, and what the last script said."""
    live.draw(folder, going=False)
    reason = str(manifest.get("reason", "")) or "It was left before it ended."
    why(reason, grave=stands not in ("interrupted", "refused"))
    if stands == "interrupted" and (said := detached.last_words(folder)) and said not in reason:
        st.error(plain(said))
    tried = [one for one in attempts_of(folder, manifest, folder.events()) if one.execution or findings(one)]
    if tried and stands != "interrupted":
        st.markdown("##### The last attempt")
        found(findings(tried[-1]))
        log(tried[-1])


def why(reason: str, *, grave: bool) -> None:
    """A reason; of a long one the first sentence, and the others on demand."""
    first, dot, rest = reason.partition(". ") if len(reason) > LONG_REASON else (reason, "", "")
    (st.error if grave else st.warning)(plain(first + dot.strip()))
    if rest:
        with st.expander("All that was said"):
            st.text(clean(rest.replace("; ", ";\n")))


def tabs(place: Place, settings: Settings, folder: RunFolder, manifest: dict[str, Any], stands: str) -> None:
    """Everything that the result rests on."""
    over = stands not in ("running", "asks")
    names = [name for name in TABS if over or name not in ENDED]
    places = dict(zip(names, st.tabs(names), strict=True))
    with places["Plan"]:
        show(plan_of(manifest, folder.events()))
    with places["Script"]:
        script(folder, manifest)
    with places["Attempts"]:
        attempts(folder, manifest)
    with places["Log"]:
        logs(folder, manifest)
    with places["Record"]:
        if stands != "asks":
            live.draw(folder, going=stands == "running")
        live.lines(folder)
    if over:
        with places["Choices"]:
            choices_made(manifest)
        with places["Files"]:
            other_files(folder)
        with places["Another way"]:
            another_way(place, folder, manifest, settings)


def script(folder: RunFolder, manifest: dict[str, Any]) -> None:
    """The script that stands, else the latest one."""
    written = [one for one in attempts_of(folder, manifest, folder.events()) if one.script]
    standing = next((one for one in written if one.number == manifest.get("best")), written[-1] if written else None)
    if standing is None:
        st.caption("No script has been written yet.")
        return
    what = "passed all gates" if standing.number == manifest.get("best") else "is the latest one"
    st.caption(f"Attempt {standing.number} {what}.")
    st.code(clean(standing.script), language="python", line_numbers=True)


def next_request(place: Place, settings: Settings, folder: RunFolder) -> None:
    """The box for what comes next, with how it is done."""
    with st.container(key="next"):  # in a container it stays where it is, and the page does not scroll to it
        on = bool(st.session_state["carry_on"])
        hint = "Follow up: now with a log-parabola; same for MSH 15-52" if on else "A new request, a run of its own"
        said = st.chat_input(hint, key="next_request")
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            st.toggle(
                "Carry the conversation on",
                key="carry_on",
                help="On: what you type follows this run up; its agents know the plan, the script, the numbers and the "
                "failures of then. Off: it is a run of its own.",
            )
            with st.popover("How it is done", icon=":material/tune:", type="tertiary"):
                choices(settings)
    if said:
        with errors_told():
            begin(place, settings, said, before=folder if on else None)
