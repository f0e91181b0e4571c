package dev.zicoder.core;

import com.google.gson.JsonObject;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.eclipse.lsp4j.Range;

/** What an editor looks at: a document, and the selection in it; an empty range is the cursor. */
public record LookedAt(String uri, String path, Range range) {
    /** As {@code zi.run} takes it. */
    public JsonObject target() {
        JsonObject all = (JsonObject) CommandArguments.of("")
                .about(uri, range)
                .request(CommandArguments.RUN)
                .getArguments()
                .get(0);
        all.remove("text");
        return all;
    }

    /** As the page shows it: lines count from 1, and are 0 where nothing is selected. */
    public JsonObject place() {
        boolean empty = range.getStart().equals(range.getEnd());
        JsonObject place = new JsonObject();
        place.addProperty("path", path);
        place.addProperty("first", empty ? 0 : range.getStart().getLine() + 1);
        place.addProperty("last", empty ? 0 : range.getEnd().getLine() + 1);
        return place;
    }

    /** The file of a project that a path in an answer names; null for one that leads out of the project. */
    public static Path inside(String root, String path) {
        try {
            Path folder = Path.of(root).normalize();
            Path file = folder.resolve(path).normalize();
            return file.startsWith(folder) && !file.equals(folder) ? file : null;
        } catch (InvalidPathException error) {
            return null;
        }
    }
}
