"""The tools and resources that there are, and what a client is told of them. What they do is elsewhere."""

from __future__ import annotations

from importlib.resources import files
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field

from gammapygpt import __version__
from gammapygpt.mcp import reading
from gammapygpt.mcp.answers import Checked, Explained, Found, Job, Recipes, RecipeScript, Runs
from gammapygpt.mcp.calls import Server, tool_errors
from gammapygpt.mcp.resources import add_resources
from gammapygpt.mcp.working import Desk

READS = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
ASKS = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True)

Script = Annotated[str, Field(min_length=1, max_length=400_000, description="Source of one Python script.")]
Text = Annotated[str, Field(min_length=1, max_length=20_000)]
RunName = Annotated[str, Field(max_length=120, description="Name of a run.")]
Attempts = Annotated[int | None, Field(ge=1, description="Drafts at the most; fewer than the settings allow.")]
Approve = Annotated[
    list[Literal["plan", "script"]], Field(description="Stop and ask before the plan is coded, or a script is run.")
]


def server(desk: Desk) -> Server:
    """The server of one user, with one set of settings."""
    mcp = Server(
        "gammapygpt",
        title="Gammapy, checked and run",
        instructions=(files("gammapygpt.mcp") / "instructions.md").read_text(encoding="utf-8"),
        version=__version__,
        log_level="WARNING",
    )
    add_reading_tools(mcp, desk)
    add_working_tools(mcp, desk)
    add_resources(mcp, desk.settings)
    return mcp


def add_reading_tools(mcp: Server, desk: Desk) -> None:
    """Tools that change nothing."""

    @mcp.tool(title="Search the installed Gammapy", annotations=READS)
    @tool_errors
    def search_gammapy(
        query: Annotated[Text, Field(description="Plain English, code, or an error message.")],
        kinds: Annotated[
            list[reading.Kind] | None,
            Field(description="Only these kinds: api (signatures), tutorial (code), howto, guide, recipe, drift."),
        ] = None,
        n: Annotated[int, Field(ge=1, le=20, description="Pieces at the most.")] = 6,
    ) -> Found:
        """Look up API, tutorials, How-Tos, recipes and API changes of the Gammapy that is installed here.

        Use it before writing a class, method or keyword of Gammapy from memory. Gives pieces of reference material.
        The first search on a machine builds the index, which takes a minute.
        """
        return reading.search(desk.settings, query, kinds, n)

    @mcp.tool(title="Check a script", annotations=READS)
    @tool_errors
    def check_script(
        script: Script,
        api_only: Annotated[
            bool, Field(description="Imports, names and the API of Gammapy alone: for code that is no analysis script.")
        ] = False,
    ) -> Checked:
        """Check a script against the installed Gammapy without running it; takes milliseconds.

        Use it after every edit and before run_script. Gives findings with line, message and what to write instead:
        names, methods and keywords that do not exist, wrong types and units, and what the sandbox would not allow.
        """
        return reading.check(desk.settings, script, api_only=api_only)

    @mcp.tool(title="Explain an error", annotations=READS)
    @tool_errors
    def explain_error(
        error: Annotated[Text, Field(description="A traceback, or its last line.")],
        script: Annotated[str, Field(max_length=400_000, description="The script that failed.")] = "",
    ) -> Explained:
        """Say what an error means in the installed Gammapy, and what to write instead.

        Use it when a script that uses Gammapy failed, here or elsewhere. Gives the meaning, changes of the API that
        explain it, and the reference material for the names in it. Better with the script.
        """
        return reading.explain(desk.settings, error, script)

    @mcp.tool(title="List recipes", annotations=READS)
    @tool_errors
    def list_recipes(
        query: Annotated[str, Field(max_length=20_000, description="What is wanted, in the user's words.")] = "",
    ) -> Recipes:
        """List tested Gammapy scripts; with a query those that may answer it, with their constants filled in.

        Use it before writing a script. `missing` names what a recipe does not do.
        """
        return reading.recipe_lines(desk.settings, query)

    @mcp.tool(title="Get a recipe", annotations=READS)
    @tool_errors
    def get_recipe(
        name: Annotated[str, Field(max_length=120, description="As list_recipes gives it.")],
        constants: Annotated[
            dict[str, Any] | None, Field(description="Values by name of the constant, in the units of its comment.")
        ] = None,
    ) -> RecipeScript:
        """Give one recipe as a script that is ready for run_script, with some of its constants set."""
        return reading.recipe(name, constants or {})

    @mcp.tool(title="List runs", annotations=READS)
    @tool_errors
    def list_runs(n: Annotated[int, Field(ge=1, le=50, description="So many of the latest.")] = 10) -> Runs:
        """List the latest runs with their names and how they stand; `resume` goes on with an interrupted one."""
        return reading.run_lines(desk.settings, n)

    @mcp.tool(title="Show a run", annotations=READS)
    async def show_run(run: RunName) -> Annotated[CallToolResult, Job]:
        """Show how a run stands or ended: what generate and run_script give, of a run that is there already."""
        return await desk.show_run(run)


