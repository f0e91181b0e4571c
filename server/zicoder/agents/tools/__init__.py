"""What agents can do: each tool is one class, and none of them asks anybody. The gate wraps them all."""
