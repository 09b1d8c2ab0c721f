"""The graph in Studio: the agents as everywhere, between one node that lays out a run and one for its answer."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from inspect import signature
from pathlib import Path
from typing import Any, get_args, get_type_hints

from langgraph.errors import GraphInterrupt
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from gammapygpt.context import Context
from gammapygpt.errors import GammapyGPTError, UserError
from gammapygpt.graph.build import NODES, ROUTERS, observed
from gammapygpt.graph.routing import outcome
from gammapygpt.run import Run
from gammapygpt.runs.folder import RunFolder
from gammapygpt.sandbox import waiting
from gammapygpt.settings import Settings
from gammapygpt.state import Question
from gammapygpt.studio import branch
from gammapygpt.studio.form import form
from gammapygpt.studio.state import StudioInput, StudioOutput, StudioState, Told, anew, read_ask, typed

FIRST, LAST = "begin", "lay_out"


def studio_graph(settings: Settings) -> StateGraph[Any, Any, Any, Any]:
    """The agents with a folder for their files; `settings` are those that the form shows."""
    graph: StateGraph[Any, Any, Any, Any] = StateGraph(
        StudioState, context_schema=form(settings), input_schema=StudioInput, output_schema=StudioOutput
    )
    graph.add_node(FIRST, begin)
    for name, node in NODES.items():
        graph.add_node(name, placed(name, observed(name, node)))
    graph.add_node(LAST, placed(LAST, lay_out))
    graph.add_edge(START, FIRST)
    for name, router in ROUTERS.items():
        graph.add_conditional_edges(FIRST if name == START else name, switched(router), ends(router))
    graph.add_edge(LAST, END)
    return graph


def begin(state: StudioState, runtime: Runtime[Any]) -> dict[str, Any]:
    """Lay out a run for the request: a new one, or one that goes on from the last one of the thread."""
    asked = read_ask(state.get("request"))
    if asked.follow_up and not state.get("folder"):
        raise UserError("this thread has no run to follow up.", "Ask without follow_up.")
    run = branch.begun(asked.text, runtime, follows=state["folder"] if asked.follow_up else "")
    request = run.request()
    if not run.context.approve:
        waiting.prepare(run.context.run_folder, run.settings, request.data_path)
    return {**anew(), "request": request, "folder": str(run.folder.path)}


def lay_out(state: StudioState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Lay out the answer as everywhere, and tell what a person wants to know of it."""
    context = runtime.context
    run = Run(RunFolder(Path(context.run_folder)), context.settings, context)
    waiting.discard(context.run_folder)
    runtime.stream_writer(run.finish(outcome(state, context), state))
    manifest, script = run.folder.manifest(), run.folder.final / "script.py"
    shown = {name: manifest[name] for name in Told.model_fields if name in manifest}
    text = script.read_text(encoding="utf-8") if script.is_file() else ""
    return {"answer": Told(**shown, script=text, folder=str(run.folder.path))}


def placed(name: str, node: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """The node in the folder of its branch: with its switches, its events kept, its end or its question noted."""

    def in_its_folder(state: StudioState, runtime: Runtime[Any]) -> dict[str, Any]:
        state = typed(state)
        run = branch.taken_up(state, runtime, name)
        told = runtime.override(context=run.context, stream_writer=lambda event: runtime.stream_writer(run.tell(event)))
        with run.folder.lock():
            if run.folder.manifest()["status"] != "running":
                run.folder.update_manifest(status="running", reason="", question=None)
            try:
                changes = node(state, told)
            except BaseException as stop:
                waiting.discard(run.context.run_folder)
                if isinstance(stop, GraphInterrupt):
                    told.stream_writer(run.ask(Question.model_validate(stop.args[0][0].value)))
                elif isinstance(stop, GammapyGPTError):
                    run.interrupted(str(stop))
                raise
            branch.went_on(run, state["steps"] + 1)
        return {**changes, "folder": str(run.folder.path), "steps": state["steps"] + 1}

    return in_its_folder


def switched(router: Callable[..., str]) -> Callable[[StudioState], str]:
    """The router with the switches of the run; the server asks it also when a state is edited, outside of any run."""
    knows_switches = "runtime" in signature(router).parameters

    def with_its_switches(state: StudioState) -> str:
        state = typed(state)
        given = {"runtime": Runtime(context=branch.context_of(state))} if knows_switches else {}
        return router(state, **given)

    with_its_switches.__name__ = router.__name__
    return with_its_switches


def ends(router: Callable[..., str]) -> dict[Hashable, str]:
    """Where a router may lead; where the agents end, the answer is laid out."""
    return {name: LAST if name == END else name for name in get_args(get_type_hints(router)["return"])}
