package loanstack.portal;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.atomic.LongAdder;

/** One loan service: its kept connections, and whether it is well. */
final class Instance {
    private static final int KEPT_MAX = 256;

    final String name;
    final LongAdder requests = new LongAdder();
    final LongAdder failures = new LongAdder();
    private final InetSocketAddress address;
    private final int connectTimeoutMs;
    private final byte[] question;
    private final LinkedBlockingDeque<Connection> kept = new LinkedBlockingDeque<>(KEPT_MAX);
    private volatile boolean isWell;

    /** One that gets no request before a look has found it well. */
    Instance(String host, int port, int connectTimeoutMs) {
        this.name = host + ":" + port;
        this.address = new InetSocketAddress(host, port);
        this.connectTimeoutMs = connectTimeoutMs;
        question = ("GET /in-rotation HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n").getBytes(ISO_8859_1);
    }

    boolean isWell() {
        return isWell;
    }

    /** Returns a kept connection that is alive, or a new one. */
    Connection take() throws IOException {
        for (Connection found = kept.pollFirst(); found != null; found = kept.pollFirst()) {
            if (!found.isStale()) {
                return found;
            }
            found.close();
        }
        return new Connection(address, connectTimeoutMs);
    }

    /** Keeps a connection whose answer has been read whole. */
    void give(Connection connection) {
        boolean mayBeKept = isWell && !"close".equalsIgnoreCase(connection.header("Connection"));
        if (!mayBeKept || !kept.offerFirst(connection)) {
            connection.close();
        }
    }

    /** Takes it out of rotation at once; the next look that finds it well brings it back. */
    void failed() {
        failures.increment();
        leave();
    }

    /** Asks whether it takes requests, over a connection of its own: what is kept may outlive what listens. */
    void look(int timeoutMs) {
        try (Connection asked = new Connection(address, timeoutMs)) {
            asked.exchange(question, System.nanoTime() + timeoutMs * 1_000_000L);
            isWell = asked.status() == 200;
        } catch (IOException silent) {
            isWell = false;
        }
        if (!isWell) {
            leave();
        }
    }

    private void leave() {
        isWell = false;
        for (Connection found = kept.pollFirst(); found != null; found = kept.pollFirst()) {
            found.close();
        }
    }
}
