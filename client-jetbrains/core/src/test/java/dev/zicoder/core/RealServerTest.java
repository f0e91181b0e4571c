package dev.zicoder.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.eclipse.lsp4j.ApplyWorkspaceEditParams;
import org.eclipse.lsp4j.ApplyWorkspaceEditResponse;
import org.eclipse.lsp4j.ClientCapabilities;
import org.eclipse.lsp4j.ConfigurationParams;
import org.eclipse.lsp4j.DidOpenTextDocumentParams;
import org.eclipse.lsp4j.HoverParams;
import org.eclipse.lsp4j.InitializeParams;
import org.eclipse.lsp4j.InitializedParams;
import org.eclipse.lsp4j.MessageActionItem;
import org.eclipse.lsp4j.MessageParams;
import org.eclipse.lsp4j.Position;
import org.eclipse.lsp4j.ProgressParams;
import org.eclipse.lsp4j.PublishDiagnosticsParams;
import org.eclipse.lsp4j.Range;
import org.eclipse.lsp4j.ServerCapabilities;
import org.eclipse.lsp4j.ShowMessageRequestParams;
import org.eclipse.lsp4j.TextDocumentIdentifier;
import org.eclipse.lsp4j.TextDocumentItem;
import org.eclipse.lsp4j.WorkspaceFolder;
import org.eclipse.lsp4j.jsonrpc.Launcher;
import org.eclipse.lsp4j.jsonrpc.services.JsonNotification;
import org.eclipse.lsp4j.jsonrpc.services.JsonRequest;
import org.eclipse.lsp4j.services.LanguageClient;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;

/**
 * The real server, driven by the client library that LSP4IJ uses, with LSP4IJ's ways: messages in any order, an
 * {@code applyEdit} that always says yes, a question that is dismissed by an error. The system properties
 * {@code zi.command} (words, separated by the path separator) and {@code zi.root} say what is started, and where.
 */
public class RealServerTest {
    private static final int WAIT_S = 90;
    private static final String CODE = "def add(a, b):\n    return a - b\n\n\nprint(add(1, 2))\n";

    /** LSP4J 0.24 does not know inline completion. */
    public interface Server extends ZiLanguageServer {
        @JsonRequest("textDocument/inlineCompletion")
        CompletableFuture<JsonObject> inlineCompletion(JsonObject params);
    }

    /** What of LSP4IJ's client the server can tell. */
    public static class Client implements LanguageClient {
        final Streams streams = new Streams();
        final List<ProgressParams> progress = Collections.synchronizedList(new ArrayList<>());
        final List<ApplyWorkspaceEditParams> edits = Collections.synchronizedList(new ArrayList<>());
        final List<ShowMessageRequestParams> questions = Collections.synchronizedList(new ArrayList<>());
        final CountDownLatch ready = new CountDownLatch(1);

        @JsonNotification("zi/status")
        public void status(JsonObject status) {
            if ("ready".equals(status.get("state").getAsString())) {
                ready.countDown();
            }
        }

        @Override
        public void notifyProgress(ProgressParams params) {
            progress.add(params);
        }

        @Override
        public CompletableFuture<ApplyWorkspaceEditResponse> applyEdit(ApplyWorkspaceEditParams params) {
            edits.add(params);
            return CompletableFuture.completedFuture(new ApplyWorkspaceEditResponse(true));
        }

        @Override
        public CompletableFuture<MessageActionItem> showMessageRequest(ShowMessageRequestParams params) {
            questions.add(params);
            return CompletableFuture.failedFuture(new RuntimeException("dismissed"));
        }

        @Override
        public CompletableFuture<List<Object>> configuration(ConfigurationParams params) {
            JsonObject settings = new ServerSettings("", "{\"index\":{\"enabled\":false}}").configuration();
            return CompletableFuture.completedFuture(
                    params.getItems().stream().map(item -> (Object) settings.get(item.getSection())).toList());
        }

        @Override
        public void telemetryEvent(Object object) {}

        @Override
        public void publishDiagnostics(PublishDiagnosticsParams diagnostics) {}

        @Override
        public void showMessage(MessageParams params) {}

        @Override
        public void logMessage(MessageParams message) {}
    }

    private final Client client = new Client();
    private final String uri = root().resolve("calc.py").toUri().toString();
    private Process process;
    private Server server;
    private ServerCapabilities capabilities;

    @Before
    public void start() throws Exception {
        Files.writeString(root().resolve("calc.py"), CODE);
        process = new ProcessBuilder(System.getProperty("zi.command").split(File.pathSeparator))
                .directory(root().toFile())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        Launcher<Server> launcher = new Launcher.Builder<Server>()
                .setLocalService(client)
                .setRemoteInterface(Server.class)
                .setInput(process.getInputStream())
                .setOutput(process.getOutputStream())
                .create();
        launcher.startListening();
        server = launcher.getRemoteProxy();
        InitializeParams params = new InitializeParams();
        params.setCapabilities(lsp4ijCapabilities());
        params.setWorkspaceFolders(List.of(new WorkspaceFolder(root().toUri().toString(), "project")));
        capabilities = server.initialize(params).get(WAIT_S, TimeUnit.SECONDS).getCapabilities();
        server.initialized(new InitializedParams());
        server.getTextDocumentService()
                .didOpen(new DidOpenTextDocumentParams(new TextDocumentItem(uri, "python", 1, CODE)));
    }

