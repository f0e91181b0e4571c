package dev.zicoder.core;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * Puts the numbered messages of one running command back into their order, since LSP4IJ may deliver them in another.
 * Events are handed on once each and in order, from whichever thread brings the missing one.
 */
public final class EventStream {
    private final Consumer<JsonObject> told;
    private final TreeMap<Integer, List<JsonObject>> waiting = new TreeMap<>();
    private int next = 1;
    private boolean ended;

    public EventStream(Consumer<JsonObject> told) {
        this.told = told;
    }

    /** Takes the value of a {@code $/progress}: {@code {"seq": 3, "events": [...]}}. Anything else is passed over. */
    public synchronized void accept(JsonElement value) {
        if (ended || !(value instanceof JsonObject message) || !(message.get("events") instanceof JsonArray events)) {
            return;
        }
        if (!(message.get("seq") instanceof JsonPrimitive number) || !number.isNumber()) {
            return;
        }
        int seq = number.getAsInt();
        if (seq < next || waiting.containsKey(seq)) {
            return; // it was delivered twice
        }
        List<JsonObject> found = new ArrayList<>();
        for (JsonElement event : events) {
            if (event instanceof JsonObject object) {
                found.add(object);
            }
        }
        waiting.put(seq, found);
        while (waiting.containsKey(next)) {
            waiting.remove(next++).forEach(told);
        }
    }

    /**
     * The response is there: hands on what waited for messages that did not come, and takes nothing more. The text of
     * the response counts, whatever was streamed.
     */
    public synchronized void end() {
        ended = true;
        waiting.values().forEach(events -> events.forEach(told));
        waiting.clear();
    }
}
