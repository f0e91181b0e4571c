package dev.zicoder.jetbrains;

import com.google.gson.JsonObject;
import com.intellij.openapi.Disposable;
import com.intellij.openapi.application.ApplicationManager;
import com.intellij.openapi.project.DumbAware;
import com.intellij.openapi.project.Project;
import com.intellij.openapi.util.Disposer;
import com.intellij.openapi.wm.ToolWindow;
import com.intellij.openapi.wm.ToolWindowFactory;
import com.intellij.ui.content.Content;
import com.intellij.ui.content.ContentFactory;
import com.intellij.ui.jcef.JBCefApp;
import com.intellij.ui.jcef.JBCefBrowser;
import com.intellij.ui.jcef.JBCefBrowserBase;
import com.intellij.ui.jcef.JBCefJSQuery;
import dev.zicoder.core.PageHost;
import java.util.concurrent.atomic.AtomicReference;
import javax.swing.JComponent;
import org.jetbrains.annotations.NotNull;

/** The chat: the server's page where the IDE has a browser, else plain text. */
public final class ZiToolWindowFactory implements ToolWindowFactory, DumbAware {
    @Override
    public void createToolWindowContent(@NotNull Project project, @NotNull ToolWindow window) {
        ZiProject zi = ZiProject.of(project);
        Disposable life = Disposer.newDisposable(window.getDisposable(), "Zi chat");
        JComponent shown = JBCefApp.isSupported() ? page(project, zi, life) : new ZiTextChat(zi);
        Content content = ContentFactory.getInstance().createContent(shown, "", false);
        content.setDisposer(life);
        window.getContentManager().addContent(content);
        Disposer.register(life, () -> zi.chatIs(null));
    }

    private static JComponent page(Project project, ZiProject zi, Disposable life) {
        JBCefBrowser browser = new JBCefBrowser();
        JBCefJSQuery query = JBCefJSQuery.create((JBCefBrowserBase) browser);
        Disposer.register(life, query);
        Disposer.register(life, browser);
        AtomicReference<PageHost> hosts = new AtomicReference<>();
        ZiEditor editor = new ZiEditor(project, life, looked -> hosts.get().looksAt(looked));
        PageHost host = new PageHost(zi.streams(), zi::execute, message -> post(browser, message), editor);
        hosts.set(host); // before the event thread, which this is, can tell of another place
        query.addHandler(text -> {
            host.received(text);
            return null;
        });
        zi.server().thenCompose(server -> server.chatPage(new JsonObject())).whenComplete((page, error) -> {
            String html = error == null
                    ? withBridge(page.get("html").getAsString(), page.get("nonce").getAsString(), query)
                    : "<p>Zi does not run. Open a file that it knows, or see Settings &gt; Tools &gt; Zi Coder.</p>";
            ApplicationManager.getApplication().invokeLater(() -> browser.loadHTML(html));
            if (error == null) {
                zi.chatIs(message -> post(browser, message));
            }
        });
        return browser.getComponent();
    }

    private static String withBridge(String html, String nonce, JBCefJSQuery query) {
        int script = html.indexOf("<script");
        return html.substring(0, script) + PageHost.bridge(nonce, query.inject("text")) + html.substring(script);
    }

    private static void post(JBCefBrowser browser, JsonObject message) {
        String call = "window.postMessage(" + message + ", '*')";
        browser.getCefBrowser().executeJavaScript(call, browser.getCefBrowser().getURL(), 0);
    }
}
