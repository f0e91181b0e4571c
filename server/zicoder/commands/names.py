"""The names of the built-in `/commands`, for who must tell them before anything heavy is imported."""

__all__ = ["NAMES"]

NAMES = (
    "agents", "ask", "clear", "code", "commit", "doc", "explain", "fix", "help", "history", "index", "model",
    "optimize", "plan", "refactor", "review", "run", "search", "test", "undo", "workflow",
)  # fmt: skip
