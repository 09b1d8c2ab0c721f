"""Where the vectors live: in this process, kept in a file or not, or in a collection of a Qdrant server."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from langchain_qdrant import QdrantVectorStore, RetrievalMode
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from gammapygpt.errors import GammapyGPTError, InfrastructureError
from gammapygpt.keys import read_key
from gammapygpt.knowledge.dense import Dense
from gammapygpt.knowledge.inprocess import IndexedLocal, in_process
from gammapygpt.knowledge.lexical import Lexical
from gammapygpt.settings import Settings, without_secrets

LEXICAL, DENSE = "lexical", "dense"
"""Names of the vectors of a point."""
OURS = re.compile(r"gammapygpt-[0-9a-f]{16}-(?:lexical|[0-9a-f]{12})")
"""Names of our collections on a server."""
KEPT = re.compile(r"[0-9a-f]{16}\.npz")
"""Names of our files in a folder."""
BATCH = 256
TIMEOUT_S = 30


class Gone(InfrastructureError):
    """The server no longer has the collection: somebody cleaned up."""


def is_server(settings: Settings) -> bool:
    """The vectors live in a Qdrant server."""
    return settings.retrieval.store.startswith(("http://", "https://"))


def folder_of(settings: Settings, cache: Path) -> Path | None:
    """The folder of files with documents and vectors; None for a store in memory alone."""
    store = settings.retrieval.store
    if store == "memory":
        return None
    return cache if store == "disk" or is_server(settings) else Path(store).expanduser()


def place(settings: Settings, cache: Path) -> str:
    """Where the vectors live, in words."""
    if is_server(settings):
        return f"Qdrant server {without_secrets(settings.retrieval.store)}"
    folder = folder_of(settings, cache)
    return f"in process, kept in {folder}" if folder else "in process, not kept"


def collection_name(key: str, dense: Dense | None) -> str:
    """Tells what is in a collection: this corpus, with these vectors."""
    return f"gammapygpt-{key}-{dense.key if dense else LEXICAL}"


def client_for(settings: Settings) -> QdrantClient:
    """A Qdrant in this process, or the server of the settings, which is asked nothing yet.

    Raises
    ------
    UserError
        See `read_key`.
    """
    if not is_server(settings):
        return in_process()
    key = read_key(settings.retrieval.store_key_env, settings.retrieval.store_key_file, "The Qdrant server")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Api key is used with an insecure connection")  # a server within the house
        return QdrantClient(
            url=settings.retrieval.store,
            api_key=key.get_secret_value() or None,
            timeout=TIMEOUT_S,
            check_compatibility=False,
        )


def vector_store(client: QdrantClient, name: str, lexical: Lexical, dense: Dense | None) -> QdrantVectorStore:
    """A collection as LangChain sees it: searched by words, or by words and meaning."""
    return QdrantVectorStore(
        client,
        name,
        embedding=dense,
        retrieval_mode=RetrievalMode.HYBRID if dense else RetrievalMode.SPARSE,
        vector_name=DENSE,
        sparse_embedding=lexical,
        sparse_vector_name=LEXICAL,
        validate_collection_config=False,  # ours by its name; asking would embed a dummy text each time
    )


def fill(
    store: QdrantVectorStore, texts: Sequence[str], metadata: Sequence[dict[str, str]], say: Callable[[str], None]
) -> None:
    """Make sure that a collection holds all documents.

    Points have the numbers of their documents, so two processes that fill the same collection write the same.
    """
    client, name = store.client, store.collection_name
    if not client.collection_exists(name):
        create(client, name, len(store.embeddings.embed_documents([texts[0]])[0]) if store.embeddings else 0)
    if client.count(name, exact=True).count == len(texts):
        return
    for start in range(0, len(texts), BATCH):
        stop = min(start + BATCH, len(texts))
        store.add_texts(texts[start:stop], [*metadata[start:stop]], ids=[*range(start, stop)], batch_size=BATCH)
        if is_remote(client) and (stop % (4 * BATCH) == 0 or stop == len(texts)):
            say(f"stored {stop} of {len(texts)} documents")


def create(client: QdrantClient, name: str, dense_size: int) -> None:
    """Make an empty collection; two processes may do so at once."""
    params = models.VectorParams(size=dense_size, distance=models.Distance.COSINE)
    try:
        client.create_collection(
            name,
            vectors_config={DENSE: params} if dense_size else {},
            sparse_vectors_config={LEXICAL: models.SparseVectorParams(modifier=models.Modifier.IDF)},
        )
        if is_remote(client):
            client.create_payload_index(name, "metadata.kind", models.PayloadSchemaType.KEYWORD)
    except UnexpectedResponse as error:
        if error.status_code != 409:  # the other process was faster
            raise


def is_remote(client: QdrantClient) -> bool:
    """A server, not this process: there payload indices mean nothing, and filling takes no time to speak of."""
    return not isinstance(client._client, IndexedLocal)


def of_kinds(kinds: Sequence[str] | None) -> models.Filter | None:
    """The filter for documents of these kinds."""
    if not kinds:
        return None
    return models.Filter(must=[models.FieldCondition(key="metadata.kind", match=models.MatchAny(any=list(kinds)))])


def prune(settings: Settings, cache: Path, collection: str, file: str) -> list[str]:
    """Remove collections, or files, of ours that belong to another corpus or embedding; nobody else's.

    Parameters
    ----------
    settings
        Say where.
    cache
        Folder of files where the settings name none.
    collection, file
        Names of those in use.
    """
    removed = []
    if is_server(settings):
        with server_words(settings):
            client = client_for(settings)
            for one in client.get_collections().collections:
                if OURS.fullmatch(one.name) and one.name != collection:
                    client.delete_collection(one.name)
                    removed.append(one.name)
    elif folder := folder_of(settings, cache):
        for path in sorted(folder.glob("*.npz")):
            if KEPT.fullmatch(path.name) and path.name != file:
                path.unlink(missing_ok=True)
                removed.append(str(path))
    return removed


@contextmanager
def server_words(settings: Settings) -> Iterator[None]:
    """Turn what the client raises into one line for the user, without secrets.

    Raises
    ------
    InfrastructureError
        The server does not answer, refuses the key, or is none of Qdrant.
    """
    where = without_secrets(settings.retrieval.store)
    try:
        yield
    except GammapyGPTError:
        raise
    except ResourceExhaustedResponse:
        raise InfrastructureError(f"The Qdrant server {where} is overloaded (status 429).", "Try again.") from None
    except UnexpectedResponse as error:
        if error.status_code in (401, 403):
            named = settings.retrieval.store_key_env or settings.retrieval.store_key_file
            said = f"refuses the key in {named}" if named else "wants a key"
            raise InfrastructureError(
                f"The Qdrant server {where} {said} (status {error.status_code}).",
                f"Check {named}." if named else "Set retrieval.store_key_env to the name of its variable.",
            ) from None
        if error.status_code == 404 and b"ollection" in error.content:
            raise Gone(f"The Qdrant server {where} no longer has the collection.", "Try again.") from None
        raise InfrastructureError(
            f"{where} answers with status {error.status_code}, not as a Qdrant server should.",
            "Check retrieval.store, or look at the server's log.",
        ) from None
    except (ApiException, ValueError, TypeError, LookupError, AttributeError, AssertionError) as error:
        reachable = not isinstance(error, ResponseHandlingException) or isinstance(error.source, ValueError)
        said = "answers, but not as a Qdrant server" if reachable else "does not answer"
        raise InfrastructureError(
            f"The Qdrant server {where} {said}.",
            "Start it or check retrieval.store; `--set retrieval.store=disk` needs no server.",
        ) from None
