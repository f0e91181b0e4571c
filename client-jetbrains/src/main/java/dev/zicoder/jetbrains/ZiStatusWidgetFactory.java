package dev.zicoder.jetbrains;

import com.intellij.openapi.project.Project;
import com.intellij.openapi.util.Disposer;
import com.intellij.openapi.wm.StatusBar;
import com.intellij.openapi.wm.StatusBarWidget;
import com.intellij.openapi.wm.StatusBarWidgetFactory;
import java.awt.Component;
import org.jetbrains.annotations.NotNull;

/** What the engine does, in the status bar. */
public final class ZiStatusWidgetFactory implements StatusBarWidgetFactory {
    @Override
    public @NotNull String getId() {
        return ZiProject.WIDGET;
    }

    @Override
    public @NotNull String getDisplayName() {
        return "Zi Coder";
    }

    @Override
    public @NotNull StatusBarWidget createWidget(@NotNull Project project) {
        return new Widget(ZiProject.of(project));
    }

    @Override
    public boolean isAvailable(@NotNull Project project) {
        return true;
    }

    @Override
    public boolean canBeEnabledOn(@NotNull StatusBar bar) {
        return true;
    }

    @Override
    public void disposeWidget(@NotNull StatusBarWidget widget) {
        Disposer.dispose(widget);
    }

    private record Widget(ZiProject zi) implements StatusBarWidget, StatusBarWidget.TextPresentation {
        @Override
        public @NotNull String ID() {
            return ZiProject.WIDGET;
        }

        @Override
        public WidgetPresentation getPresentation() {
            return this;
        }

        @Override
        public @NotNull String getText() {
            String state = zi.status("state");
            return state.isEmpty() || "ready".equals(state) ? "Zi" : "Zi: " + state;
        }

        @Override
        public float getAlignment() {
            return Component.CENTER_ALIGNMENT;
        }

        @Override
        public String getTooltipText() {
            return (zi.status("message") + " " + zi.status("hint")).strip();
        }

        @Override
        public void dispose() {}
    }
}
