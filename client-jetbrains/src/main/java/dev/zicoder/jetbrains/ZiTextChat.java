package dev.zicoder.jetbrains;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.intellij.openapi.application.ApplicationManager;
import com.intellij.ui.components.JBScrollPane;
import com.intellij.ui.components.JBTextArea;
import com.intellij.ui.components.JBTextField;
import dev.zicoder.core.Answer;
import dev.zicoder.core.CommandArguments;
import java.awt.BorderLayout;
import java.util.List;
import javax.swing.JPanel;
import org.eclipse.lsp4j.ExecuteCommandParams;

/** The chat as plain text, for IDEs without a browser of their own. */
final class ZiTextChat extends JPanel {
    private final ZiProject zi;
    private final JBTextArea log = new JBTextArea();
    private String conversation = "";

    ZiTextChat(ZiProject zi) {
        super(new BorderLayout());
        this.zi = zi;
        JBTextField input = new JBTextField();
        input.getEmptyText().setText("Ask, or / for commands");
        input.addActionListener(event -> {
            send(input.getText(), null);
            input.setText("");
        });
        log.setEditable(false);
        log.setLineWrap(true);
        log.setWrapStyleWord(true);
        add(new JBScrollPane(log), BorderLayout.CENTER);
        add(input, BorderLayout.SOUTH);
        zi.chatIs(message -> send(message.get("text").getAsString(), message.get("place")));
    }

    private void send(String text, JsonElement place) {
        if (text.isBlank()) {
            return;
        }
        show("\n> " + text + "\n");
        String token = zi.streams().open(event -> {
            if (event.has("text") && "delta".equals(event.get("kind").getAsString())) {
                show(event.get("text").getAsString());
            }
        });
        JsonObject about = place instanceof JsonObject given ? given.deepCopy() : new JsonObject();
        CommandArguments arguments = CommandArguments.of(text).in(conversation, token);
        JsonObject all = (JsonObject) arguments.request(CommandArguments.RUN).getArguments().get(0);
        all.entrySet().forEach(each -> about.add(each.getKey(), each.getValue()));
        zi.execute(new ExecuteCommandParams(CommandArguments.RUN, List.of(about))).whenComplete((result, error) -> {
            zi.streams().close(token);
            ended(error == null ? Answer.of(result) : new Answer("", String.valueOf(error.getMessage()), "", ""));
        });
    }

    private void ended(Answer answer) {
        if (!answer.conversation().isEmpty()) {
            conversation = answer.conversation();
        }
        if (!answer.error().isEmpty()) {
            show("\n" + answer.error() + " " + answer.hint() + "\n");
        } else if (!log.getText().endsWith(answer.text())) {
            show("\n" + answer.text()); // a report, or what was streamed and then put right
        }
        show("\n");
    }

    private void show(String text) {
        ApplicationManager.getApplication().invokeLater(() -> log.append(text));
    }
}
