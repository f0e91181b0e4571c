"""Zi as an agent of other chats: the Agent Client Protocol over standard input and output (`zi acp`).

A sibling of `lsp` and of the terminal on the same commands. `agent.py` and what it imports need the SDK, whose import
takes a second: only `zi acp` has it. `registration.py` tells other programs how to start Zi, without the SDK.
"""
