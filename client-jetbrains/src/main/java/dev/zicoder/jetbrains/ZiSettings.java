package dev.zicoder.jetbrains;

import com.intellij.openapi.application.ApplicationManager;
import com.intellij.openapi.components.PersistentStateComponent;
import com.intellij.openapi.components.Service;
import com.intellij.openapi.components.State;
import com.intellij.openapi.components.Storage;
import dev.zicoder.core.ServerSettings;
import org.jetbrains.annotations.NotNull;

/** The settings, kept by the IDE. */
@Service(Service.Level.APP)
@State(name = "ZiCoder", storages = @Storage("zi-coder.xml"))
public final class ZiSettings implements PersistentStateComponent<ZiSettings.Kept> {
    /** What is written down. */
    public static final class Kept {
        public String executable = "";
        public String json = "";
    }

    private Kept kept = new Kept();

    static ZiSettings service() {
        return ApplicationManager.getApplication().getService(ZiSettings.class);
    }

    static ServerSettings current() {
        Kept now = service().kept;
        return new ServerSettings(now.executable, now.json);
    }

    @Override
    public @NotNull Kept getState() {
        return kept;
    }

    @Override
    public void loadState(@NotNull Kept state) {
        kept = state;
    }
}
