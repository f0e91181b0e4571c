package dev.zicoder.jetbrains;

import com.intellij.openapi.options.Configurable;
import com.intellij.openapi.options.ConfigurationException;
import com.intellij.openapi.project.Project;
import com.intellij.openapi.project.ProjectManager;
import com.intellij.ui.components.JBScrollPane;
import com.intellij.ui.components.JBTextArea;
import com.intellij.ui.components.JBTextField;
import com.intellij.util.ui.FormBuilder;
import com.redhat.devtools.lsp4ij.LanguageServerManager;
import dev.zicoder.core.ServerSettings;
import javax.swing.JComponent;

/** Settings > Tools > Zi Coder. */
public final class ZiSettingsPage implements Configurable {
    private final JBTextField executable = new JBTextField();
    private final JBTextArea json = new JBTextArea(12, 60);

    @Override
    public String getDisplayName() {
        return "Zi Coder";
    }

    @Override
    public JComponent createComponent() {
        reset();
        return FormBuilder.createFormBuilder()
                .addLabeledComponent("Path of zi (empty: on PATH):", executable)
                .addLabeledComponent("Settings, as JSON:", new JBScrollPane(json), true)
                .addComponentFillVertically(new javax.swing.JPanel(), 0)
                .getPanel();
    }

    @Override
    public boolean isModified() {
        return !shown().equals(ZiSettings.current());
    }

    @Override
    public void apply() throws ConfigurationException {
        ServerSettings shown = shown();
        if (!shown.problem().isEmpty()) {
            throw new ConfigurationException(shown.problem());
        }
        ZiSettings.Kept kept = ZiSettings.service().getState();
        kept.executable = shown.executable();
        kept.json = shown.json();
        for (Project project : ProjectManager.getInstance().getOpenProjects()) {
            LanguageServerManager.getInstance(project).start(ZiProject.SERVER);
        }
    }

    @Override
    public void reset() {
        executable.setText(ZiSettings.current().executable());
        json.setText(ZiSettings.current().json());
    }

    private ServerSettings shown() {
        return new ServerSettings(executable.getText(), json.getText());
    }
}
