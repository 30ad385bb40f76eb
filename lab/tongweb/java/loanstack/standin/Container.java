package loanstack.standin;

import java.io.File;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.Host;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.Service;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.core.StandardEngine;
import org.apache.catalina.core.StandardHost;
import org.apache.catalina.core.StandardServer;
import org.apache.catalina.core.StandardService;
import org.apache.catalina.deploy.NamingResourcesImpl;
import org.apache.catalina.servlets.DefaultServlet;
import org.apache.catalina.startup.ContextConfig;
import org.apache.catalina.startup.Tomcat;
import org.apache.catalina.valves.AccessLogValve;
import org.apache.tomcat.util.descriptor.web.ContextResource;
import org.apache.tomcat.util.descriptor.web.ContextResourceLink;
import org.w3c.dom.Element;

/** Apache Tomcat, built as {@code tongweb.xml} says: a service for each virtual host, with its listeners. */
final class Container {
    private static final int TRIAL_THREADS = 5;

    final StandardServer server = new StandardServer();
    private final Map<String, Host> hosts = new HashMap<>();
    private final TongwebXml xml;
    private final Path home;

    Container(TongwebXml xml, Path home, boolean isTrial) throws Refusal {
        this.xml = xml;
        this.home = home;
        server.setCatalinaBase(home.toFile());
        server.setCatalinaHome(home.toFile());
        server.setPort(Integer.parseInt(xml.of("server", "shutdown-port", "8005")));
        NamingResourcesImpl pools = new NamingResourcesImpl();
        for (Element each : xml.all("jdbc-connection-pool")) {
            pools.addResource(pool(each));
        }
        server.setGlobalNamingResources(pools);
        for (Element each : xml.all("virtual-host")) {
            hosts.put(each.getAttribute("name"), host(each, isTrial));
        }
    }

    /** Returns a virtual host; null: there is none of that name. */
    Host host(String name) {
        return hosts.get(name);
    }

    /** Makes a web application of an unpacked folder and starts it. */
    Context start(Host host, String contextRoot, Path folder) throws Refusal {
        StandardContext context = new StandardContext();
        context.setPath(contextRoot.equals("/") ? "" : contextRoot);
        context.setDocBase(folder.toString());
        context.setRequestCharacterEncoding(xml.of("web-container", "parameter-encoding", "GBK"));
        context.setResponseCharacterEncoding(xml.of("web-container", "response-encoding", "GBK"));
        // On Java 17 these three would need more opened modules, and only look for leaks of applications.
        context.setClearReferencesObjectStreamClassCaches(false);
        context.setClearReferencesRmiTargets(false);
        context.setClearReferencesThreadLocals(false);
        addFileServing(context);
        xml.all("jdbc-connection-pool").forEach(each -> context.getNamingResources().addResourceLink(link(each)));
        ContextConfig config = new ContextConfig();
        config.setDefaultWebXml(new Tomcat().noDefaultWebXmlPath());
        context.addLifecycleListener(config);
        host.addChild(context);
        // Tomcat itself only logs what a servlet that loads on start throws.
        if (!context.getState().isAvailable()) {
            host.removeChild(context);
            throw new Refusal("deployment", "application " + contextRoot + " did not start; its reason is above");
        }
        return context;
    }

    /** Takes no more connections and answers what is under way, then stops. */
    void stop() {
        try {
            server.stop();
            server.destroy();
        } catch (LifecycleException failure) {
            Logger.getLogger("core").log(Level.WARNING, "a part of the server did not stop", failure);
        }
    }

    /** What Tomcat's own web.xml gives an application, but for JSP: files, their types, a first page. */
    private static void addFileServing(StandardContext context) {
        Tomcat.addServlet(context, "default", DefaultServlet.class.getName()).setLoadOnStartup(1);
        context.addServletMappingDecoded("/", "default");
        Tomcat.addDefaultMimeTypeMappings(context);
        context.addWelcomeFile("index.html");
    }

    private Host host(Element virtualHost, boolean isTrial) throws Refusal {
        String name = virtualHost.getAttribute("name");
        StandardService service = new StandardService();
        service.setName(name);
        StandardEngine engine = new StandardEngine();
        engine.setName(name);
        engine.setDefaultHost(name);
        engine.setService(service);
        service.setContainer(engine);
        StandardHost host = new StandardHost();
        host.setName(name);
        host.setAppBase(home.resolve("applications").toString());
        host.setFailCtxIfServletStartFails(true);
        host.setErrorReportValveClass("org.apache.catalina.valves.ErrorReportValve");
        engine.addChild(host);
        if (Boolean.parseBoolean(xml.of(virtualHost, "accesslog-enabled", "false"))) {
            host.getPipeline().addValve(accessLog(virtualHost));
        }
        for (String listener : virtualHost.getAttribute("listeners").split(",")) {
            addListener(service, host, listener.trim(), isTrial);
        }
        server.addService(service);
        return host;
    }

