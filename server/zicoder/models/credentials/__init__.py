"""Keys of remote providers: where they are found, and where they are kept."""

from zicoder.models.credentials.keys import Credentials, variable_names

__all__ = ["Credentials", "variable_names"]
