package dev.zicoder.core;

import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/** What a person sets in the IDE: where {@code zi} is ("" means the PATH), and settings of the server as JSON. */
public record ServerSettings(String executable, String json) {
    /** The command that starts the server; no shell is between. */
    public List<String> command() {
        return List.of(executable.isBlank() ? "zi" : executable.strip(), "lsp");
    }

    /** Settings below {@code zi}, as the server asks for them; {} for what cannot be read. */
    public JsonObject configuration() {
        JsonObject settings = new JsonObject();
        JsonObject given = parsed();
        settings.add("zi", given == null ? new JsonObject() : given.get("zi") instanceof JsonObject ours ? ours : given);
        return settings;
    }

    /** What is wrong with them, as a sentence; "" if nothing is. */
    public String problem() {
        if (!executable.isBlank()) {
            try {
                Path path = Path.of(executable.strip());
                if (!path.isAbsolute()) {
                    return "The path of zi must be absolute, or empty.";
                }
                if (!Files.isRegularFile(path)) {
                    return "There is no file " + path + ".";
                }
            } catch (InvalidPathException error) {
                return "This is no path: " + error.getMessage() + ".";
            }
        }
        return parsed() == null ? "The settings must be a JSON object, as in {\"completion\": {\"enabled\": true}}." : "";
    }

    private JsonObject parsed() {
        if (json.isBlank()) {
            return new JsonObject();
        }
        try {
            return JsonParser.parseString(json) instanceof JsonObject object ? object : null;
        } catch (JsonParseException | StackOverflowError error) {
            return null;
        }
    }
}
