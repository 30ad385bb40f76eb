package loanstack.standin;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;

/** Deploys what lies in the autodeploy folder, and undeploys what has left it. */
final class AutoDeploy {
    private static final Logger LOG = Logger.getLogger("deployment");

    private final Path folder;
    private final Applications applications;
    private final Map<String, FileTime> seen = new HashMap<>();

    AutoDeploy(Path folder, Applications applications) {
        this.folder = folder;
        this.applications = applications;
    }

    /** Looks once now, for what is to be there when the start is complete, and then every {@code intervalMs}. */
    void start(long intervalMs) {
        look();
        Thread thread = new Thread(() -> {
            while (true) {
                try {
                    Thread.sleep(intervalMs);
                } catch (InterruptedException stopped) {
                    return;
                }
                look();
            }
        }, "autodeploy");
        thread.setDaemon(true);
        thread.start();
    }

    private void look() {
        try {
            Set<String> there = new TreeSet<>();
            try (Stream<Path> wars = Files.list(folder)) {
                for (Path war : (Iterable<Path>) wars.filter(each -> each.toString().endsWith(".war"))::iterator) {
                    String name = Applications.name(war);
                    FileTime written = Files.getLastModifiedTime(war);
                    there.add(name);
                    if (!written.equals(seen.put(name, written))) {
                        applications.deployLogged(name, war);
                    }
                }
            }
            for (String gone : new TreeSet<>(seen.keySet())) {
                if (!there.contains(gone)) {
                    seen.remove(gone);
                    applications.undeploy(gone);
                }
            }
        } catch (IOException unreadable) {
            LOG.log(Level.WARNING, folder + " cannot be read", unreadable);
        }
    }
}