    @After
    public void stop() throws Exception {
        server.shutdown().get(WAIT_S, TimeUnit.SECONDS);
        server.exit();
        assertTrue(process.waitFor(WAIT_S, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue());
    }

    @Test
    public void whatLsp4ijShowsIsThere() throws Exception {
        Set<String> actions = Arrays.stream(System.getProperty("zi.actions").split(",")).collect(Collectors.toSet());
        Set<String> commands = Set.copyOf(capabilities.getExecuteCommandProvider().getCommands());
        assertTrue(commands.containsAll(actions));
        assertEquals(named(commands), named(actions));

        assertTrue(client.ready.await(WAIT_S, TimeUnit.SECONDS));
        JsonObject params = JsonParser.parseString("{\"textDocument\":{\"uri\":\"" + uri + "\"},"
                        + "\"position\":{\"line\":1,\"character\":11},\"context\":{\"triggerKind\":2}}")
                .getAsJsonObject();
        JsonObject list = server.inlineCompletion(params).get(WAIT_S, TimeUnit.SECONDS);
        assertEquals("b + ", list.getAsJsonArray("items").get(0).getAsJsonObject().get("insertText").getAsString());

        HoverParams hover = new HoverParams(new TextDocumentIdentifier(uri), new Position(4, 7));
        var shown = server.getTextDocumentService().hover(hover).get(WAIT_S, TimeUnit.SECONDS);
        assertTrue(shown.getContents().getRight().getValue().contains("add(a, b)"));
        String page = server.chatPage(new JsonObject()).get(WAIT_S, TimeUnit.SECONDS).get("html").getAsString();
        assertTrue(page.contains("acquireVsCodeApi"));
    }

    @Test
    public void aStreamInAnyOrderIsTheAnswer() throws Exception {
        StringBuilder said = new StringBuilder();
        String token = client.streams.open(event -> {
            if ("delta".equals(event.get("kind").getAsString())) {
                said.append(event.get("text").getAsString());
            }
        });
        CommandArguments arguments = CommandArguments.of("why is that?").in(null, token);
        Answer answer = run("zi.command.ask", arguments);
        assertEquals("", answer.error());
        assertFalse(answer.conversation().isEmpty());
        List<ProgressParams> messages = new ArrayList<>(client.progress);
        assertTrue(messages.size() > 2);
        Collections.shuffle(messages, new Random(3));
        messages.forEach(client.streams::accept);
        client.streams.close(token);
        assertEquals(answer.text(), said.toString());
        assertTrue(answer.text().startsWith("Because"));
    }

    @Test
    public void anEditComesWithItsVersionAndADismissedQuestionIsANo() throws Exception {
        Range cursor = new Range(new Position(1, 4), new Position(1, 4));
        Answer fixed = run("zi.command.fix", CommandArguments.of("mend it").about(uri, cursor));
        assertEquals("", fixed.error());
        assertEquals(1, client.edits.size());
        var change = client.edits.get(0).getEdit().getDocumentChanges().get(0).getLeft();
        assertEquals(Integer.valueOf(1), change.getTextDocument().getVersion());
        Answer refused = run("zi.command.run", CommandArguments.of("!touch made"));
        assertEquals(1, client.questions.size());
        assertFalse(refused.error().isEmpty());
        assertFalse(Files.exists(root().resolve("made")));
    }

    private Answer run(String command, CommandArguments arguments) throws Exception {
        return Answer.of(server.getWorkspaceService()
                .executeCommand(arguments.request(command))
                .get(WAIT_S, TimeUnit.SECONDS));
    }

    private static Set<String> named(Set<String> commands) {
        return commands.stream().filter(each -> each.startsWith("zi.command.")).collect(Collectors.toSet());
    }

    private static ClientCapabilities lsp4ijCapabilities() {
        String json = "{\"workspace\":{\"applyEdit\":true,\"configuration\":true,\"workspaceFolders\":true,"
                + "\"workspaceEdit\":{\"documentChanges\":true,\"failureHandling\":\"undo\","
                + "\"resourceOperations\":[\"create\",\"delete\",\"rename\"]},\"executeCommand\":{}},"
                + "\"textDocument\":{\"hover\":{\"contentFormat\":[\"markdown\",\"plaintext\"]},"
                + "\"synchronization\":{\"didSave\":true}},\"window\":{\"workDoneProgress\":true,"
                + "\"showMessage\":{},\"showDocument\":{\"support\":true}}}";
        return new com.google.gson.Gson().fromJson(json, ClientCapabilities.class);
    }

    private static Path root() {
        return Path.of(System.getProperty("zi.root"));
    }
}
