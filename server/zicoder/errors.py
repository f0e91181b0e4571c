"""The exceptions of the whole product, and the one rule for their text.

    ZiError
    ├── SettingsError        a settings source holds something we cannot use
    ├── InputError           a file, position or argument we were given is no good
    │   └── ContextTooLarge  what must be shown to a model does not fit into its window
    ├── ModelError
    │   ├── UnknownModel     the name is neither in the catalog nor a file
    │   ├── ModelNotInstalled
    │   ├── ModelCorrupt     bytes on disk or from a source fail their SHA-256
    │   ├── ModelMisconfigured   loads, but cannot do what was asked (no FIM tokens, ...)
    │   ├── DownloadFailed   every source was tried
    │   └── DiskFull
    ├── EngineError
    │   ├── EngineUnavailable    the native part is not installed
    │   ├── EngineCrashed        the child process went away under a request
    │   └── EngineStopped        it crashed too often, or was told to stop
    ├── CodeIndexError
    │   ├── IndexUnavailable     the packages it needs are not installed, or it is switched off
    │   ├── IndexDamaged         what is on disk cannot be read; it is rebuilt
    │   │   └── IndexOutdated    it is of another version's making
    │   ├── IndexFull            no room on the disk
    │   └── IndexBusy            another process writes it
    ├── ProviderError            a chat model did not answer
    │   ├── ProviderUnavailable  cannot be reached, or was left alone after failing again and again
    │   ├── ProviderRefused      no right, an unknown model, a request that it does not take
    │   │   └── KeyRefused       a wrong or missing key
    │   ├── ProviderBusy         rate limit or overload; `retry_after_s` says how long
    │   └── ProviderGarbled      the answer is no JSON, or a web page
    │       └── AnswerCut        it broke off after it had begun; `text` is what came
    ├── CredentialError          a key cannot be read or kept
    └── ToolError                a tool of an agent failed; the text is for the model, too
        └── ToolDenied           a rule or the user said no

The text of a ZiError is a sentence for a person: what happened, and why. `hint` says what to do.
Front ends show `str(error)` and `error.hint`; they never show a stack trace.
"""

from __future__ import annotations

__all__ = [
    "AnswerCut",
    "CodeIndexError",
    "ContextTooLarge",
    "CredentialError",
    "DiskFull",
    "DownloadFailed",
    "EngineCrashed",
    "EngineError",
    "EngineStopped",
    "EngineUnavailable",
    "IndexBusy",
    "IndexDamaged",
    "IndexFull",
    "IndexOutdated",
    "IndexUnavailable",
    "InputError",
    "KeyRefused",
    "ModelCorrupt",
    "ModelError",
    "ModelMisconfigured",
    "ModelNotInstalled",
    "ProviderBusy",
    "ProviderError",
    "ProviderGarbled",
    "ProviderRefused",
    "ProviderUnavailable",
    "SettingsError",
    "ToolDenied",
    "ToolError",
    "UnknownModel",
    "ZiError",
]


class ZiError(Exception):
    """Base of every error we raise on purpose.

    `hint` is a second sentence that says what to do, or "".
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    @property
    def sentence(self) -> str:
        """Message and hint in one line, as a status bar or a log shows them."""
        return f"{self} {self.hint}".strip()


class SettingsError(ZiError):
    """A settings source holds a key or a value that we cannot use."""


class InputError(ZiError):
    """A file, a position or an argument we were given is no good."""


class ContextTooLarge(InputError):
    """What must go in does not fit into the model's window."""


class ModelError(ZiError):
    """Something about a model file."""


class UnknownModel(ModelError):
    """The name is neither in the catalog nor a file."""


class ModelNotInstalled(ModelError):
    """The model is known, but not in the store."""


class ModelCorrupt(ModelError):
    """Bytes on disk or from a source do not have the SHA-256 they should."""


class ModelMisconfigured(ModelError):
    """The model loads, but cannot do what was asked of it."""


class DownloadFailed(ModelError):
    """Every source of a model was tried, and none delivered."""


class DiskFull(ModelError):
    """There is no room for the file; what was fetched so far is kept."""


class EngineError(ZiError):
    """Something about the child process that runs the model."""


class EngineUnavailable(EngineError):
    """The native library is not installed, or cannot be loaded here."""


class EngineCrashed(EngineError):
    """The engine went away while it worked on this request."""


class EngineStopped(EngineError):
    """The engine crashed too often, or was stopped; it needs a restart by hand."""


class CodeIndexError(ZiError):
    """Something about the code index."""


class IndexUnavailable(CodeIndexError):
    """The packages that the index needs are not installed, or it is switched off."""


class IndexDamaged(CodeIndexError):
    """What is on disk cannot be read, or is of another schema; a writer rebuilds it."""


class IndexOutdated(IndexDamaged):
    """Another version of the product made it, or did not finish making it."""


class IndexFull(CodeIndexError):
    """There is no room on the disk; what is indexed so far stays."""


class IndexBusy(CodeIndexError):
    """Another process is writing this index."""


class ProviderError(ZiError):
    """A chat model did not answer."""


class ProviderUnavailable(ProviderError):
    """The provider cannot be reached, or is left alone for a while after it failed again and again."""


class ProviderRefused(ProviderError):
    """The provider does not have the model, or does not take the request. Asking again will not help."""


class KeyRefused(ProviderRefused):
    """The key is wrong or missing, or may not be used for this."""


class ProviderBusy(ProviderError):
    """A rate limit or an overload. `retry_after_s` is what the provider said, None if it said nothing."""

    def __init__(self, message: str, *, hint: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class ProviderGarbled(ProviderError):
    """What came back is no answer: cut off, invalid JSON, or a web page."""


class AnswerCut(ProviderGarbled):
    """The answer broke off after it had begun. `text` is what came."""

    def __init__(self, message: str, *, hint: str = "", text: str = "") -> None:
        super().__init__(message, hint=hint)
        self.text = text


class CredentialError(ZiError):
    """A key cannot be read or kept."""


class ToolError(ZiError):
    """A tool of an agent failed. The model reads the sentence as the tool's result."""


class ToolDenied(ToolError):
    """A rule or the user said no."""
