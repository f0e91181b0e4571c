package dev.zicoder.core;

import com.google.gson.JsonObject;
import java.util.concurrent.CompletableFuture;
import org.eclipse.lsp4j.jsonrpc.services.JsonRequest;
import org.eclipse.lsp4j.services.LanguageServer;

/** The requests of the server that LSP4J does not know. */
public interface ZiLanguageServer extends LanguageServer {
    /** The page of the chat: {@code html} and {@code nonce}. */
    @JsonRequest("zi/chatPage")
    CompletableFuture<JsonObject> chatPage(JsonObject params);
}
