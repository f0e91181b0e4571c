package dev.zicoder.core;

import com.google.gson.Gson;
import com.google.gson.JsonElement;

/** What LSP4J reads where the protocol says "anything": JSON in some places, plain maps and lists in others. */
final class Results {
    private static final Gson GSON = new Gson();

    private Results() {}

    /** The value as JSON, whichever of the two it is. */
    static JsonElement json(Object value) {
        return value instanceof JsonElement element ? element : GSON.toJsonTree(value);
    }
}
