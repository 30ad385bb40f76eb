package loanstack.standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.Host;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.core.StandardContext;
import org.apache.catalina.startup.Tomcat;
import org.w3c.dom.Element;

/** Starts the TongWeb stand-in: licence, configuration, listeners, applications, console. Named as TongWeb's own. */
public final class ThorBootstrap {
    private static final int EXIT_REFUSED = 1;
    private static final String[] OPENED_ON_17 = {"sun.security.rsa", "sun.security.util", "sun.security.jca"};

    private final Path home;

    private ThorBootstrap(Path home) {
        this.home = home;
    }

    public static void main(String[] arguments) throws IOException {
        long startedNs = System.nanoTime();
        System.setProperty("java.naming.factory.initial", "org.apache.naming.java.javaURLContextFactory");
        System.setProperty("java.naming.factory.url.pkgs", "org.apache.naming");
        Path home = Path.of(System.getProperty("tongweb.home")).toRealPath();
        ServerLog log = ServerLog.install(home);
        try {
            new ThorBootstrap(home).run(log, startedNs);
        } catch (Refusal refused) {
            Logger.getLogger(refused.module).severe(refused.getMessage());
            System.exit(EXIT_REFUSED);
        } catch (LifecycleException failed) {
            Throwable reason = failed;
            while (reason.getCause() != null) {
                reason = reason.getCause();
            }
            Logger.getLogger("core").log(Level.SEVERE, "TongWeb server startup failed: " + reason, failed);
            System.exit(EXIT_REFUSED);
        }
    }

    private void run(ServerLog log, long startedNs) throws Refusal, IOException, LifecycleException {
        Logger core = Logger.getLogger("core");
        checkJava();
        License license = License.read(home, LocalDate.now());
        Logger.getLogger("System.out").info(license.validity());
        core.info("Starting " + Version.banner() + "...");
        TongwebXml xml = TongwebXml.read(home);
        log.rotate(megabytes(xml.of("log-service", "rotation-limit", "50 MB")),
                Integer.parseInt(xml.of("log-service", "rotation-file-count", "20")));
        Container container = new Container(xml, home, license.isTrial());
        if (license.isTrial()) {
            core.warning("License limits the connector to a maximum of 5 threads.");
        }
        Applications applications = new Applications(container, home);
        Host admin = container.host("admin");
        if (admin != null) {
            admin.addChild(console(new Console(applications, new Accounts(home))));
        }
        container.server.start();
        for (Element each : xml.all("web-app")) {
            if (Boolean.parseBoolean(xml.of(each, "enabled", "true"))) {
                applications.deploy(each.getAttribute("name"), Path.of(xml.of(each, "original-location", "")),
                        each.getAttribute("context-root"), each.getAttribute("vs-names"));
            }
        }
        applications.restore();
        if (Boolean.parseBoolean(xml.of("auto-deploy", "enabled", "false"))) {
            Path folder = Path.of(xml.of("auto-deploy", "dir", home.resolve("autodeploy").toString()));
            new AutoDeploy(Files.createDirectories(folder), applications)
                    .start(Long.parseLong(xml.of("auto-deploy", "check-interval", "3000")));
        }
        Path pid = home.resolve("tongweb.pid");
        Files.writeString(pid, ProcessHandle.current().pid() + "\n");
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            container.stop();
            log.say("core", "TongWeb server stopped.");
        }, "stop"));
        core.info("TongWeb server startup complete in " + (System.nanoTime() - startedNs) / 1_000_000 + " ms.");
        container.server.await();
    }

    private static void checkJava() throws Refusal {
        int feature = Runtime.version().feature();
        if (feature != 11 && feature != 17) {
            throw new Refusal("core", "Java " + feature + " is not supported; the stand-in runs on 11 and 17.");
        }
        Module base = Object.class.getModule();
        for (String name : OPENED_ON_17) {
            if (feature == 17 && !base.isOpen(name, ThorBootstrap.class.getModule())) {
                throw new Refusal("core", "module java.base does not \"opens " + name + "\" to unnamed module; JDK 17"
                        + " needs --add-opens=java.base/" + name + "=ALL-UNNAMED in bin/external.vmoptions");
            }
        }
    }

    private static Context console(Console console) {
        StandardContext context = new StandardContext();
        context.setPath("/console");
        context.setName("/console");
        context.addLifecycleListener(new Tomcat.FixContextListener());
        Tomcat.addServlet(context, "console", console);
        context.addServletMappingDecoded("/*", "console");
        return context;
    }

    private static long megabytes(String text) throws Refusal {
        if (!text.matches("[1-9][0-9]* ?MB")) {
            throw new Refusal("configuration", "log-service rotation-limit='" + text + "'; allowed: such as '50 MB'");
        }
        return Long.parseLong(text.replaceAll("[^0-9]", "")) << 20;
    }
}
