package dev.zicoder.core;

import com.google.gson.JsonObject;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.eclipse.lsp4j.ProgressParams;

/** The streams that are open in one connection, by their tokens. */
public final class Streams {
    private static final String PREFIX = "zi-";
    private final Map<String, EventStream> open = new ConcurrentHashMap<>();

    /** Opens a stream; its token goes into the arguments of a command. */
    public String open(Consumer<JsonObject> told) {
        String token = PREFIX + UUID.randomUUID();
        open.put(token, new EventStream(told));
        return token;
    }

    /** Takes a progress notification; false for one that is somebody else's. */
    public boolean accept(ProgressParams params) {
        if (params.getToken() == null || !params.getToken().isLeft() || !params.getToken().getLeft().startsWith(PREFIX)) {
            return false;
        }
        EventStream stream = open.get(params.getToken().getLeft());
        if (stream != null && params.getValue() != null && params.getValue().isRight()) {
            stream.accept(Results.json(params.getValue().getRight()));
        }
        return true; // one that is over is still ours
    }

    /** The command has ended. */
    public void close(String token) {
        EventStream stream = open.remove(token);
        if (stream != null) {
            stream.end();
        }
    }
}
