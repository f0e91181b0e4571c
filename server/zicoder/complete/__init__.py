"""The inline-completion pipeline: gate, cache, debounce, context, infill, filters, answer."""
