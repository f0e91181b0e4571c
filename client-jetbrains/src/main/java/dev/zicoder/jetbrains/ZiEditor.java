package dev.zicoder.jetbrains;

import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import com.intellij.openapi.Disposable;
import com.intellij.openapi.application.ApplicationManager;
import com.intellij.openapi.command.WriteCommandAction;
import com.intellij.openapi.editor.Document;
import com.intellij.openapi.editor.Editor;
import com.intellij.openapi.editor.EditorFactory;
import com.intellij.openapi.editor.SelectionModel;
import com.intellij.openapi.editor.event.SelectionEvent;
import com.intellij.openapi.editor.event.SelectionListener;
import com.intellij.openapi.fileEditor.FileDocumentManager;
import com.intellij.openapi.fileEditor.FileEditorManager;
import com.intellij.openapi.fileEditor.FileEditorManagerEvent;
import com.intellij.openapi.fileEditor.FileEditorManagerListener;
import com.intellij.openapi.fileEditor.OpenFileDescriptor;
import com.intellij.openapi.ide.CopyPasteManager;
import com.intellij.openapi.project.Project;
import com.intellij.openapi.vfs.LocalFileSystem;
import com.intellij.openapi.vfs.VirtualFile;
import dev.zicoder.core.LookedAt;
import dev.zicoder.core.PageEditor;
import java.awt.datatransfer.StringSelection;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.eclipse.lsp4j.Position;
import org.eclipse.lsp4j.Range;
import org.jetbrains.annotations.NotNull;

/** The editor beside the chat: tells what it looks at, and does what the page asks of it. Made on the event thread. */
final class ZiEditor implements PageEditor {
    private final Project project;
    private volatile LookedAt looked;

    /** {@code told} is called on the event thread whenever another place is looked at, until {@code life} ends. */
    ZiEditor(Project project, Disposable life, Consumer<LookedAt> told) {
        this.project = project;
        this.looked = at(project, FileEditorManager.getInstance(project).getSelectedTextEditor());
        FileEditorManagerListener files = new FileEditorManagerListener() {
            @Override
            public void selectionChanged(@NotNull FileEditorManagerEvent event) {
                look(told);
            }
        };
        project.getMessageBus().connect(life).subscribe(FileEditorManagerListener.FILE_EDITOR_MANAGER, files);
        SelectionListener selections = new SelectionListener() {
            @Override
            public void selectionChanged(@NotNull SelectionEvent event) {
                look(told);
            }
        };
        EditorFactory.getInstance().getEventMulticaster().addSelectionListener(selections, life);
    }

    /** The document in an editor and the selection in it; positions count UTF-16, as LSP4IJ does. Null for no file. */
    static LookedAt at(Project project, Editor editor) {
        VirtualFile file = editor == null ? null : FileDocumentManager.getInstance().getFile(editor.getDocument());
        if (file == null || !file.isInLocalFileSystem()) {
            return null;
        }
        Path path = file.toNioPath();
        Path root = project.getBasePath() == null ? null : Path.of(project.getBasePath());
        String shown = (root != null && path.startsWith(root) ? root.relativize(path) : path).toString();
        Document document = editor.getDocument();
        SelectionModel selection = editor.getSelectionModel();
        Position start = position(document, selection.getSelectionStart());
        Position end = position(document, selection.getSelectionEnd());
        return new LookedAt(path.toUri().toString(), shown.replace('\\', '/'), new Range(start, end));
    }

    private static Position position(Document document, int offset) {
        int line = document.getLineNumber(offset);
        return new Position(line, offset - document.getLineStartOffset(line));
    }

    @Override
    public LookedAt looked() {
        return looked;
    }

    private void look(Consumer<LookedAt> told) {
        LookedAt now = at(project, FileEditorManager.getInstance(project).getSelectedTextEditor());
        if (!Objects.equals(now, looked)) {
            looked = now;
            told.accept(now);
        }
    }

    @Override
    public CompletableFuture<Void> act(String method, JsonObject params) {
        CompletableFuture<Void> done = new CompletableFuture<>();
        ApplicationManager.getApplication().invokeLater(() -> {
            try {
                String problem =
                        switch (method) {
                            case "editor.copy" -> copy(text(params, "text"));
                            case "editor.insert" -> insert(text(params, "text"));
                            case "editor.open" -> open(text(params, "path"), number(params, "line"));
                            default -> "This editor cannot do that.";
                        };
                if (!problem.isEmpty()) {
                    throw new IllegalStateException(problem);
                }
                done.complete(null);
            } catch (RuntimeException error) {
                done.completeExceptionally(error);
            }
        });
        return done;
    }

    private static String copy(String text) {
        CopyPasteManager.getInstance().setContents(new StringSelection(text));
        return "";
    }

    private String insert(String text) {
        Editor editor = FileEditorManager.getInstance(project).getSelectedTextEditor();
        if (editor == null || !editor.getDocument().isWritable()) {
            return "Open a file that can be changed first.";
        }
        SelectionModel selection = editor.getSelectionModel();
        int start = selection.getSelectionStart();
        int end = selection.getSelectionEnd();
        String lines = text.replace("\r\n", "\n").replace('\r', '\n'); // a document has no other line ends
        Runnable replace = () -> editor.getDocument().replaceString(start, end, lines);
        WriteCommandAction.runWriteCommandAction(project, "Insert from Zi", null, replace);
        return "";
    }

    private String open(String path, int line) {
        String root = project.getBasePath();
        Path place = root == null ? null : LookedAt.inside(root, path);
        VirtualFile file = place == null ? null : LocalFileSystem.getInstance().refreshAndFindFileByNioFile(place);
        if (file == null || file.isDirectory()) {
            return path + " is no file of this project.";
        }
        new OpenFileDescriptor(project, file, Math.max(0, line - 1), 0).navigate(true);
        return "";
    }

    private static String text(JsonObject params, String name) {
        return params.get(name) instanceof JsonPrimitive value ? value.getAsString() : "";
    }

    private static int number(JsonObject params, String name) {
        return params.get(name) instanceof JsonPrimitive value && value.isNumber() ? value.getAsInt() : 1;
    }
}
