package dev.zicoder.core;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;

/** What a {@code /command} answers; {@code error} is "" where it did what was asked. */
public record Answer(String text, String error, String hint, String conversation) {
    /** Reads a response. What is no answer at all is an error, never an exception. */
    public static Answer of(Object result) {
        if (!(Results.json(result) instanceof JsonObject object)) {
            return new Answer("", "The server gave no answer.", "", "");
        }
        JsonObject error = object.get("error") instanceof JsonObject found ? found : new JsonObject();
        JsonObject data = object.get("data") instanceof JsonObject found ? found : new JsonObject();
        return new Answer(text(object, "text"), text(error, "message"), text(error, "hint"), text(data, "conversation"));
    }

    private static String text(JsonObject object, String name) {
        JsonElement value = object.get(name);
        return value instanceof JsonPrimitive found && found.isString() ? found.getAsString() : "";
    }
}
