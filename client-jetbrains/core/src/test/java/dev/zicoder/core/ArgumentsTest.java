package dev.zicoder.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertNotEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.eclipse.lsp4j.ExecuteCommandParams;
import org.eclipse.lsp4j.Position;
import org.eclipse.lsp4j.Range;
import org.junit.Test;

public class ArgumentsTest {
    @Test
    public void aCommandSaysWhatItIsAbout() {
        Range range = new Range(new Position(1, 2), new Position(3, 4));
        CommandArguments arguments = CommandArguments.of("why").about("file:///a.py", range).with(List.of("p")).in("c", "t");
        assertEquals(
                JsonParser.parseString(
                        "{\"prompt\":\"why\",\"uri\":\"file:///a.py\",\"range\":{\"start\":{\"line\":1,\"character\":2},"
                                + "\"end\":{\"line\":3,\"character\":4}},\"conversation\":\"c\",\"token\":\"t\",\"problems\":[\"p\"]}"),
                arguments.request("zi.command.fix").getArguments().get(0));
        JsonObject run = (JsonObject) CommandArguments.of("/fix it").request("zi.run").getArguments().get(0);
        assertEquals(JsonParser.parseString("{\"text\":\"/fix it\"}"), run);
        assertEquals(List.of(), arguments.request("zi.snooze").getArguments());
    }

    @Test
    public void anAnswerIsReadWhateverItIs() {
        Answer good = Answer.of(JsonParser.parseString("{\"text\":\"x\",\"data\":{\"conversation\":\"c\"},\"error\":null}"));
        assertEquals(new Answer("x", "", "", "c"), good);
        Answer bad = Answer.of(JsonParser.parseString("{\"text\":\"\",\"error\":{\"message\":\"m\",\"hint\":\"h\"}}"));
        assertEquals(new Answer("", "m", "h", ""), bad);
        assertEquals(new Answer("x", "", "", ""), Answer.of(Map.of("text", "x", "data", Map.of())));
        assertNotEquals("", Answer.of(null).error());
        assertEquals("", Answer.of(JsonParser.parseString("{\"text\":3,\"data\":[]}")).text());
    }

    @Test
    public void settingsStartTheServerAndAreSaidToBeWrong() {
        assertEquals(List.of("zi", "lsp"), new ServerSettings(" ", "").command());
        assertEquals(List.of("/opt/my zi", "lsp"), new ServerSettings("/opt/my zi ", "").command());
        assertEquals("", new ServerSettings("", "{\"completion\":{}}").problem());
        assertTrue(new ServerSettings("zi", "").problem().contains("absolute"));
        assertTrue(new ServerSettings(System.getProperty("java.home") + "/no-such", "").problem().contains("no file"));
        for (String wrong : List.of("[1]", "{", "[".repeat(100_000))) {
            assertTrue(new ServerSettings("", wrong).problem().contains("JSON object"));
            assertEquals(JsonParser.parseString("{\"zi\":{}}"), new ServerSettings("", wrong).configuration());
        }
        String nested = "{\"zi\":{\"completion\":{\"enabled\":false}}}";
        assertEquals(JsonParser.parseString(nested), new ServerSettings("", nested).configuration());
        assertEquals(
                JsonParser.parseString(nested),
                new ServerSettings("", "{\"completion\":{\"enabled\":false}}").configuration());
    }

