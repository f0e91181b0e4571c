# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportMissingTypeStubs=false
# sentence-transformers and torch are optional and heavy; this module is the wall between them and the rest.
"""Any sentence-transformers model from a local folder. Imported by the embedding process only; never downloads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import numpy as np
import torch
from sentence_transformers import SentenceTransformer

from zicoder.errors import ModelError
from zicoder.models.embedding.bert import Abandoned, Floats

__all__ = ["Sentences"]


class Sentences:
    """A model that embeds batches of texts. Thread-safe: one batch at a time."""

    def __init__(self, path: str, *, threads: int, max_tokens: int) -> None:
        torch.set_num_threads(threads)
        try:
            # No code that comes with a model is run, and nothing is looked up on a hub.
            self._model = SentenceTransformer(path, device="cpu", trust_remote_code=False, local_files_only=True)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"The folder {path} does not hold a sentence-transformers model: {error}.") from error
        longest = self._model.max_seq_length or max_tokens
        self._model.max_seq_length = min(longest, max_tokens)
        self._limit = self._model.max_seq_length
        dimension = self._model.get_embedding_dimension()
        if not dimension:
            raise ModelError(f"The model in {path} does not say how long its vectors are.")
        self.dimension = int(dimension)
        self.runtime = f"torch {torch.__version__}"
        self._one = threading.Lock()

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, for batches of even length."""
        with self._one:
            ids = self._model.tokenizer(list(texts), truncation=True, max_length=self._limit)["input_ids"]
        return [len(one) for one in ids]

    def embed(self, texts: Sequence[str], *, query: bool, abandoned: Callable[[], bool]) -> Floats:
        """Vectors of one batch. Raises Abandoned, asked once before it begins."""
        with self._one:
            if abandoned():
                raise Abandoned
            encode = self._model.encode_query if query else self._model.encode_document
            return np.asarray(
                encode(list(texts), batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True),
                dtype=np.float32,
            )
