import com.sun.source.util.JavacTask;
import java.io.File;
import java.util.Arrays;
import java.util.List;
import javax.tools.Diagnostic;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Parses Java files with the compiler's own parser, without looking up a single name: java ParseJava.java FILES. */
public final class ParseJava {
    public static void main(String[] names) throws Exception {
        var compiler = ToolProvider.getSystemJavaCompiler();
        var found = new DiagnosticCollector<JavaFileObject>();
        StandardJavaFileManager files = compiler.getStandardFileManager(found, null, null);
        var sources = files.getJavaFileObjectsFromFiles(Arrays.stream(names).map(File::new).toList());
        var task = (JavacTask) compiler.getTask(null, files, found, List.of("--release", "17"), null, sources);
        int units = 0;
        for (var unit : task.parse()) {
            units += unit.getTypeDecls().isEmpty() ? 0 : 1;
        }
        found.getDiagnostics().forEach(System.out::println);
        boolean wrong = found.getDiagnostics().stream().anyMatch(each -> each.getKind() == Diagnostic.Kind.ERROR);
        System.out.println(units + " of " + names.length + " files hold a type");
        System.exit(wrong ? 1 : 0);
    }
}