    private void addListener(Service service, Host host, String name, boolean isTrial) throws Refusal {
        Element listener = xml.all("http-listener").stream()
                .filter(each -> each.getAttribute("name").equals(name))
                .findFirst()
                .orElseThrow(() -> new Refusal("configuration", "virtual-host " + host.getName()
                        + " names http-listener '" + name + "', and there is none"));
        Element protocol = (Element) listener.getElementsByTagName("protocol").item(0);
        Element options = (Element) listener.getElementsByTagName("http-options").item(0);
        String kind = xml.of(listener, "io-mode", "nio2").equals("nio2") ? "Nio2" : "Nio";
        Connector connector = new Connector("org.apache.coyote.http11.Http11" + kind + "Protocol");
        connector.setPort(Integer.parseInt(listener.getAttribute("port")));
        connector.setURIEncoding(xml.of(listener, "uri-encoding", "GBK"));
        connector.setProperty("address", xml.of(listener, "address", "0.0.0.0"));
        int threads = Integer.parseInt(xml.of(protocol, "max-threads", "200"));
        connector.setProperty("maxThreads", "" + (isTrial ? Math.min(threads, TRIAL_THREADS) : threads));
        connector.setProperty("minSpareThreads", xml.of(protocol, "min-spare-threads", "10"));
        connector.setProperty("acceptCount", xml.of(protocol, "backlog", "100"));
        connector.setProperty("maxConnections", xml.of(protocol, "max-connections", "10000"));
        connector.setProperty("connectionTimeout", xml.of(protocol, "connection-timeout", "60000"));
        connector.setProperty("keepAliveTimeout", xml.of(protocol, "keep-alive-timeout", "60000"));
        connector.setProperty("maxKeepAliveRequests", xml.of(options, "max-keep-alive-requests", "100"));
        connector.setProperty("maxHttpHeaderSize", xml.of(options, "max-http-header-size", "8192"));
        // A port that is taken shall end the start, and not leave a server without its entrance.
        connector.setThrowOnFailure(true);
        service.addConnector(connector);
        String refused = xml.of(protocol, "not-allow-HTTP-methods", "TRACE,OPTIONS,HEAD,CONNECT,DELETE");
        if (!refused.isEmpty()) {
            host.getPipeline().addValve(new RefusedMethods(Set.of(refused.split(","))));
        }
    }

    private AccessLogValve accessLog(Element virtualHost) {
        AccessLogValve valve = new AccessLogValve();
        valve.setDirectory(new File(xml.of(virtualHost, "accesslog-dir", "logs/access")).toString());
        valve.setPrefix("access_log.");
        valve.setSuffix(xml.of("access-log", "suffix", ".txt"));
        valve.setFileDateFormat(xml.of("access-log", "file-date-format", "yy.MM.dd.HH"));
        valve.setPattern(xml.of("access-log", "pattern", "%t %U %m %a %D"));
        return valve;
    }

    /** What has an application find a pool of the server's below {@code java:comp/env/}. */
    private static ContextResourceLink link(Element pool) {
        ContextResourceLink link = new ContextResourceLink();
        link.setName(pool.getAttribute("name"));
        link.setGlobal(pool.getAttribute("name"));
        link.setType("javax.sql.DataSource");
        return link;
    }

    private static ContextResource pool(Element element) throws Refusal {
        ContextResource found = new ContextResource();
        found.setName(element.getAttribute("name"));
        found.setType("javax.sql.DataSource");
        found.setAuth("Container");
        String[][] names = {
            {"jdbc-driver", "driverClassName"}, {"jdbc-url", "url"}, {"user-name", "username"},
            {"initial-size", "initialSize"}, {"max-active", "maxActive"}, {"min-idle", "minIdle"},
            {"max-wait-time", "maxWait"}, {"validation-query", "validationQuery"}, {"test-on-borrow", "testOnBorrow"},
        };
        found.setProperty("factory", "org.apache.tomcat.jdbc.pool.DataSourceFactory");
        try {
            found.setProperty("password", Passwords.decrypt(element.getAttribute("password")));
        } catch (IllegalArgumentException plain) {
            throw new Refusal("configuration", "jdbc-connection-pool " + found.getName()
                    + ": its password is not what bin/password.sh writes");
        }
        for (String[] each : names) {
            if (element.hasAttribute(each[0])) {
                found.setProperty(each[1], element.getAttribute(each[0]));
            }
        }
        return found;
    }
}
