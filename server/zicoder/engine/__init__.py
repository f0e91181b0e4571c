"""The child process that owns llama.cpp, and the handle its parent holds."""
