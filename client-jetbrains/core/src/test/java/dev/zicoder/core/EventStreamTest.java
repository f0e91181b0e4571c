package dev.zicoder.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.eclipse.lsp4j.ProgressParams;
import org.eclipse.lsp4j.jsonrpc.messages.Either;
import org.junit.Test;

public class EventStreamTest {
    private static final int CHUNKS = 2000;

    @Test
    public void chunksInAnyOrderAndTwiceAreOneText() {
        List<JsonObject> messages = messages();
        messages.addAll(messages.subList(0, CHUNKS / 2));
        Collections.shuffle(messages, new Random(7));
        StringBuilder said = new StringBuilder();
        EventStream stream = new EventStream(event -> said.append(event.get("text").getAsString()));
        messages.forEach(stream::accept);
        assertEquals(whole(), said.toString());
    }

    @Test
    public void chunksFromManyThreadsAreOneText() throws InterruptedException {
        List<JsonObject> messages = messages();
        Collections.shuffle(messages, new Random(11));
        StringBuilder said = new StringBuilder();
        EventStream stream = new EventStream(event -> said.append(event.get("text").getAsString()));
        var pool = Executors.newFixedThreadPool(4);
        messages.forEach(message -> pool.execute(() -> stream.accept(message)));
        pool.shutdown();
        assertTrue(pool.awaitTermination(60, TimeUnit.SECONDS));
        assertEquals(whole(), said.toString());
    }

    @Test
    public void theEndHandsOnWhatWaitsAndTakesNothingMore() {
        List<String> said = new ArrayList<>();
        EventStream stream = new EventStream(event -> said.add(event.get("text").getAsString()));
        stream.accept(message(1, "a"));
        stream.accept(message(3, "c"));
        stream.end();
        stream.accept(message(2, "b"));
        assertEquals(List.of("a", "c"), said);
    }

    @Test
    public void whatIsNoMessageIsPassedOver() {
        List<JsonObject> said = new ArrayList<>();
        EventStream stream = new EventStream(said::add);
        for (String text : List.of("null", "3", "[]", "{}", "{\"seq\":\"x\",\"events\":[]}", "{\"seq\":1,\"events\":{}}")) {
            stream.accept(JsonParser.parseString(text));
        }
        stream.accept(JsonParser.parseString("{\"seq\":1,\"events\":[3,null,{\"kind\":\"delta\"}]}"));
        assertEquals(1, said.size());
    }

    @Test
    public void tokensOfOthersAreLeftToThem() {
        Streams streams = new Streams();
        List<JsonObject> said = new ArrayList<>();
        String token = streams.open(said::add);
        assertFalse(streams.accept(progress(Either.forLeft("other"))));
        assertFalse(streams.accept(progress(Either.forRight(3))));
        assertTrue(streams.accept(progress(Either.forLeft(token))));
        streams.close(token);
        assertTrue(streams.accept(progress(Either.forLeft(token))));
        assertEquals(1, said.size());
    }

    private static ProgressParams progress(Either<String, Integer> token) {
        return new ProgressParams(token, Either.forRight(message(1, "a")));
    }

    private static List<JsonObject> messages() {
        List<JsonObject> messages = new ArrayList<>();
        for (int number = 1; number <= CHUNKS; number++) {
            messages.add(message(number, "<" + number + ">"));
        }
        return messages;
    }

    private static String whole() {
        StringBuilder text = new StringBuilder();
        for (int number = 1; number <= CHUNKS; number++) {
            text.append('<').append(number).append('>');
        }
        return text.toString();
    }

    private static JsonObject message(int seq, String text) {
        JsonObject event = new JsonObject();
        event.addProperty("kind", "delta");
        event.addProperty("text", text);
        JsonArray events = new JsonArray();
        events.add(event);
        JsonObject message = new JsonObject();
        message.addProperty("seq", seq);
        message.add("events", events);
        return message;
    }
}
