package dev.zicoder.core;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Function;
import org.eclipse.lsp4j.ExecuteCommandParams;

/**
 * Speaks to the server's chat page, whatever shows it: forwards its requests to the server, and answers and streams
 * back. Only the commands that the page may run are forwarded.
 */
public final class PageHost {
    private static final Set<String> FORWARDED = Set.of("zi.run", "zi.commands", "zi.mentions", "zi.conversation");
    private final Streams streams;
    private final Function<ExecuteCommandParams, CompletableFuture<Object>> server;
    private final Consumer<JsonObject> page;
    private final PageEditor editor;
    private final Map<Integer, CompletableFuture<Object>> running = new ConcurrentHashMap<>();
    private final Map<Integer, Integer> numbers = new ConcurrentHashMap<>();

    /** {@code page} takes messages to the page, from any thread. */
    public PageHost(
            Streams streams,
            Function<ExecuteCommandParams, CompletableFuture<Object>> server,
            Consumer<JsonObject> page,
            PageEditor editor) {
        this.streams = streams;
        this.server = server;
        this.page = page;
        this.editor = editor;
    }

    /** Tells the page what the editor looks at; null for nothing. */
    public void looksAt(LookedAt looked) {
        JsonObject message = new JsonObject();
        message.addProperty("kind", "place");
        message.add("place", looked == null ? JsonNull.INSTANCE : looked.place());
        page.accept(message);
    }

    /** The script that stands before those of the page: it gives the page what it sends its messages with. */
    public static String bridge(String nonce, String send) {
        return "<script nonce=\"" + nonce + "\">function acquireVsCodeApi(){let kept;return{postMessage(m){const text="
                + "JSON.stringify(m);" + send + "},getState(){return kept},setState(s){kept=s}}}</script>";
    }

    /** A message of the page, as JSON. */
    public void received(String text) {
        JsonElement message;
        try {
            message = JsonParser.parseString(text);
        } catch (JsonParseException error) {
            return;
        }
        if (!(message instanceof JsonObject object) || !(object.get("kind") instanceof JsonPrimitive kind)) {
            return;
        }
        if ("ready".equals(kind.getAsString())) {
            JsonObject state = new JsonObject();
            state.addProperty("kind", "server");
            state.addProperty("running", true);
            state.addProperty("message", "");
            page.accept(state);
            looksAt(editor.looked());
        } else if (object.get("id") instanceof JsonPrimitive number && number.isNumber()) {
            int id = number.getAsInt();
            if ("cancel".equals(kind.getAsString()) && running.get(id) != null) {
                running.get(id).cancel(true);
            } else if ("request".equals(kind.getAsString()) && object.get("method") instanceof JsonPrimitive method) {
                request(id, method.getAsString(), object.get("params"));
            }
        }
    }

    private void request(int id, String method, JsonElement params) {
        if (!FORWARDED.contains(method)) {
            JsonObject given = params instanceof JsonObject object ? object : new JsonObject();
            editor.act(method, given)
                    .whenComplete((done, error) -> answer(id, null, error == null ? null : sentence(error)));
            return;
        }
        String token = streams.open(event -> page.accept(progress(id, event)));
        CompletableFuture<Object> answer = server.apply(new ExecuteCommandParams(method, arguments(method, params, token)));
        running.put(id, answer);
        answer.whenComplete((result, error) -> {
            running.remove(id);
            streams.close(token);
            answer(id, result, error == null ? null : sentence(error));
        });
    }

    private List<Object> arguments(String method, JsonElement params, String token) {
        if ("zi.run".equals(method) && params instanceof JsonObject object) {
            object.addProperty("token", token);
            boolean about = object.remove("about") instanceof JsonPrimitive wanted && wanted.getAsBoolean();
            LookedAt looked = about && !object.has("uri") ? editor.looked() : null;
            if (looked != null) {
                looked.target().entrySet().forEach(each -> object.add(each.getKey(), each.getValue()));
            }
        }
        if (params instanceof JsonArray several) {
            return List.copyOf(several.asList());
        }
        return params == null || params.isJsonNull() ? List.of() : List.of(params);
    }

    private static String sentence(Throwable error) {
        Throwable cause = error.getCause() == null ? error : error.getCause();
        return error instanceof CancellationException ? "Stopped." : String.valueOf(cause.getMessage());
    }

    /** One event as a message of its own: the page counts, so that each gets the next number. */
    private JsonObject progress(int id, JsonObject event) {
        JsonArray events = new JsonArray();
        events.add(event);
        JsonObject value = new JsonObject();
        value.addProperty("seq", numbers.merge(id, 1, Integer::sum));
        value.add("events", events);
        JsonObject message = new JsonObject();
        message.addProperty("kind", "progress");
        message.addProperty("id", id);
        message.add("value", value);
        return message;
    }

    private void answer(int id, Object result, String error) {
        numbers.remove(id);
        JsonObject message = new JsonObject();
        message.addProperty("kind", "response");
        message.addProperty("id", id);
        if (error != null) {
            message.addProperty("error", error);
        } else {
            message.add("result", Results.json(result));
        }
        page.accept(message);
    }
}
