"""The backend `local`: asks the server of a model file as it would ask any endpoint, and starts it when first asked."""

from __future__ import annotations

from pathlib import Path

from gammapygpt.errors import InfrastructureError
from gammapygpt.llm.base import OnToken, OnWait, Question, Reply
from gammapygpt.llm.local import server
from gammapygpt.llm.local.files import find_file, is_path
from gammapygpt.llm.local.gguf import read_head
from gammapygpt.llm.local.machine import physical_cores
from gammapygpt.llm.openai import OpenAIBackend
from gammapygpt.settings import BackendSettings


class LocalBackend:
    """A model file served by llama.cpp on this machine; nothing leaves it.

    Parameters
    ----------
    name : str
        As in the settings.
    settings : BackendSettings
        `model` is a known name or a file.
    limits_folder : str
        See `OpenAIBackend`.
    """

    kind = "local"

    def __init__(self, name: str, settings: BackendSettings, limits_folder: str = "") -> None:
        self.name = name
        self.settings = settings
        self._limits_folder = limits_folder
        self.abilities = frozenset[str](settings.abilities)
        self._launch: server.Launch | None = None
        self._client: tuple[server.Server, OpenAIBackend] | None = None

    def ask(self, question: Question, on_token: OnToken | None = None, on_wait: OnWait | None = None) -> Reply:
        """Answer; the first question waits until the model is loaded.

        Raises
        ------
        UserError
            The model or the extra `local` is not there.
        InfrastructureError
            See `Backend.ask`; also when the server ended.
        """
        say = on_wait or (lambda line: None)
        if self._launch is None:
            server.check_installed()
            self._launch = launch(self.settings, say)
        serving = server.running(self._launch, say)
        try:
            return self._asking(serving).ask(question, on_token, on_wait)
        except InfrastructureError:
            if serving.ends():
                raise serving.fault() from None
            raise

    def _asking(self, serving: server.Server) -> OpenAIBackend:
        if self._client is None or self._client[0] is not serving:
            at = self.settings.model_copy(update={"base_url": serving.url, "model": serving.launch.model})
            self._client = serving, OpenAIBackend(self.name, at, serving.key, self._limits_folder)
        return self._client[1]


def launch(settings: BackendSettings, say: OnWait | None = None) -> server.Launch:
    """How the file of a backend is to be served.

    Raises
    ------
    UserError
        The file is not there, or is no GGUF file.
    """
    file = find_file(settings.model, settings.serving.folder, say)
    longest = read_head(file).context
    wanted = settings.serving
    return server.Launch(
        file=str(file),
        model=Path(settings.model).stem if is_path(settings.model) else settings.model,
        context=min(wanted.context, longest) if longest else wanted.context,
        threads=wanted.threads or physical_cores(),
        cache_mb=wanted.cache_mb,
        repack=wanted.repack,
    )
