"""`textDocument/signatureHelp`: the parameters of the call being typed."""

from __future__ import annotations

from lsprotocol import types
from pygls.capabilities import get_capability

from zicoder.assist.types import SignatureInfo
from zicoder.lsp.convert import count_units, offset_of
from zicoder.lsp.host import FeatureHost, documentation, is_current, python_snapshot

__all__ = ["register"]

_UTF16 = types.PositionEncodingKind.Utf16


def register(host: FeatureHost) -> None:
    """Offer signature help for Python documents."""
    options = types.SignatureHelpOptions(trigger_characters=["(", ","])

    @host.feature(types.TEXT_DOCUMENT_SIGNATURE_HELP, options)
    async def signature_help(params: types.SignatureHelpParams) -> types.SignatureHelp | None:
        snapshot = python_snapshot(host, params.text_document.uri)
        if snapshot is None:
            return None
        found = await host.jedi.signatures(snapshot, offset_of(snapshot, params.position, host.encoding))
        if found is None or not is_current(host, snapshot):
            return None
        client = host.client_capabilities
        signatures = [_signature(each, client) for each in found.signatures]
        active = found.signatures[found.active].active_parameter
        return types.SignatureHelp(
            signatures=signatures,
            active_signature=found.active,
            # Past the last parameter nothing is to be highlighted; an index out of range says so to every client.
            active_parameter=len(found.signatures[found.active].parameters) if active is None else active,
        )


def _signature(signature: SignatureInfo, client: types.ClientCapabilities) -> types.SignatureInformation:
    wanted = "text_document.signature_help.signature_information"
    offsets = bool(get_capability(client, f"{wanted}.parameter_information.label_offset_support"))
    formats = get_capability(client, f"{wanted}.documentation_format")
    docs = signature.plain.strip()
    return types.SignatureInformation(
        label=signature.label,
        documentation=documentation(signature.markdown, signature.plain, formats) if docs else None,
        parameters=[
            types.ParameterInformation(label=_label(signature.label, parameter.start, parameter.end, offsets=offsets))
            for parameter in signature.parameters
        ],
    )


def _label(text: str, start: int, end: int, *, offsets: bool) -> str | tuple[int, int]:
    """A parameter's place in its signature. These offsets are UTF-16 whatever the positions of the session are."""
    if not offsets:
        return text[start:end]
    return count_units(text[:start], _UTF16), count_units(text[:end], _UTF16)
