"""The optimiser: one candidate for a better script; believed only when the numbers stay the same."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from gammapygpt.agents.executor import seconds
from gammapygpt.agents.workshop import ask, backend, conversation, folder
from gammapygpt.context import Context
from gammapygpt.llm.faults import PromptTooLong
from gammapygpt.sandbox import waiting
from gammapygpt.state import Draft, RunState


def optimise(state: RunState, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask for a faster or cleaner script; a reply without one ends the matter.

    What people wrote and tested, a recipe, is not given to a model that cannot even call tools; a script that does not
    fit into a model's context stays as it is.
    """
    attempts = state["attempts"]
    best, number = next(attempt for attempt in reversed(attempts) if attempt.passed), len(attempts) + 1
    if best.how == "recipe" and "tools" not in backend("optimiser", runtime.context).abilities:
        return {"draft": None}
    waiting.prepare(runtime.context.run_folder, runtime.context.settings, state["request"].data_path)
    messages = conversation(
        "optimiser",
        runtime.context,
        request=state["request"].text,
        script=best.script,
        seconds=seconds(best.execution),
    )
    try:
        reply = ask("optimiser", state, runtime, step=f"optimiser-{number}", form="script", messages=messages)
    except PromptTooLong as error:
        runtime.stream_writer({"event": "waiting", "agent": "optimiser", "line": f"left out: {error.message}"})
        return {"draft": None}
    whole = reply.script if not reply.fault and reply.lines is None else ""
    draft = Draft(author="optimiser", number=number, script=whole, how="candidate")
    if whole:
        record = [*(message.model_dump() for message in messages), {"role": "assistant", "content": reply.text}]
        folder(runtime.context).keep_draft(draft, record)
    runtime.stream_writer({"event": "drafted", "attempt": number, "how": "candidate", "fault": reply.fault})
    return {"draft": draft, "usage": reply.usage}
