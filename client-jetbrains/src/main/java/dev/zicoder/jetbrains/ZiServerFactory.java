package dev.zicoder.jetbrains;

import com.intellij.execution.configurations.GeneralCommandLine;
import com.intellij.execution.configurations.GeneralCommandLine.ParentEnvironmentType;
import com.intellij.openapi.project.Project;
import com.redhat.devtools.lsp4ij.LanguageServerFactory;
import com.redhat.devtools.lsp4ij.client.LanguageClientImpl;
import com.redhat.devtools.lsp4ij.server.OSProcessStreamConnectionProvider;
import com.redhat.devtools.lsp4ij.server.StreamConnectionProvider;
import dev.zicoder.core.ZiLanguageServer;
import java.nio.charset.StandardCharsets;
import org.eclipse.lsp4j.services.LanguageServer;
import org.jetbrains.annotations.NotNull;

/** Starts the server that the settings name. */
public final class ZiServerFactory implements LanguageServerFactory {
    @Override
    public @NotNull StreamConnectionProvider createConnectionProvider(@NotNull Project project) {
        GeneralCommandLine line = new GeneralCommandLine(ZiSettings.current().command())
                .withParentEnvironmentType(ParentEnvironmentType.CONSOLE)
                .withCharset(StandardCharsets.UTF_8);
        if (project.getBasePath() != null) {
            line.setWorkDirectory(project.getBasePath());
        }
        return new OSProcessStreamConnectionProvider(line);
    }

    @Override
    public @NotNull LanguageClientImpl createLanguageClient(@NotNull Project project) {
        return new ZiLanguageClient(project);
    }

    @Override
    public @NotNull Class<? extends LanguageServer> getServerInterface() {
        return ZiLanguageServer.class;
    }
}
