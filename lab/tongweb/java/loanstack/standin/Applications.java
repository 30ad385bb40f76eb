package loanstack.standin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.Map;
import java.util.TreeMap;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.apache.catalina.Context;
import org.apache.catalina.Host;

/** The applications that are deployed: unpacked, running, and listed. */
final class Applications {
    private static final Logger LOG = Logger.getLogger("deployment");
    private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");
    private static final Pattern CONTEXT_ROOT = Pattern.compile("<context-root>\\s*(/[^<\\s]*)\\s*</context-root>");

    /** One deployed application. */
    static final class Application {
        final String contextRoot;
        final String virtualHost;
        final Context context;

        Application(String contextRoot, String virtualHost, Context context) {
            this.contextRoot = contextRoot;
            this.virtualHost = virtualHost;
            this.context = context;
        }
    }

    private final Container container;
    private final Path home;
    private final Map<String, Application> deployed = new TreeMap<>();

    Applications(Container container, Path home) {
        this.container = container;
        this.home = home;
    }

    /**
     * Unpacks a WAR and starts it, in place of the one of that name.
     *
     * @param contextRoot null: as its {@code tongweb-web.xml} says, or its name
     * @throws Refusal what is wrong with the WAR, its name or its virtual host
     */
    synchronized void deploy(String name, Path war, String contextRoot, String virtualHost) throws Refusal {
        Host host = container.host(virtualHost);
        if (host == null || !NAME.matcher(name).matches()) {
            throw new Refusal("deployment", "no virtual-host " + virtualHost + ", or no name: " + name);
        }
        undeploy(name);
        Path folder = home.resolve("applications").resolve(name);
        try {
            unpack(war, folder);
            String root = contextRoot != null ? contextRoot : contextRoot(folder, name);
            deployed.put(name, new Application(root, virtualHost, container.start(host, root, folder)));
            LOG.info("deploy application " + name + " at " + root + " success.");
        } catch (IOException | UncheckedIOException unreadable) {
            throw new Refusal("deployment", war + ": " + unreadable.getMessage());
        }
    }

    /** Stops an application and removes its folder; says whether there was one. */
    synchronized boolean undeploy(String name) {
        Application found = deployed.remove(name);
        if (found != null) {
            found.context.getParent().removeChild(found.context);
            LOG.info("undeploy application " + name + " success.");
        }
        return found != null;
    }

    /** Returns the lines of {@code list-apps}. */
    synchronized String listing() {
        StringBuilder text = new StringBuilder();
        deployed.forEach((name, each) -> text.append("name=").append(name).append(" type=war context-root=")
                .append(each.contextRoot).append(" vNames=").append(each.virtualHost).append(" status=")
                .append(each.context.getState().isAvailable() ? "started" : "stopped").append('\n'));
        return text.toString();
    }

    /** Deploys what {@code persistence/applications} kept over a restart. */
    void restore() throws IOException {
        try (Stream<Path> kept = Files.list(persisted())) {
            for (Path war : (Iterable<Path>) kept.sorted()::iterator) {
                deployLogged(name(war), war);
            }
        }
    }

    /** Deploys a WAR by its own name, as autodeploy does: a bad one is logged, and the others go on. */
    void deployLogged(String name, Path war) {
        try {
            deploy(name, war, null, "server");
        } catch (Refusal refused) {
            LOG.log(Level.SEVERE, "deploy application " + name + " failed: " + refused.getMessage());
        }
    }

    /** Keeps a WAR for the next start. */
    void keep(String name, Path war) throws IOException {
        Files.copy(war, persisted().resolve(name + ".war"), StandardCopyOption.REPLACE_EXISTING);
    }

    /** Keeps no WAR of that name any more. */
    void forget(String name) throws IOException {
        Files.deleteIfExists(persisted().resolve(name + ".war"));
    }

    static String name(Path war) {
        return war.getFileName().toString().replaceFirst("\\.war$", "");
    }

    private Path persisted() throws IOException {
        return Files.createDirectories(home.resolve("persistence/applications"));
    }

    private static String contextRoot(Path folder, String name) throws IOException {
        Path descriptor = folder.resolve("WEB-INF/tongweb-web.xml");
        if (Files.exists(descriptor)) {
            Matcher found = CONTEXT_ROOT.matcher(Files.readString(descriptor));
            if (found.find()) {
                return found.group(1);
            }
        }
        return "/" + name;
    }

    private static void unpack(Path war, Path folder) throws IOException {
        if (Files.exists(folder)) {
            try (Stream<Path> old = Files.walk(folder)) {
                for (Path each : (Iterable<Path>) old.sorted(Comparator.reverseOrder())::iterator) {
                    Files.delete(each);
                }
            }
        }
        Files.createDirectories(folder);
        int entries = 0;
        try (InputStream raw = Files.newInputStream(war); ZipInputStream zip = new ZipInputStream(raw)) {
            for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry(), entries++) {
                Path target = folder.resolve(entry.getName()).normalize();
                if (!target.startsWith(folder)) {
                    throw new IOException("an entry that leads out of the application: " + entry.getName());
                } else if (entry.isDirectory()) {
                    Files.createDirectories(target);
                } else {
                    Files.createDirectories(target.getParent());
                    Files.copy(zip, target);
                }
            }
        }
        if (entries == 0) {
            throw new IOException("no WAR: it has no entries");
        }
    }
}