    @Test
    public void thePageMayRunItsCommandsAndNoOthers() {
        List<ExecuteCommandParams> asked = new ArrayList<>();
        List<JsonObject> told = new ArrayList<>();
        CompletableFuture<Object> answer = new CompletableFuture<>();
        Streams streams = new Streams();
        Beside editor = new Beside();
        PageHost host = new PageHost(
                streams,
                params -> {
                    asked.add(params);
                    return answer;
                },
                told::add,
                editor);
        host.received("{\"kind\":\"request\",\"id\":1,\"method\":\"zi.setRole\",\"params\":[\"chat\"]}");
        assertEquals("This editor cannot do that.", told.remove(0).get("error").getAsString());
        assertEquals(List.of(), asked);
        host.received("{\"kind\":\"request\",\"id\":2,\"method\":\"zi.run\",\"params\":{\"text\":\"/fix\"}}");
        JsonObject sent = (JsonObject) asked.get(0).getArguments().get(0);
        assertEquals("/fix", sent.get("text").getAsString());
        assertTrue(sent.has("token"));
        answer.complete(JsonParser.parseString("{\"text\":\"done\"}"));
        assertEquals("done", told.remove(0).get("result").getAsJsonObject().get("text").getAsString());
        for (String nonsense : List.of("{", "3", "{\"kind\":3}", "{\"kind\":\"cancel\",\"id\":9}")) {
            host.received(nonsense);
        }
        assertEquals(List.of(), told);
        host.received("{\"kind\":\"ready\"}");
        assertEquals("server", told.get(0).get("kind").getAsString());
        assertEquals(
                JsonParser.parseString("{\"kind\":\"place\",\"place\":{\"path\":\"a.py\",\"first\":2,\"last\":4}}"), told.get(1));
    }

    @Test
    public void theEditorDoesWhatIsItsOwnAndSaysWhatCommandsAreAbout() {
        List<ExecuteCommandParams> asked = new ArrayList<>();
        List<JsonObject> told = new ArrayList<>();
        Beside editor = new Beside();
        PageHost host = new PageHost(
                new Streams(),
                params -> {
                    asked.add(params);
                    return new CompletableFuture<>();
                },
                told::add,
                editor);
        host.received("{\"kind\":\"request\",\"id\":1,\"method\":\"editor.copy\",\"params\":{\"text\":\"x\"}}");
        assertEquals("{\"text\":\"x\"}", editor.asked.get("editor.copy").toString());
        assertTrue(told.remove(0).has("result"));
        String request = "{\"kind\":\"request\",\"id\":2,\"method\":\"zi.run\",\"params\":{\"text\":\"/fix\",\"about\":%s}}";
        host.received(String.format(request, "true"));
        JsonObject sent = (JsonObject) asked.get(0).getArguments().get(0);
        assertEquals("file:///a.py", sent.get("uri").getAsString());
        assertEquals(1, sent.getAsJsonObject("range").getAsJsonObject("start").get("line").getAsInt());
        assertFalse(sent.has("about"));
        host.received(String.format(request, "false"));
        assertFalse(((JsonObject) asked.get(1).getArguments().get(0)).has("uri"));
        editor.looked = null;
        host.received(String.format(request, "true"));
        assertFalse(((JsonObject) asked.get(2).getArguments().get(0)).has("uri"));
        host.looksAt(null);
        assertTrue(told.get(0).get("place").isJsonNull());
    }

    @Test
    public void pathsOfAnswersStayInTheProject() {
        String root = Path.of("").toAbsolutePath().toString();
        assertEquals(Path.of(root, "src", "a.py"), LookedAt.inside(root, "src/../src/a.py"));
        for (String wrong : List.of("../a.py", "/etc/passwd", "src/../../a.py", "", ".", "a\0b")) {
            assertNull(LookedAt.inside(root, wrong));
        }
    }

    /** An editor that looks at lines 2 to 4 of a file, and can copy. */
    private static final class Beside implements PageEditor {
        private final Map<String, JsonObject> asked = new HashMap<>();
        private LookedAt looked = new LookedAt("file:///a.py", "a.py", new Range(new Position(1, 0), new Position(3, 2)));

        @Override
        public LookedAt looked() {
            return looked;
        }

        @Override
        public CompletableFuture<Void> act(String method, JsonObject params) {
            asked.put(method, params);
            return "editor.copy".equals(method)
                    ? CompletableFuture.completedFuture(null)
                    : CompletableFuture.failedFuture(new IllegalStateException("This editor cannot do that."));
        }
    }
}
