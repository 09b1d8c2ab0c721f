"""Resources: what runs left behind, and recipes. Names come from the client and are not trusted."""

from __future__ import annotations

from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from gammapygpt.mcp import reading
from gammapygpt.mcp.calls import Server, resource_errors
from gammapygpt.mcp.runs import figure_named, file_of, listed, run_named, runs_of, told, without_secrets_in
from gammapygpt.runs.history import all_runs
from gammapygpt.settings import Settings

MOST_COMPLETIONS = 100


def add_resources(mcp: Server, settings: Settings) -> None:
    """Make the runs and the recipes readable."""
    add_runs(mcp, settings)

    @mcp.resource("recipe://{name}", title="A recipe", mime_type="text/x-python")
    @resource_errors
    def recipe(name: str) -> str:
        """A tested Gammapy script with a block of constants."""
        return reading.recipe_named(name).source

    @mcp.completion()
    async def complete(
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        """Names that begin as what was typed."""
        if argument.name != "name" or not isinstance(ref, ResourceTemplateReference):
            return None
        known = names(settings, recipes=ref.uri.startswith("recipe:"))
        found = [name for name in known if name.startswith(argument.value)]
        return Completion(values=found[:MOST_COMPLETIONS], total=len(found))


def add_runs(mcp: Server, settings: Settings) -> None:
    """What there is of each run."""

    @mcp.resource("run://list", title="The runs", mime_type="application/json")
    def runs() -> str:
        """The latest runs: name, when, status, attempts, backend, request."""
        return without_secrets_in({"runs": listed(settings)})

    @mcp.resource("run://{name}/manifest", title="Manifest of a run", mime_type="application/json")
    @resource_errors
    def manifest(name: str) -> str:
        """Everything about a run: request, status, plan, attempts, result with units, choices, warnings, costs."""
        return without_secrets_in(told(run_named(settings, name)))

    @mcp.resource("run://{name}/script", title="Script of a run", mime_type="text/x-python")
    @resource_errors
    def script(name: str) -> str:
        """The script that passed."""
        return file_of(run_named(settings, name), "script.py", "The drafts are in the folder of the run.")

    @mcp.resource("run://{name}/result", title="Numbers of a run", mime_type="application/json")
    @resource_errors
    def result(name: str) -> str:
        """The result.json of the script that passed."""
        return file_of(run_named(settings, name), "result.json", "The manifest says why.")

    @mcp.resource("run://{name}/report", title="Report of a run", mime_type="text/html")
    @resource_errors
    def report(name: str) -> str:
        """The report for people: one page that needs nothing else."""
        return file_of(run_named(settings, name), "report.html", "`resume` goes on with it.")

    @mcp.resource("run://{name}/figures/{+figure}", title="Figure of a run", mime_type="image/png")
    @resource_errors
    def figure(name: str, figure: str) -> bytes:
        """An image that the script saved."""
        return figure_named(run_named(settings, name), figure)


def names(settings: Settings, *, recipes: bool) -> list[str]:
    """Names of the recipes, or of the runs, the latest first."""
    if recipes:
        from gammapygpt import cookbook

        return list(cookbook.recipes())
    return [folder.name for folder in reversed(all_runs(runs_of(settings)))]
