"""Agents: roles, the loop, tools, the policy that wraps them, conversations, workflows."""
