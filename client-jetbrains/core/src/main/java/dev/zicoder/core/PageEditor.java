package dev.zicoder.core;

import com.google.gson.JsonObject;
import java.util.concurrent.CompletableFuture;

/** The editor beside the chat's page. Called from any thread. */
public interface PageEditor {
    /** What it looks at; null for nothing. */
    LookedAt looked();

    /** Does what the page asks of it, as {@code editor.copy}; where it cannot, it fails with a sentence for a person. */
    CompletableFuture<Void> act(String method, JsonObject params);
}
