package dev.zicoder.jetbrains;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.intellij.notification.NotificationGroupManager;
import com.intellij.notification.NotificationType;
import com.intellij.openapi.components.Service;
import com.intellij.openapi.project.Project;
import com.intellij.openapi.wm.StatusBar;
import com.intellij.openapi.wm.WindowManager;
import com.redhat.devtools.lsp4ij.LanguageServerItem;
import com.redhat.devtools.lsp4ij.LanguageServerManager;
import dev.zicoder.core.Streams;
import dev.zicoder.core.ZiLanguageServer;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.eclipse.lsp4j.ExecuteCommandParams;

/** What belongs to one project: the streams, the server's last status, and who shows the chat. */
@Service(Service.Level.PROJECT)
public final class ZiProject {
    static final String SERVER = "zi";
    static final String WIDGET = "dev.zicoder.status";
    static final String WINDOW = "Zi";

    private final Project project;
    private final Streams streams = new Streams();
    private volatile JsonObject status = new JsonObject();
    private volatile Consumer<JsonObject> chat;

    public ZiProject(Project project) {
        this.project = project;
    }

    static ZiProject of(Project project) {
        return project.getService(ZiProject.class);
    }

    Streams streams() {
        return streams;
    }

    /** The chat that is open takes messages to it; null when it is closed. */
    void chatIs(Consumer<JsonObject> shown) {
        chat = shown;
    }

    /** Hands a message to the chat; false where none is open. */
    boolean tellChat(JsonObject message) {
        Consumer<JsonObject> shown = chat;
        if (shown != null) {
            shown.accept(message);
        }
        return shown != null;
    }

    CompletableFuture<Object> execute(ExecuteCommandParams command) {
        return server().thenCompose(server -> server.getWorkspaceService().executeCommand(command));
    }

    CompletableFuture<ZiLanguageServer> server() {
        return LanguageServerManager.getInstance(project)
                .getLanguageServer(SERVER)
                .thenCompose(ZiProject::started)
                .thenApply(server -> (ZiLanguageServer) server);
    }

    private static CompletableFuture<org.eclipse.lsp4j.services.LanguageServer> started(LanguageServerItem item) {
        if (item == null) {
            String text = "Zi does not run. Open a file that it knows, or see Settings > Tools > Zi Coder.";
            return CompletableFuture.failedFuture(new IllegalStateException(text));
        }
        return item.getInitializedServer();
    }

    void statusChanged(JsonObject changed) {
        status = changed;
        StatusBar bar = WindowManager.getInstance().getStatusBar(project);
        if (bar != null) {
            bar.updateWidget(WIDGET);
        }
    }

    /** A field of the status as text, "" where there is none. */
    String status(String field) {
        return status.get(field) instanceof JsonPrimitive value ? value.getAsString() : "";
    }

    void say(String text, NotificationType type) {
        NotificationGroupManager.getInstance()
                .getNotificationGroup("Zi Coder")
                .createNotification(text, type)
                .notify(project);
    }
}
