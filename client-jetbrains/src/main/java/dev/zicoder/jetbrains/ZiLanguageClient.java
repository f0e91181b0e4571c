package dev.zicoder.jetbrains;

import com.google.gson.JsonObject;
import com.intellij.openapi.project.Project;
import com.redhat.devtools.lsp4ij.ServerStatus;
import com.redhat.devtools.lsp4ij.client.LanguageClientImpl;
import org.eclipse.lsp4j.ProgressParams;
import org.eclipse.lsp4j.jsonrpc.services.JsonNotification;

/**
 * LSP4IJ's client, which shows the server's questions as notifications; this one also takes our streams, which LSP4IJ
 * drops, and the server's status.
 */
public final class ZiLanguageClient extends LanguageClientImpl {
    public ZiLanguageClient(Project project) {
        super(project);
    }

    @Override
    public void notifyProgress(ProgressParams params) {
        if (!ZiProject.of(getProject()).streams().accept(params)) {
            super.notifyProgress(params);
        }
    }

    /** What the engine does. */
    @JsonNotification("zi/status")
    public void status(JsonObject status) {
        ZiProject.of(getProject()).statusChanged(status);
    }

    @Override
    protected Object createSettings() {
        return ZiSettings.current().configuration();
    }

    @Override
    public void handleServerStatusChanged(ServerStatus status) {
        if (status == ServerStatus.started) {
            triggerChangeConfiguration();
        }
    }
}