def add_working_tools(mcp: Server, desk: Desk) -> None:
    """Tools that run something; each leaves a run folder."""

    @mcp.tool(title="Run a script", annotations=RUNS)
    async def run_script(
        ctx: Context[Any, Any],
        script: Script,
        request: Annotated[
            str,
            Field(max_length=20_000, description="What it is to answer, in the user's words: numbers are compared."),
        ] = "",
        keys: Annotated[list[str] | None, Field(description="Keys that result.json must hold.")] = None,
        timeout_s: Annotated[
            float | None, Field(gt=0, description="Wall time in s; less than the settings allow.")
        ] = None,
    ) -> Annotated[CallToolResult, Job]:
        """Run a script in the sandbox (no network, data read-only) and judge its result.json.

        Use it once check_script passes. Gives status, numbers with units, choices, warnings, findings of all gates,
        the ends of stdout and stderr, the traceback with hints, and the figures.
        """
        return await desk.run_script(ctx, script, request, keys or [], timeout_s)

    @mcp.tool(title="Do a whole analysis", annotations=ASKS)
    async def generate(
        ctx: Context[Any, Any],
        request: Annotated[Text, Field(description="What is wanted, in plain English: source, data, range, results.")],
        backend: Annotated[str | None, Field(description="Who writes it; `cookbook` asks no language model.")] = None,
        attempts: Attempts = None,
        approve: Approve | None = None,
    ) -> Annotated[CallToolResult, Job]:
        """Turn a request in plain English into a script that was checked, run, validated, repaired, and its numbers.

        Use it when the whole analysis is wanted and no script is there yet. Takes from seconds to many minutes and
        tells its progress. A cancelled call stops the run; `resume` goes on with it.
        """
        return await desk.generate(ctx, request, backend, attempts, approve)

    @mcp.tool(title="Follow up a run", annotations=ASKS)
    async def follow_up(
        ctx: Context[Any, Any],
        run: RunName,
        request: Annotated[Text, Field(description="What is to be different.")],
        backend: Annotated[str | None, Field(description="Who writes it.")] = None,
        attempts: Attempts = None,
        approve: Approve | None = None,
    ) -> Annotated[CallToolResult, Job]:
        """Change something in a run that has ended: `now with a log-parabola`, `same for MSH 15-52`.

        Its agents know the script, the numbers and the failures of then. Gives what generate gives.
        """
        return await desk.follow_up(ctx, run, request, backend, attempts, approve)

    @mcp.tool(title="Go on with a run", annotations=ASKS)
    async def resume(
        ctx: Context[Any, Any],
        run: RunName,
        decision: Annotated[
            Literal["accept", "edit", "reject"] | None,
            Field(description="The user's, where the run asks (`question`)."),
        ] = None,
        script: Annotated[str, Field(max_length=400_000, description="With `edit`: the script to run instead.")] = "",
        plan: Annotated[dict[str, Any] | None, Field(description="With `edit`: the plan to code instead.")] = None,
        reason: Annotated[str, Field(max_length=2000, description="With `reject`: why, for the agents.")] = "",
    ) -> Annotated[CallToolResult, Job]:
        """Go on with a run that was interrupted, or that waits for the user's approval."""
        return await desk.resume(ctx, run, decision, script, plan, reason)
