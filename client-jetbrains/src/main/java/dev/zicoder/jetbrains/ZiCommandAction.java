package dev.zicoder.jetbrains;

import com.google.gson.JsonObject;
import com.intellij.notification.NotificationType;
import com.intellij.openapi.actionSystem.ActionManager;
import com.intellij.openapi.actionSystem.ActionUpdateThread;
import com.intellij.openapi.actionSystem.AnAction;
import com.intellij.openapi.actionSystem.AnActionEvent;
import com.intellij.openapi.actionSystem.CommonDataKeys;
import com.intellij.openapi.project.DumbAware;
import com.intellij.openapi.project.Project;
import com.intellij.openapi.ui.Messages;
import com.intellij.openapi.wm.ToolWindow;
import com.intellij.openapi.wm.ToolWindowManager;
import dev.zicoder.core.CommandArguments;
import dev.zicoder.core.LookedAt;
import org.jetbrains.annotations.NotNull;

/** Runs the command of the server whose id is the action's own. */
public final class ZiCommandAction extends AnAction implements DumbAware {
    @Override
    public @NotNull ActionUpdateThread getActionUpdateThread() {
        return ActionUpdateThread.BGT;
    }

    @Override
    public void update(@NotNull AnActionEvent event) {
        event.getPresentation().setEnabled(event.getProject() != null);
    }

    @Override
    public void actionPerformed(@NotNull AnActionEvent event) {
        Project project = event.getProject();
        String command = ActionManager.getInstance().getId(this);
        if (project == null || command == null) {
            return;
        }
        ZiProject zi = ZiProject.of(project);
        if (!CommandArguments.takenBy(command)) {
            zi.execute(CommandArguments.of("").request(command)).exceptionally(error -> {
                zi.say(String.valueOf(error.getMessage()), NotificationType.WARNING);
                return null;
            });
            return;
        }
        String title = event.getPresentation().getText();
        String prompt = Messages.showInputDialog(project, "What is it to do? It may be left empty.", title, null);
        ToolWindow window = ToolWindowManager.getInstance(project).getToolWindow(ZiProject.WINDOW);
        if (prompt == null || window == null) {
            return;
        }
        JsonObject message = new JsonObject();
        message.addProperty("kind", "run");
        message.addProperty("text", (title + " " + prompt).strip());
        message.addProperty("send", true);
        LookedAt about = ZiEditor.at(project, event.getData(CommonDataKeys.EDITOR));
        if (about != null) {
            message.add("place", about.target());
        }
        window.activate(() -> {
            if (!zi.tellChat(message)) {
                zi.say("The chat is not ready yet. Try again.", NotificationType.INFORMATION);
            }
        });
    }
}
