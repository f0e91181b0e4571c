"""What the rest of the product asks of an embedder, and how it is named. Depends on no provider."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder"]


class Embedder(Protocol):
    """Turns texts into vectors whose dot product says how alike their meanings are."""

    @property
    def name(self) -> str:
        """Identity of the vectors, the model's content included: vectors of two names cannot be compared."""
        ...

    @property
    def dimension(self) -> int:
        """Length of a vector; 0 until the first `embed` for a model that does not say so beforehand."""
        ...

    async def embed(self, texts: Sequence[str], *, query: bool = False) -> NDArray[np.float32]:
        """Vectors (n, dimension) of length 1, in the order of the texts. `query` goes ahead of other work.

        Cancelling the task stops the work. Raises ZiError: ModelNotInstalled, EngineUnavailable, EngineCrashed, ...
        """
        ...

    async def close(self) -> None:
        """Free everything; no process is left when this returns. The next `embed` starts anew."""
        ...
