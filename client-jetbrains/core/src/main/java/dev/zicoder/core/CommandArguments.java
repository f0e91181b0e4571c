package dev.zicoder.core;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.util.List;
import org.eclipse.lsp4j.ExecuteCommandParams;
import org.eclipse.lsp4j.Position;
import org.eclipse.lsp4j.Range;

/** The one argument of a {@code /command}, as docs/lsp.md of the server describes it. */
public record CommandArguments(
        String prompt, String uri, Range range, String conversation, List<String> problems, String token) {
    /** The id under which the server takes a text as a person writes it. */
    public static final String RUN = "zi.run";

    private static final String NAMED = "zi.command.";

    /** A command about nothing but its prompt. */
    public static CommandArguments of(String prompt) {
        return new CommandArguments(prompt, null, null, null, List.of(), null);
    }

    /** About a document and the selection in it; an empty range is the cursor. */
    public CommandArguments about(String uri, Range range) {
        return new CommandArguments(prompt, uri, range, conversation, problems, token);
    }

    /** With the diagnostics of the document, a line each. */
    public CommandArguments with(List<String> problems) {
        return new CommandArguments(prompt, uri, range, conversation, List.copyOf(problems), token);
    }

    /** As part of a conversation, and told by a stream; either may be null. */
    public CommandArguments in(String conversation, String token) {
        return new CommandArguments(prompt, uri, range, conversation, problems, token);
    }

    /** Whether a command takes these arguments; the others take none. */
    public static boolean takenBy(String command) {
        return RUN.equals(command) || command.startsWith(NAMED);
    }

    /** The request that runs a command of the server by its id. */
    public ExecuteCommandParams request(String command) {
        return new ExecuteCommandParams(command, takenBy(command) ? List.of(json(command)) : List.of());
    }

    private JsonObject json(String command) {
        JsonObject object = new JsonObject();
        object.addProperty(RUN.equals(command) ? "text" : "prompt", prompt);
        add(object, "uri", uri);
        if (range != null) {
            JsonObject place = new JsonObject();
            place.add("start", point(range.getStart()));
            place.add("end", point(range.getEnd()));
            object.add("range", place);
        }
        add(object, "conversation", conversation);
        add(object, "token", token);
        if (!problems.isEmpty()) {
            JsonArray lines = new JsonArray();
            problems.forEach(lines::add);
            object.add("problems", lines);
        }
        return object;
    }

    private static void add(JsonObject object, String name, String value) {
        if (value != null && !value.isEmpty()) {
            object.addProperty(name, value);
        }
    }

    private static JsonObject point(Position position) {
        JsonObject point = new JsonObject();
        point.addProperty("line", position.getLine());
        point.addProperty("character", position.getCharacter());
        return point;
    }
}
